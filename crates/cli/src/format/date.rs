//! A moment of the system's clock as people write it: ISO 8601 and strftime's letters, in UTC and English.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(super) s: u64,
    pub(super) ns: u32,
}

/// A date of the Gregorian calendar.
struct Date {
    year: u64,
    /// 1 to 12.
    month: u64,
    /// 1 to 31.
    day: u64,
    /// 0 to 365.
    day_of_year: u64,
    /// 0 is Sunday.
    weekday: u64,
}

impl Stamp {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Stamp { s: since.as_secs(), ns: since.subsec_nanos() }
    }
    /// `2016-08-10T09:47:38+0000`.
    pub(super) fn iso(self) -> String {
        self.compose("@Y-@m-@dT@H:@M:@S@z")
    }
    /// `2020-05-06T22:12:00.000000+0000`.
    pub(super) fn iso_us(self) -> String {
        format!("{}.{:06}+0000", self.compose("@Y-@m-@dT@H:@M:@S"), self.ns / 1000)
    }
    /// Seconds and nanoseconds since 1970.
    pub(super) fn unix(self) -> String {
        format!("{}.{:09}", self.s, self.ns)
    }

    fn date(self) -> Date {
        let days = self.s / 86_400;
        let weekday = (days + 4) % 7; // 1 January 1970 was a Thursday
        let (mut year, mut left) = (1970 + days / 146_097 * 400, days % 146_097);
        while left >= year_len(year) {
            left -= year_len(year);
            year += 1;
        }
        let day_of_year = left;
        let mut month = 1;
        while left >= month_len(year, month) {
            left -= month_len(year, month);
            month += 1;
        }
        Date { year, month, day: left + 1, day_of_year, weekday }
    }

    fn compose(self, format: &str) -> String {
        let mut out = Vec::new();
        let mut chars = format.chars();
        while let Some(char) = chars.next() {
            match (char, char == '@') {
                (_, true) => self.strftime(chars.next().unwrap_or('@'), &mut out),
                (plain, false) => out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends what strftime makes of a letter that [`is_known`]; nothing for others.
    pub(super) fn strftime(self, letter: char, out: &mut Vec<u8>) {
        let (date, second) = (self.date(), self.s % 86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let hour_12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        let (iso_year, iso_week) = iso_week(&date);
        let text = match letter {
            'a' => DAYS[date.weekday as usize][..3].to_owned(),
            'A' => DAYS[date.weekday as usize].to_owned(),
            'b' | 'h' => MONTHS[date.month as usize - 1][..3].to_owned(),
            'B' => MONTHS[date.month as usize - 1].to_owned(),
            'c' => self.compose("@a @b @e @H:@M:@S @Y"),
            'C' => format!("{:02}", date.year / 100),
            'd' => format!("{:02}", date.day),
            'D' | 'x' => self.compose("@m/@d/@y"),
            'e' => format!("{:2}", date.day),
            'F' => self.compose("@Y-@m-@d"),
            'g' => format!("{:02}", iso_year % 100),
            'G' => iso_year.to_string(),
            'H' => format!("{hour:02}"),
            'I' => format!("{hour_12:02}"),
            'j' => format!("{:03}", date.day_of_year + 1),
            'k' => format!("{hour:2}"),
            'l' => format!("{hour_12:2}"),
            'm' => format!("{:02}", date.month),
            'M' => format!("{minute:02}"),
            'n' => "\n".to_owned(),
            'N' => format!("{:09}", self.ns),
            'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'P' => if hour < 12 { "am" } else { "pm" }.to_owned(),
            'r' => self.compose("@I:@M:@S @p"),
            'R' => self.compose("@H:@M"),
            's' => self.s.to_string(),
            'S' => format!("{second:02}"),
            't' => "\t".to_owned(),
            'T' | 'X' => self.compose("@H:@M:@S"),
            'u' => (if date.weekday == 0 { 7 } else { date.weekday }).to_string(),
            'U' => format!("{:02}", (date.day_of_year + 7 - date.weekday) / 7),
            'V' => format!("{iso_week:02}"),
            'w' => date.weekday.to_string(),
            'W' => format!("{:02}", (date.day_of_year + 7 - (date.weekday + 6) % 7) / 7),
            'y' => format!("{:02}", date.year % 100),
            'Y' => date.year.to_string(),
            'z' => "+0000".to_owned(),
            'Z' => "UTC".to_owned(),
            _ => return,
        };
        // Writing to a Vec cannot fail.
        let _ = out.write_all(text.as_bytes());
    }
}

/// Whether [`Stamp::strftime`] makes something of this letter.
pub(super) fn is_known(letter: char) -> bool {
    let mut out = Vec::new();
    Stamp { s: 0, ns: 0 }.strftime(letter, &mut out);
    !out.is_empty()
}

/// The week that holds the Thursday next to the day, and the year of that Thursday.
fn iso_week(date: &Date) -> (u64, u64) {
    let to_thursday = (date.weekday + 6) % 7; // days since Monday; Thursday is 3
    let thursday = date.day_of_year as i64 + 3 - to_thursday as i64;
    if thursday < 0 {
        let year = date.year - 1;
        return (year, (thursday + year_len(year) as i64) as u64 / 7 + 1);
    }
    let thursday = thursday as u64;
    if thursday >= year_len(date.year) {
        return (date.year + 1, (thursday - year_len(date.year)) / 7 + 1);
    }
    (date.year, thursday / 7 + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}
fn year_len(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}
fn month_len(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of GNU date.
    #[test]
    fn dates() {
        for (s, expected) in [
            (0, "1970-01-01 Thu 001 01 1970 00 00"),
            (951_782_400, "2000-02-29 Tue 060 09 2000 09 09"),
            (1_104_537_600, "2005-01-01 Sat 001 53 2004 00 00"),
            (1_230_768_000, "2009-01-01 Thu 001 01 2009 00 00"),
            (1_293_753_600, "2010-12-31 Fri 365 52 2010 52 52"),
            (1_230_681_600, "2008-12-31 Wed 366 01 2009 52 52"),
            (4_107_542_400, "2100-03-01 Mon 060 09 2100 09 09"),
        ] {
            assert_eq!(Stamp { s, ns: 0 }.compose("@F @a @j @V @G @U @W"), expected, "{s}");
        }
    }

    #[test]
    fn times() {
        for (s, expected) in [
            (0, "12 12 AM am 00:00:00  0"),
            (3_661, "01  1 AM am 01:01:01  1"),
            (43_200, "12 12 PM pm 12:00:00 12"),
            (86_399, "11 11 PM pm 23:59:59 23"),
        ] {
            assert_eq!(Stamp { s, ns: 0 }.compose("@I @l @p @P @T @k"), expected, "{s}");
        }
    }
}

//! Numbers as they are written on the command line: each has its range, and a fault says what would be right.

use clap::{Arg, Command};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Connections, sessions, and whatever else needs a client for each.
pub(super) const CLIENTS: RangeInclusive<u64> = 1..=1_000_000;
/// Messages, topics, subscriptions that a broker holds.
pub(super) const HELD: RangeInclusive<u64> = 1..=100_000_000;
/// How often something is done.
pub(super) const TIMES: RangeInclusive<u64> = 1..=1_000_000;
/// Messages that are sent: as many as can be counted, whoever hears them.
pub(super) const MESSAGES: RangeInclusive<u64> = 1..=1_000_000_000_000;

/// The longest time: more than 30 years.
const SECONDS_MAX: u32 = 1_000_000_000;

/// A whole number of `range`, which is one of the type's.
pub(super) fn whole<N: TryFrom<u64> + 'static>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            if *max == u64::MAX {
                format!("write a whole number of {min} or more")
            } else {
                format!("write a whole number from {min} to {max}")
            }
        })
    }
}

/// Seconds, with a fraction if need be.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "write a number of seconds, as in 1 or 0.25".to_owned())?;
    if seconds > f64::from(SECONDS_MAX) {
        return Err(format!("write a number of seconds, {SECONDS_MAX} at most"));
    }
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "write a number of seconds that is not negative".to_owned())
}

/// The same, but not 0.
pub(super) fn some_seconds(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() {
        Err("write a number of seconds above 0, as in 1 or 0.25".to_owned())
    } else {
        Ok(time)
    }
}

/// The command line's description where `-1` behind an option is its value, so that the fault is told of the option.
pub(super) fn with_negative(command: Command) -> Command {
    let of_option = |arg: Arg| {
        if arg.is_positional() || !arg.get_action().takes_values() {
            arg
        } else {
            arg.allow_negative_numbers(true)
        }
    };
    command.mut_args(of_option).mut_subcommands(with_negative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_its_range() {
        assert_eq!(whole::<u16>(0..=65_535)("0"), Ok(0));
        assert_eq!(whole::<u64>(1..=u64::MAX)("18446744073709551615"), Ok(u64::MAX));
        for bad in ["", "-1", "1.5", "x", "nan", "65536", "99999999999999999999", " 1", "1e3"] {
            assert_eq!(
                whole::<u16>(0..=65_535)(bad),
                Err("write a whole number from 0 to 65535".to_owned()),
                "{bad}"
            );
        }
        assert_eq!(whole::<u64>(1..=u64::MAX)("0"), Err("write a whole number of 1 or more".to_owned()));
    }

    #[test]
    fn seconds_are_a_time_that_clocks_can_hold() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("1e9"), Ok(Duration::from_secs(1_000_000_000)));
        for bad in ["-1", "x", "nan", "inf", "1e19", "1e300", "-0.5", ""] {
            assert!(seconds(bad).is_err() && some_seconds(bad).is_err(), "{bad}");
        }
        for none in ["0", "0.0", "-0", "1e-12"] {
            assert_eq!((seconds(none), some_seconds(none).is_err()), (Ok(Duration::ZERO), true), "{none}");
        }
    }
}

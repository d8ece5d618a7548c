//! The samples as tables of Markdown: what each broker needed, the ratios that travel, and where ours is behind.

use super::Kind;
use super::brokers::Broker;
use super::rows::{Bar, Better, Row, Wanted};
use super::samples::{Cell, Samples};
use crate::marks::cell;

/// Another broker is ahead only if it is so by more than runs differ.
const CLEARLY: f64 = 1.05;
/// What two shards may need by what one needs.
const TWO_BY_ONE: f64 = 1.3;

/// A line for each figure, a column for each broker.
pub(super) fn costs(brokers: &[Broker], rows: &[&Row], samples: &Samples) -> String {
    let names: Vec<_> = brokers.iter().map(|broker| broker.name).collect();
    let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---:|".repeat(names.len()));
    for (row, figure) in lines(rows) {
        let value = |broker: &Broker| shown(&samples.cell(row, broker.kind, figure));
        let cells: Vec<_> = brokers.iter().map(value).collect();
        text += &format!("| {} | {} |\n", name(row, figure), cells.join(" | "));
    }
    let spreads = lines(rows).flat_map(|(row, figure)| {
        let one = move |broker: &Broker| {
            let spread = samples.spread(row, broker.kind, figure)?;
            Some((spread, format!("{}, {}", name(row, figure), broker.name)))
        };
        brokers.iter().filter_map(one).collect::<Vec<_>>()
    });
    let mut spreads: Vec<_> = spreads.collect();
    spreads.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if let (Some((middle, _)), Some((worst, of))) = (spreads.get(spreads.len() / 2), spreads.last()) {
        text += &format!(
            "\nThe largest of a figure's runs by its smallest: {middle:.2} in the median of all figures, {worst:.2} at \
             worst ({of}).\n"
        );
    }
    text
}

/// Ours against the relay and Mosquitto, beside the bar.
pub(super) fn ratios(rows: &[&Row], samples: &Samples) -> String {
    let mut text = "| | of the relay | reach | aim | better than Mosquitto | reach | aim | 2 shards by 1 |\n\
                    |---|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for (row, figure) in lines(rows) {
        let ratios = Ratios::new(row, figure, samples);
        let bar = |bar: Option<[f64; 2]>, at: usize| bar.map_or_else(String::new, |bar| times(bar[at]));
        let (of_relay, than_mosquitto) = ratios.bars();
        let misses = |is_missed: bool, text: String| if is_missed { format!("**{text}**") } else { text };
        let show = |value: Option<f64>, is_missed| {
            value.map_or_else(String::new, |one| misses(is_missed, times(one)))
        };
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            name(row, figure),
            show(ratios.of_relay, ratios.misses_relay()),
            bar(of_relay, 0),
            bar(of_relay, 1),
            show(ratios.than_mosquitto, ratios.misses_mosquitto()),
            bar(than_mosquitto, 0),
            bar(than_mosquitto, 1),
            show(ratios.two_by_one, ratios.misses_two()),
        );
    }
    text
}

/// Each figure that misses the bar, or in which another broker is ahead.
pub(super) fn losses(brokers: &[Broker], rows: &[&Row], samples: &Samples) -> String {
    let mut text = String::new();
    for (row, figure) in lines(rows) {
        let mut faults = Ratios::new(row, figure, samples).faults();
        let ours = samples.cell(row, Kind::Martlet, figure);
        for broker in brokers {
            let theirs = samples.cell(row, broker.kind, figure).value();
            if !matches!(broker.kind, Kind::Mosquitto | Kind::Rumqttd) {
                if let Cell::Words(words) = samples.cell(row, broker.kind, figure) {
                    faults.push(format!("{}: {}", broker.name, cell(&words)));
                }
            } else if let Some(ahead) =
                theirs.zip(ours.value()).map(|(theirs, ours)| figure.worse(ours, theirs))
                && ahead > CLEARLY
            {
                faults.push(format!("{} is {} better", broker.name, times(ahead)));
            }
        }
        if !faults.is_empty() {
            text += &format!("- {}: {}\n", name(row, figure), faults.join("; "));
        }
    }
    text
}

/// What is compared of one figure.
struct Ratios<'a> {
    figure: &'a Wanted,
    ours: Option<f64>,
    of_relay: Option<f64>,
    than_mosquitto: Option<f64>,
    two_by_one: Option<f64>,
}

impl Ratios<'_> {
    fn new<'a>(row: &Row, figure: &'a Wanted, samples: &Samples) -> Ratios<'a> {
        let value = |kind| samples.cell(row, kind, figure).value().filter(|value| *value > 0.0);
        let ours = value(Kind::Martlet);
        Ratios {
            figure,
            ours,
            of_relay: ours.zip(value(Kind::Relay)).map(|(ours, relay)| ours / relay),
            than_mosquitto: ours.zip(value(Kind::Mosquitto)).map(|(ours, theirs)| figure.worse(theirs, ours)),
            two_by_one: ours.zip(value(Kind::MartletTwo)).map(|(one, two)| two / one),
        }
    }

    fn bars(&self) -> (Option<[f64; 2]>, Option<[f64; 2]>) {
        let bar = self.figure.bar.as_ref();
        (bar.and_then(Bar::of_relay), bar.and_then(Bar::than_mosquitto))
    }

    fn misses_relay(&self) -> bool {
        self.of_relay.zip(self.bars().0).is_some_and(|(ours, [reach, _])| ours > reach)
    }

    fn misses_mosquitto(&self) -> bool {
        self.than_mosquitto.zip(self.bars().1).is_some_and(|(ours, [reach, _])| ours < reach)
    }

    fn misses_two(&self) -> bool {
        self.figure.better == Better::Low && self.two_by_one.is_some_and(|ratio| ratio > TWO_BY_ONE)
    }

    /// In words: which bars are missed.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let (of_relay, than_mosquitto) = self.bars();
        if let Some(([reach, _], ours)) = of_relay.zip(self.of_relay).filter(|_| self.misses_relay()) {
            faults.push(format!("{} of the relay, to reach is {}", times(ours), times(reach)));
        }
        let missed = than_mosquitto.zip(self.than_mosquitto).filter(|_| self.misses_mosquitto());
        if let Some(([reach, _], ours)) = missed {
            faults.push(format!("{} better than Mosquitto, to reach is {}", times(ours), times(reach)));
        }
        if let Some(ratio) = self.two_by_one.filter(|_| self.misses_two()) {
            faults.push(format!("2 shards: {} of 1, to reach is {}", times(ratio), times(TWO_BY_ONE)));
        }
        if let Some((bar, ours)) = self.figure.bar.as_ref().filter(|bar| bar.is_absolute()).zip(self.ours)
            && self.figure.worse(ours, bar.reach) > 1.0
        {
            faults.push(format!("{}, to reach is {}", number(ours), number(bar.reach)));
        }
        faults
    }
}

impl Wanted {
    /// How many times worse `one` is than `other`.
    fn worse(&self, one: f64, other: f64) -> f64 {
        match self.better {
            Better::Low => one / other,
            Better::High => other / one,
        }
    }
}

fn lines<'a>(rows: &'a [&'a Row]) -> impl Iterator<Item = (&'a Row, &'a Wanted)> {
    rows.iter().flat_map(|row| row.figures.iter().map(|figure| (*row, figure)))
}

pub(super) fn name(row: &Row, figure: &Wanted) -> String {
    format!("{}{}", row.name, figure.label)
}

pub(super) fn shown(of: &Cell) -> String {
    match of {
        Cell::Median(value) => number(*value),
        Cell::Words(words) => cell(words),
        Cell::Nothing => String::new(),
    }
}

pub(super) fn times(ratio: f64) -> String {
    format!("{}x", number(ratio))
}

/// Three digits, or all those before the point.
pub(super) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        size if size < 0.1 => 4,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;
    use crate::bench::samples::Outcome;

    /// Of the row named `name`, its first figure for each broker.
    fn samples(name: &str, values: &[(Kind, f64)]) -> (&'static Row, Samples) {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let mut samples = Samples::default();
        for (kind, value) in values {
            let figures = [(row.figures[0].key.to_owned(), *value)].into();
            samples.add(row, *kind, Outcome::Figures(figures));
        }
        (row, samples)
    }

    #[test]
    fn a_missed_bar_is_bold_and_told() {
        let values =
            [(Kind::Relay, 0.1), (Kind::Martlet, 1.0), (Kind::MartletTwo, 1.4), (Kind::Mosquitto, 100.0)];
        let (row, samples) = samples("pairs 1x1, QoS 0", &values);
        let text = ratios(&[row], &samples);
        let last = text.lines().last().unwrap();
        let expected = "| pairs 1x1, QoS 0 | **10.0x** | 4.44x | 2.89x | 100x | 54.0x | 83.1x | **1.40x** |";
        assert_eq!(last, expected);
        let expected = "- pairs 1x1, QoS 0: 10.0x of the relay, to reach is 4.44x; 2 shards: 1.40x of 1, to reach is 1.30x\n";
        assert_eq!(losses(&[], &[row], &samples), expected);
    }

    #[test]
    fn an_absolute_bar_is_compared_as_it_is() {
        let (row, samples) = samples("connections with a subscription", &[(Kind::Martlet, 1500.0)]);
        let expected =
            "- connections with a subscription: resident bytes each, idle: 1,500, to reach is 1,024\n";
        assert_eq!(losses(&[], &[row], &samples), expected);
    }

    #[test]
    fn numbers_have_about_three_digits() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected);
        check(0.0, "0");
        check(0.0456, "0.0456");
        check(0.4567, "0.457");
        check(12.34, "12.3");
        check(1_234_567.8, "1,234,568");
    }
}

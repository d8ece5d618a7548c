//! Growth: what our broker's cost has to do with what a load has nothing to do with.
//!
//! One shard is compared with itself. A figure's base is the last one above it.

use super::Kind;
use super::rows::{COST, Row, Wanted, Whose, low};
use super::samples::{Cell, Samples};
use super::table::{name, number, shown, times};
use crate::marks::cell;

/// What a figure may be by its base.
const RATIO_MAX: f64 = 1.15;
/// How long another client's retained messages may delay one, in milliseconds.
const DELAY_MAX_MS: f64 = 5.0;
/// The pattern that means all of it.
const ALL: &str = "growth";

/// A load, and what each of its figures is to be.
pub(super) struct Grown {
    pub(super) row: Row,
    limits: &'static [Limit],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    /// None: others are compared with it.
    Base,
    /// [`RATIO_MAX`] of the base.
    OfBase,
    /// As it is.
    AtMost(f64),
}

macro_rules! beside {
    ($load:literal, $line:literal, $what:literal, $options:literal, $limit:ident) => {
        Grown {
            row: Row {
                name: concat!($load, ", beside ", $what),
                line: concat!($line, " --seconds {2|1}", $options),
                whose: Whose::OneShard,
                figures: const { &[low(COST, "", None)] },
                counts_calls: false,
            },
            limits: &[Limit::$limit],
        }
    };
}

macro_rules! growing {
    ($load:literal, $line:literal) => {
        [
            beside!($load, $line, "nothing", "", Base),
            beside!(
                $load,
                $line,
                "1,000,000 subscriptions",
                " --with-subscriptions {1000000|100000}",
                OfBase
            ),
            beside!($load, $line, "1,000,000 retained messages", " --with-retained {1000000|100000}", OfBase),
            beside!($load, $line, "100 idle connections", " --idle {100|10}", Base),
            beside!($load, $line, "19,000 idle connections", " --idle {19000|1900}", OfBase),
        ]
    };
}

static PAIRS: [[Grown; 5]; 2] = [
    growing!("pairs 10x10, QoS 0", "pairs --pairs 10 --qos 0 --window 1024"),
    growing!("pairs 10x10, QoS 1", "pairs --pairs 10 --qos 1 --window 128"),
];

static OTHERS: [Grown; 2] = [
    Grown {
        row: Row {
            name: "SUBSCRIBE and UNSUBSCRIBE",
            line: "crowd --sessions {100000|10000}",
            whose: Whose::OneShard,
            figures: &[
                low("server_cpu_us_alone", " where 1 session has the filter: CPU, µs", None),
                low("server_cpu_us_crowded", " where 100,000 have it: CPU, µs", None),
            ],
            counts_calls: false,
        },
        limits: &[Limit::Base, Limit::OfBase],
    },
    Grown {
        row: Row {
            name: "one in flight, longest latency",
            // The longest of one reading: more of them would add more of what the machine adds.
            line: "replay --retained {1000000|100000} --reads 1",
            whose: Whose::OneShard,
            figures: &[
                low("quiet_latency_max_ms", " while nobody reads: ms", None),
                low("reading_latency_max_ms", " while 1,000,000 retained messages are read: ms", None),
            ],
            counts_calls: false,
        },
        limits: &[Limit::Base, Limit::AtMost(DELAY_MAX_MS)],
    },
];

fn all() -> impl Iterator<Item = &'static Grown> {
    PAIRS.iter().flatten().chain(&OTHERS)
}

pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    all().map(|grown| &grown.row)
}

/// Those with the pattern in their names, each with the row that it is compared with.
pub(super) fn wanted(pattern: Option<&str>) -> Vec<&'static Grown> {
    let (mut wanted, mut base): (Vec<&Grown>, Option<&Grown>) = (Vec::new(), None);
    for grown in all() {
        if grown.limits[0] == Limit::Base {
            base = Some(grown);
        }
        if !pattern.is_none_or(|pattern| pattern == ALL || grown.row.name.contains(pattern)) {
            continue;
        }
        // The base of the row before may be the same.
        let is_there = |one: &Grown| wanted.iter().any(|other| other.row.name == one.row.name);
        let missing = base.filter(|base| base.row.name != grown.row.name && !is_there(base));
        wanted.extend(missing);
        wanted.push(grown);
    }
    wanted
}

/// A figure beside what it is measured by.
struct Line {
    name: String,
    cell: Cell,
    limit: Limit,
    base: Option<f64>,
}

fn lines(wanted: &[&Grown], samples: &Samples) -> Vec<Line> {
    let (mut lines, mut last): (Vec<Line>, Option<f64>) = (Vec::new(), None);
    for grown in wanted {
        for (figure, limit) in grown.row.figures.iter().zip(grown.limits) {
            let line = Line::new(&grown.row, figure, *limit, samples, last);
            if *limit == Limit::Base {
                last = line.cell.value();
            }
            lines.push(line);
        }
    }
    lines
}

impl Line {
    fn new(row: &Row, figure: &Wanted, limit: Limit, samples: &Samples, base: Option<f64>) -> Line {
        let base = base.filter(|base| limit == Limit::OfBase && *base > 0.0);
        Line { name: name(row, figure), cell: samples.cell(row, Kind::Martlet, figure), limit, base }
    }

    fn ratio(&self) -> Option<f64> {
        self.cell.value().zip(self.base).map(|(value, base)| value / base)
    }

    /// What it misses, in words.
    fn miss(&self) -> Option<String> {
        if let Cell::Words(words) = &self.cell {
            return Some(cell(words));
        }
        match self.limit {
            Limit::Base => None,
            Limit::OfBase => {
                let ratio = self.ratio().filter(|ratio| *ratio > RATIO_MAX)?;
                Some(format!("{} of without, to reach is {}", times(ratio), times(RATIO_MAX)))
            }
            Limit::AtMost(most) => {
                let value = self.cell.value().filter(|value| *value > most)?;
                Some(format!("{}, to reach is {}", number(value), number(most)))
            }
        }
    }
}

/// A line for each figure.
pub(super) fn table(wanted: &[&Grown], samples: &Samples, quick: bool) -> String {
    if wanted.is_empty() {
        return "None of these rows is about growth.\n".into();
    }
    let mut text = "| Martlet, 1 shard | | times without | may be |\n|---|---:|---:|---:|\n".to_owned();
    for line in lines(wanted, samples) {
        let bold = |text: String| if line.miss().is_some() { format!("**{text}**") } else { text };
        let (value, ratio, may_be) = match line.limit {
            Limit::Base => (shown(&line.cell), String::new(), String::new()),
            Limit::OfBase => {
                let ratio = line.ratio().map_or_else(String::new, |ratio| bold(times(ratio)));
                (shown(&line.cell), ratio, times(RATIO_MAX))
            }
            Limit::AtMost(most) => (bold(shown(&line.cell)), String::new(), number(most)),
        };
        text += &format!("| {} | {value} | {ratio} | {may_be} |\n", line.name);
    }
    if quick {
        text += "\nThere was a tenth of everything that these rows are named after.\n";
    }
    text
}

/// Each figure that misses the bar.
pub(super) fn losses(wanted: &[&Grown], samples: &Samples) -> String {
    let miss = |line: Line| line.miss().map(|miss| format!("- {}: {miss}\n", line.name));
    lines(wanted, samples).into_iter().filter_map(miss).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;
    use crate::bench::samples::Outcome;
    use std::collections::BTreeSet;

    #[test]
    fn each_figure_has_a_limit_and_no_name_is_taken() {
        let names: BTreeSet<_> = ROWS.iter().chain(rows()).map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len() + rows().count());
        for grown in all() {
            assert_eq!(grown.row.figures.len(), grown.limits.len(), "{}", grown.row.name);
            assert!(grown.row.is_for(Kind::Martlet) && !grown.row.is_for(Kind::MartletTwo));
        }
        assert_eq!(all().next().map(|first| first.limits), Some(&[Limit::Base][..]));
    }

    #[test]
    fn what_is_wanted_has_its_base() {
        let names = |pattern| wanted(Some(pattern)).iter().map(|grown| grown.row.name).collect::<Vec<_>>();
        let expected = [
            "pairs 10x10, QoS 1, beside 100 idle connections",
            "pairs 10x10, QoS 1, beside 19,000 idle connections",
        ];
        assert_eq!(names("QoS 1, beside 19,000"), expected);
        assert_eq!(names("QoS 1, beside 100"), expected[..1]);
        assert_eq!(names("UNSUB"), ["SUBSCRIBE and UNSUBSCRIBE"]);
        assert_eq!(names("fan-out"), [""; 0]);
        assert!([wanted(None).len(), wanted(Some("growth")).len()].iter().all(|len| *len == all().count()));
    }

    #[test]
    fn a_missed_bar_is_bold_and_told() {
        let mut samples = Samples::default();
        let mut add = |row: &Row, values: &[f64]| {
            let figures = row.figures.iter().map(|figure| figure.key.to_owned()).zip(values.iter().copied());
            samples.add(row, Kind::Martlet, Outcome::Figures(figures.collect()));
        };
        let wanted: Vec<_> = wanted(Some("QoS 0, beside 1,000,000")).into_iter().chain(&OTHERS).collect();
        let values: [&[f64]; 5] = [&[0.2], &[0.2], &[0.25], &[1.0, 1.15], &[0.3, 7.0]];
        wanted.iter().zip(values).for_each(|(grown, values)| add(&grown.row, values));
        let text = table(&wanted, &samples, false);
        let ends: Vec<_> = text.lines().skip(2).filter_map(|line| line.split_once(" | ")).collect();
        let ends: Vec<_> = ends.iter().map(|(_, end)| *end).collect();
        let expected = [
            "0.200 |  |  |",
            "0.200 | 1.00x | 1.15x |",
            "0.250 | **1.25x** | 1.15x |",
            "1.00 |  |  |",
            "1.15 | 1.15x | 1.15x |",
            "0.300 |  |  |",
            "**7.00** |  | 5.00 |",
        ];
        assert_eq!(ends, expected);
        let expected = "- pairs 10x10, QoS 0, beside 1,000,000 retained messages: 1.25x of without, to reach is 1.15x\n\
                        - one in flight, longest latency while 1,000,000 retained messages are read: ms: 7.00, to reach is 5.00\n";
        assert_eq!(losses(&wanted, &samples), expected);
    }
}

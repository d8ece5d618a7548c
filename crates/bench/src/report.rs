//! What a run found: figures with units, remarks that are needed to read them, and what was not as it must be.

use crate::latency::Latency;
use std::borrow::Cow;

/// Whether a figure is good when it is high or when it is low; neither for one that only describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// A throughput, for one.
    High,
    /// A cost.
    Low,
    /// Not compared.
    Neither,
}

/// A number with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// In lower case with underscores, the unit at its end: a key that does not change.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// For people.
    pub unit: Cow<'static, str>,
    /// How it is compared.
    pub better: Better,
}

/// The outcome of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The scenario's name.
    pub scenario: &'static str,
    /// What was asked for, in the order of importance.
    pub settings: Vec<(&'static str, String)>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// The figures as a table, where there are too many for a line each.
    pub table: Option<String>,
    /// What has to be known about the figures.
    pub remarks: Vec<String>,
    /// What a server must not do: losses, duplicates, a wrong order.
    pub failures: Vec<String>,
    /// The run ended early: the figures are of what had happened by then.
    pub interrupted: bool,
    /// All latencies, where they were recorded.
    pub latency: Option<Latency>,
}

impl Report {
    pub(crate) fn set(&mut self, name: &'static str, value: &dyn ToString) {
        self.settings.push((name, value.to_string()));
    }

    pub(crate) fn high(&mut self, name: &'static str, value: f64, unit: impl Into<Cow<'static, str>>) {
        self.figures.push(Figure { name, value, unit: unit.into(), better: Better::High });
    }

    pub(crate) fn low(&mut self, name: &'static str, value: f64, unit: impl Into<Cow<'static, str>>) {
        self.figures.push(Figure { name, value, unit: unit.into(), better: Better::Low });
    }

    pub(crate) fn tell(&mut self, name: &'static str, value: f64, unit: impl Into<Cow<'static, str>>) {
        self.figures.push(Figure { name, value, unit: unit.into(), better: Better::Neither });
    }

    /// What has to be known, once.
    pub(crate) fn remark(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    /// Resident bytes of the server for each of `count` things, where it was observed.
    pub(crate) fn memory(
        &mut self,
        name: &'static str,
        before: Option<u64>,
        after: Option<u64>,
        count: u64,
        thing: &str,
    ) {
        if let Some((before, after)) = before.zip(after) {
            let each = (after as f64 - before as f64) / count.max(1) as f64;
            self.low(name, each, format!("resident bytes per {thing}"));
            if after <= before {
                self.remark(
                    "the server had memory to spare from earlier runs: start it anew for figures".into(),
                );
            }
        }
    }

    /// Resident memory against what it was, where the server was observed.
    pub(crate) fn change(&mut self, name: &'static str, before: Option<u64>, after: Option<u64>, when: &str) {
        if let Some((before, after)) = before.zip(after) {
            let percent = after as f64 / before.max(1) as f64 * 100.0;
            self.low(name, percent, format!("% of the resident memory {when}"));
        }
    }

    /// Adds quantiles, and keeps the histogram.
    pub(crate) fn latency(&mut self, latency: Latency) {
        if latency.len() > 0 {
            self.low("latency_p50_us", latency.quantile_us(0.5), "µs latency, median");
            self.low("latency_p90_us", latency.quantile_us(0.9), "µs latency, 90 % below");
            self.low("latency_p99_us", latency.quantile_us(0.99), "µs latency, 99 % below");
            self.low("latency_p999_us", latency.quantile_us(0.999), "µs latency, 99.9 % below");
            self.tell("latency_max_us", latency.max_us(), "µs latency at most");
        }
        self.latency = Some(latency);
    }

    /// Adds how late the generator was with its own messages, whose latencies are in `self` already.
    pub(crate) fn lateness(&mut self, lateness: &Latency) {
        if lateness.len() == 0 {
            return;
        }
        let late = lateness.quantile_us(0.99);
        self.tell("generator_late_p50_us", lateness.quantile_us(0.5), "µs the generator was late, median");
        self.tell("generator_late_p99_us", late, "µs the generator was late, 99 % below");
        self.tell("generator_late_max_us", lateness.max_us(), "µs the generator was late at most");
        if self.figure("latency_p99_us").is_some_and(|latency| late * 2.0 > latency) {
            self.remark(
                "the generator was late itself: more than half of the latency's p99 may be its own".into(),
            );
        }
    }

    /// The figure of that name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }
}

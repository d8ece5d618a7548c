//! A report against an earlier one: which figures are worse than they may be.

use martlet_bench::{Better, Report};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What `--json` wrote at another time, as far as it is of use here.
#[derive(Debug, Deserialize)]
pub(super) struct Earlier {
    scenario: String,
    settings: BTreeMap<String, String>,
    figures: BTreeMap<String, Option<f64>>,
}

impl Earlier {
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|bad| format!("no report of martlet bench --json: {bad}"))
    }

    /// What of the circumstances is different, so that figures may be, too; an error if nothing can be compared.
    pub(super) fn differences(&self, report: &Report) -> Result<Vec<String>, String> {
        if self.scenario != report.scenario {
            return Err(format!("that was {}, and this is {}", self.scenario, report.scenario));
        }
        let other = |(name, now): &(&'static str, String)| {
            let then = self.settings.get(*name)?;
            (then != now && *name != "broker").then(|| format!("{name} was {then} and is {now}"))
        };
        Ok(report.settings.iter().filter_map(other).collect())
    }

    /// The figures that are worse than before by more than the fraction `tolerance`.
    ///
    /// Whatever was 0 and should be low, as losses should, may not be more.
    pub(super) fn worse(&self, report: &Report, tolerance: f64) -> Vec<String> {
        let mut worse = Vec::new();
        for figure in &report.figures {
            let Some(Some(then)) = self.figures.get(figure.name).copied() else { continue };
            let is_worse = match figure.better {
                Better::High => figure.value < then * (1.0 - tolerance),
                Better::Low => figure.value > then + then.abs() * tolerance,
                Better::Neither => false,
            };
            if is_worse {
                let change = if then == 0.0 {
                    String::new()
                } else {
                    format!(" ({:+.1} %)", (figure.value / then - 1.0) * 100.0)
                };
                let [then, now] = [then, figure.value].map(super::render::number);
                worse.push(format!("{}: was {then}, is {now}{change}", figure.name));
            }
        }
        worse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use martlet_bench::Figure;

    fn report(value: f64, better: Better) -> Report {
        let figure = Figure { name: "x", value, unit: "".into(), better };
        Report {
            scenario: "pairs",
            settings: vec![("broker", "b".into()), ("qos", "1".into())],
            figures: vec![figure],
            ..Report::default()
        }
    }

    fn earlier(value: f64) -> Earlier {
        let settings = r#"{"broker":"a","qos":"0","gone":"1"}"#;
        let json = format!(r#"{{"scenario":"pairs","settings":{settings},"figures":{{"x":{value}}}}}"#);
        Earlier::parse(&json).unwrap()
    }

    #[test]
    fn a_figure_knows_in_which_direction_it_is_worse() {
        use Better::{High, Low, Neither};
        let check = |then, now, better, is_worse: bool| {
            let worse = earlier(then).worse(&report(now, better), 0.1);
            assert_eq!(!worse.is_empty(), is_worse, "{then} {now} {better:?}: {worse:?}");
        };
        check(100.0, 91.0, High, false);
        check(100.0, 89.0, High, true);
        check(100.0, 200.0, High, false);
        check(100.0, 109.0, Low, false);
        check(100.0, 111.0, Low, true);
        check(100.0, 1.0, Low, false);
        check(0.0, 0.0, Low, false);
        check(0.0, 1.0, Low, true);
        check(-10.0, -20.0, Low, false);
        check(-10.0, 20.0, Low, true);
        check(100.0, 900.0, Neither, false);
        assert_eq!(earlier(8.0).worse(&report(9.0, Low), 0.1), ["x: was 8, is 9 (+12.5 %)"]);
    }

    #[test]
    fn what_was_measured_otherwise_is_said() {
        assert_eq!(earlier(1.0).differences(&report(1.0, Better::Low)).unwrap(), ["qos was 0 and is 1"]);
        assert!(earlier(1.0).differences(&Report { scenario: "rr", ..Report::default() }).is_err());
        assert!(Earlier::parse("{}").is_err());
    }
}

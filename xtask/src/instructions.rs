//! `cargo xtask instructions`: how many instructions the broker's steps take, against the figures that are in
//! version control.
//!
//! valgrind counts them, so they are the same on a busy machine as on an idle one. They differ a little between
//! processors, for the C library copies bytes in several ways; the tolerance is for that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{peers, process};

/// The recorded figures.
const PATH: &str = "crates/shard/benches/instructions.toml";
/// Where the harness leaves a file for each benchmark.
const SUMMARIES: &str = "target/gungraun/martlet-shard/instructions";
/// How much more, or less, than recorded is still the same, in percent.
const TOLERANCE_PERCENT: u64 = 5;

/// The same step with little and with much around it.
const GROWTH: [(&str, &str); 4] = [
    ("growth_message_among_2_filters", "growth_message_among_200000_filters"),
    ("growth_message_among_1_retained", "growth_message_among_200000_retained"),
    ("growth_subscribe_beside_1", "growth_subscribe_beside_40000"),
    ("growth_unsubscribe_beside_1", "growth_unsubscribe_beside_40000"),
];
/// How much more a step may take with much around it, in percent.
const GROWTH_PERCENT: u64 = 15;

/// Instructions by the name of what takes them.
type Figures = BTreeMap<String, u64>;

/// Counts and compares; with `records`, the new figures are written down instead.
pub(crate) fn run(root: &Path, records: bool) -> Result<(), String> {
    let counted = count(root)?;
    let file = root.join(PATH);
    if records {
        growth(&counted).iter().for_each(|finding| println!("instructions: {finding}"));
        return std::fs::write(&file, written(&counted))
            .map_err(|fault| format!("cannot write {PATH}: {fault}"));
    }
    let text = std::fs::read_to_string(&file).map_err(|fault| format!("cannot read {PATH}: {fault}"))?;
    let recorded: Figures = toml::from_str(&text).map_err(|fault| format!("{PATH}: {fault}"))?;
    print!("{}", table(&recorded, &counted));
    let findings = [findings(&recorded, &counted), growth(&counted)].concat();
    findings.iter().for_each(|finding| println!("instructions: {finding}"));
    match findings.len() {
        0 => Ok(()),
        count => Err(format!(
            "instructions: findings: {count} (if it is meant to be so: cargo xtask instructions --record)"
        )),
    }
}

fn count(root: &Path) -> Result<Figures, String> {
    let runner = peers::gungraun_runner(root)?;
    let summaries = root.join(SUMMARIES);
    if summaries.is_dir() {
        std::fs::remove_dir_all(&summaries)
            .map_err(|fault| format!("cannot remove {}: {fault}", summaries.display()))?;
    }
    let mut cargo = process::cargo(root);
    cargo.args(["bench", "--quiet", "--package", "martlet-shard", "--bench", "instructions"]);
    process::output(cargo.env("GUNGRAUN_RUNNER", runner).env("GUNGRAUN_SAVE_SUMMARY", "json"))?;
    let mut figures = Figures::new();
    for path in files(&summaries) {
        let text = std::fs::read_to_string(&path)
            .map_err(|fault| format!("cannot read {}: {fault}", path.display()))?;
        let (name, instructions) =
            figure(&text).ok_or_else(|| format!("{}: no figure in it", path.display()))?;
        figures.insert(name, instructions);
    }
    if figures.is_empty() { Err("instructions: nothing was counted".into()) } else { Ok(figures) }
}

/// All `summary.json` two directories below: a group, and in it the benchmarks.
fn files(directory: &Path) -> Vec<PathBuf> {
    let below = |directory: &Path| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let benchmarks = below(directory).into_iter().flat_map(|group| below(&group));
    benchmarks.map(|benchmark| benchmark.join("summary.json")).filter(|path| path.is_file()).collect()
}

/// The name in a summary, such as `shard_connect`, and the instructions.
fn figure(text: &str) -> Option<(String, u64)> {
    let summary: Value = serde_json::from_str(text).ok()?;
    let name = format!("{}_{}", summary["function_name"].as_str()?, summary["id"].as_str()?);
    let values = &summary["profiles"][0]["data"]["parts"][0]["metrics"]["Ir"]["values"];
    let new = values.get("new").or_else(|| values.get("Left")).unwrap_or(values);
    Some((name, new.as_u64()?))
}

fn findings(recorded: &Figures, counted: &Figures) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, now) in counted {
        match recorded.get(name) {
            None => findings.push(format!("{name}: {now}, which is not recorded")),
            Some(before) if now.abs_diff(*before) * 100 > before * TOLERANCE_PERCENT => {
                findings.push(format!("{name}: {now}, recorded is {before}"));
            }
            Some(_) => {}
        }
    }
    let gone = recorded.keys().filter(|name| !counted.contains_key(*name));
    findings.extend(gone.map(|name| format!("{name}: recorded, and not counted any more")));
    findings
}

/// Steps that take more the more there is around them, whatever is recorded.
fn growth(counted: &Figures) -> Vec<String> {
    let mut findings = Vec::new();
    for (little, much) in GROWTH {
        match (counted.get(little), counted.get(much)) {
            (Some(base), Some(grown)) if grown * 100 <= base * (100 + GROWTH_PERCENT) => {}
            (Some(base), Some(grown)) => findings.push(format!("{much}: {grown}, and {little} is {base}")),
            _ => findings.push(format!("{much} or {little}: not counted")),
        }
    }
    findings
}

fn table(recorded: &Figures, counted: &Figures) -> String {
    let line = |(name, now): (&String, &u64)| {
        let before = recorded.get(name).map_or_else(|| "-".to_owned(), u64::to_string);
        format!("{name:<36} {now:>10}  recorded {before:>10}\n")
    };
    counted.iter().map(line).collect()
}

fn written(figures: &Figures) -> String {
    let lines = figures.iter().map(|(name, instructions)| format!("{name} = {instructions}\n"));
    let head = "# Instructions that each step takes, written by `cargo xtask instructions --record`, on purpose only.\n";
    [head.to_owned()].into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(all: &[(&str, u64)]) -> Figures {
        all.iter().copied().map(named).collect()
    }

    fn named((name, instructions): (&str, u64)) -> (String, u64) {
        (name.to_owned(), instructions)
    }

    #[test]
    fn a_tenth_more_is_found_and_so_is_a_tenth_less() {
        let recorded = figures(&[("a", 1000), ("b", 1000), ("c", 1000), ("d", 1000), ("gone", 1)]);
        let counted = figures(&[("a", 1050), ("b", 1100), ("c", 900), ("d", 950), ("new", 1)]);
        let found = findings(&recorded, &counted);
        let names: Vec<_> = found.iter().filter_map(|finding| finding.split(':').next()).collect();
        assert_eq!(names, ["b", "c", "new", "gone"]);
        assert!(
            table(&recorded, &counted)
                .contains("b                                          1100  recorded       1000")
        );
    }

    #[test]
    fn a_step_that_grows_by_a_fifth_is_found() {
        let mut counted: Figures =
            GROWTH.iter().flat_map(|(little, much)| [(*little, 1000), (*much, 1150)]).map(named).collect();
        assert_eq!(growth(&counted), Vec::<String>::new());
        counted.insert(GROWTH[1].1.to_owned(), 1200);
        counted.remove(GROWTH[2].0);
        let found = growth(&counted);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with(GROWTH[1].1) && found[1].starts_with(GROWTH[2].1), "{found:?}");
    }

    #[test]
    fn what_is_written_is_read() {
        let some = figures(&[("a_b", 7), ("c", 8)]);
        assert_eq!(toml::from_str::<Figures>(&written(&some)).unwrap(), some);
    }

    #[test]
    fn a_summary() {
        let text = r#"{"function_name": "decode", "id": "connect", "profiles": [{"data": {"parts": [{"metrics":
            {"Ir": {"change": null, "values": {"new": 581, "old": 1}}}}]}}]}"#;
        assert_eq!(figure(text), Some(("decode_connect".into(), 581)));
        assert_eq!(figure("{}"), None);
        assert_eq!(figure("{"), None);
    }
}

//! `cargo xtask mutants`: cargo-mutants breaks the code in small ways, and a test has to notice each.
//!
//! What no test notices is explained in `xtask/mutants.toml`, or is a failure. Runs are long, so a crate can be
//! done in parts; the results lie below `target/mutants-out`, one directory for each part, until they are replaced.

mod outcomes;
mod survivors;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::{marks, process, spec};
use outcomes::{Figures, Outcomes};
use survivors::Survivors;

/// The least part of the viable mutants that must be caught, in each crate.
const CAUGHT_PERMILLE_MIN: usize = 900;
/// How long one build may take. It is long: the first one builds what the tests depend on, too.
const BUILD_MAX_S: u64 = 600;
/// What one process may allocate: a mutant that loops and allocates must not take the machine with it.
const MEMORY_MAX_KIB: u64 = 8 << 20;
/// Not `target/mutants`: that is where cargo builds what has the profile of this name.
const DIRECTORY: &str = "target/mutants-out";

/// A crate whose code is broken.
#[derive(Debug, PartialEq)]
struct Target {
    name: &'static str,
    /// The crates whose tests are run: its own, and those above that check it cheaply.
    tests: &'static [&'static str],
    /// How long these tests may take: more than ten times what an idle machine needs.
    tests_max_s: u64,
}

const TARGETS: [Target; 3] = [
    Target { name: "codec", tests: &["codec", "protocol"], tests_max_s: 30 },
    Target { name: "protocol", tests: &["protocol", "shard"], tests_max_s: 60 },
    Target { name: "shard", tests: &["shard", "sim"], tests_max_s: 120 },
];

/// Part `k` of `n`, from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    n: u32,
    k: u32,
}

impl Part {
    const WHOLE: Part = Part { n: 1, k: 0 };

    fn parse(text: &str, between: &str) -> Option<Part> {
        let (k, n) = text.split_once(between)?;
        let part = Part { n: n.parse().ok()?, k: k.parse().ok()? };
        (part.k < part.n).then_some(part)
    }

    /// Where cargo-mutants puts its `mutants.out` for this part.
    fn directory(self, root: &Path, target: &Target) -> PathBuf {
        root.join(DIRECTORY).join(target.name).join(format!("{}-of-{}", self.k, self.n))
    }
}

/// What to break, and whether to break it again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Only this crate.
    target: Option<&'static str>,
    part: Option<Part>,
    /// Run nothing: read what earlier runs have left.
    report: bool,
}

impl Options {
    pub(crate) fn parse(options: &[&str]) -> Result<Options, String> {
        let mut parsed = Options::default();
        let mut rest = options.iter();
        while let Some(option) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("mutants: {option}: needs a value"));
            match *option {
                "--report" => parsed.report = true,
                "--package" => {
                    let name = *value()?;
                    let target = TARGETS.iter().find(|target| target.name == name);
                    let names = TARGETS.map(|target| target.name).join(", ");
                    parsed.target =
                        Some(target.ok_or(format!("mutants: --package {name}: it is one of {names}"))?.name);
                }
                "--shard" => {
                    let text = value()?;
                    parsed.part = Some(Part::parse(text, "/").ok_or_else(|| {
                        format!("mutants: --shard {text}: it is K/N, from 0/N on (such as 0/4)")
                    })?);
                }
                _ => return Err(format!("mutants: unknown option {option}")),
            }
        }
        match parsed {
            Options { report: true, part: Some(_), .. } => {
                Err("mutants: --report reads all parts: leave --shard out".into())
            }
            parsed => Ok(parsed),
        }
    }

    fn targets(&self) -> impl Iterator<Item = &'static Target> {
        TARGETS.iter().filter(|target| self.target.is_none_or(|name| target.name == name))
    }
}

/// Breaks, tests, counts, and judges.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let list = std::fs::read_to_string(root.join(survivors::PATH)).unwrap_or_default();
    let survivors = Survivors::parse(&list)?;
    let is_whole = options.part.is_none();
    let (mut figures, mut findings) = (Vec::new(), survivors.faults());
    for target in options.targets() {
        let parts = match (options.report, options.part.unwrap_or(Part::WHOLE)) {
            (true, _) => newest(root, target)?,
            (false, part) => {
                test(root, target, part)?;
                vec![part]
            }
        };
        let outcomes = read(root, target, &parts)?;
        outcomes.timeouts.iter().for_each(|name| println!("mutants: timeout: {name}"));
        findings.extend(survivors.unexplained(&outcomes));
        if is_whole {
            findings.extend(survivors.idle(&format!("crates/{}/", target.name), &outcomes));
            findings.extend(too_few(target.name, &outcomes.figures));
        }
        figures.push((target.name, outcomes.figures));
    }
    let text = table(&figures);
    print!("{text}");
    if is_whole && figures.len() == TARGETS.len() {
        marks::write(root, spec::DOCUMENT, "mutants", &text)?;
        println!("mutants: written to {}", spec::DOCUMENT);
    }
    findings.iter().for_each(|finding| println!("mutants: {finding}"));
    match findings.len() {
        0 => Ok(()),
        count => {
            Err(format!("mutants: findings: {count} (write a test, or a reason in {})", survivors::PATH))
        }
    }
}

/// One run of cargo-mutants; an error unless it came to its end, whatever it found.
fn test(root: &Path, target: &Target, part: Part) -> Result<(), String> {
    if process::output(process::cargo(root).args(["mutants", "--version"])).is_err() {
        return Err("mutants: cargo-mutants is missing: run `cargo install --locked cargo-mutants`".into());
    }
    let directory = part.directory(root, target);
    std::fs::create_dir_all(&directory)
        .map_err(|fault| format!("cannot create {}: {fault}", directory.display()))?;
    println!("mutants: {}, part {} of {} (from 0 on)", target.name, part.k, part.n);
    let mut command = limited(&process::cargo(root));
    command.args(["mutants", "--no-times", "--package", &package(target.name)]);
    command.args(target.tests.iter().flat_map(|name| ["--test-package".into(), package(name)]));
    // Every part then has a like share of the slow ones.
    command.args(["--sharding", "round-robin", "--shard", &format!("{}/{}", part.k, part.n)]);
    command.args(["--timeout", &target.tests_max_s.to_string()]);
    command.args(["--build-timeout", &BUILD_MAX_S.to_string()]);
    command.arg("--output").arg(&directory);
    // Foreign programs add seconds to every mutant, and documentation is not there to catch them.
    command.args(["--", "--tests", "--", "--skip", "peers::"]).env("MARTLET_PEERS", "none");
    let status = command.status().map_err(|fault| format!("cannot run cargo mutants: {fault}"))?;
    match status.code() {
        // All caught; some missed; some timed out.
        Some(0 | 2 | 3) => Ok(()),
        Some(4) => Err("mutants: the tests fail, or hang, without any mutant".into()),
        _ => Err(format!("mutants: cargo mutants failed ({status})")),
    }
}

fn package(name: &str) -> String {
    format!("martlet-{name}")
}

/// `command` with a limit to its memory, where the shell knows one.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -v {MEMORY_MAX_KIB} 2>/dev/null; exec \"$@\""), "sh"]);
    limited.arg(command.get_program());
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    limited
}

fn read(root: &Path, target: &Target, parts: &[Part]) -> Result<Outcomes, String> {
    let mut outcomes = Outcomes::default();
    for part in parts {
        let path = outcomes_path(root, target, *part);
        let text = std::fs::read_to_string(&path);
        let added = text.map_err(|fault| fault.to_string()).and_then(|text| outcomes.add(&text));
        added.map_err(|why| format!("mutants: {}: {why}", path.display()))?;
    }
    Ok(outcomes)
}

fn outcomes_path(root: &Path, target: &Target, part: Part) -> PathBuf {
    part.directory(root, target).join("mutants.out/outcomes.json")
}

/// The parts that make a whole, of the newest whole that there is.
fn newest(root: &Path, target: &Target) -> Result<Vec<Part>, String> {
    let directory = root.join(DIRECTORY).join(target.name);
    let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
    let found: Vec<_> = entries
        .filter_map(|entry| Part::parse(entry.file_name().to_str()?, "-of-"))
        .filter_map(|part| Some((part, modified(&outcomes_path(root, target, part))?)))
        .collect();
    whole(&found).ok_or_else(|| {
        let name = target.name;
        format!("mutants: {} has not all parts of {name} (run cargo xtask mutants)", directory.display())
    })
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// A whole is as old as its oldest part.
fn whole(found: &[(Part, SystemTime)]) -> Option<Vec<Part>> {
    let parts_of = |n: u32| found.iter().filter(move |(part, _)| part.n == n);
    let age = |n: u32| parts_of(n).map(|(_, at)| *at).min();
    let is_whole = |n: &u32| u32::try_from(parts_of(*n).count()) == Ok(*n);
    let n = found.iter().map(|(part, _)| part.n).filter(is_whole).max_by_key(|n| age(*n))?;
    Some((0..n).map(|k| Part { n, k }).collect())
}

fn too_few(name: &str, figures: &Figures) -> Option<String> {
    let is_low = figures.caught_permille() < CAUGHT_PERMILLE_MIN;
    is_low.then(|| format!("{name}: {} are caught, too few", percent(figures)))
}

fn percent(figures: &Figures) -> String {
    let permille = figures.caught_permille();
    format!("{}.{} %", permille / 10, permille % 10)
}

/// A row for each crate, and one for all if there are several.
fn table(figures: &[(&str, Figures)]) -> String {
    let mut text = String::from(
        "| crate | mutants | viable | caught | missed | timeouts | caught of viable |\n|---|---|---|---|---|---|---|\n",
    );
    let mut all = Figures::default();
    figures.iter().for_each(|(_, more)| all += *more);
    let all = (figures.len() > 1).then_some(("all", all));
    for (name, found) in figures.iter().copied().chain(all) {
        let Figures { caught, missed, timeouts, .. } = found;
        let (mutants, viable) = (found.mutants(), found.viable());
        let percent = percent(&found);
        text +=
            &format!("| {name} | {mutants} | {viable} | {caught} | {missed} | {timeouts} | {percent} |\n");
    }
    text
}

#[cfg(test)]
mod tests;

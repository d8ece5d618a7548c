//! `cargo xtask conformance`: `martlet conformance` against the broker that is built here, and against others.
//!
//! Brokers listen on 127.0.0.1, on ports that nobody uses, and none outlives the run.

mod brokers;
mod suite;
mod table;
mod verdicts;

use std::path::Path;
use std::time::Duration;

use crate::{bounded, marks, process, spec};
use brokers::{Broker, Version};
use table::Column;
use verdicts::{Outcome, Verdict, Verdicts};

/// How long our broker may take for each answer. Only a test that fails waits that long.
const PATIENCE_S: u64 = 10;
/// How long the whole run may take.
const RUN_MAX: Duration = Duration::from_secs(55);

/// Every test against our broker; an error unless all pass.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let martlet = process::martlet(root)?;
    let (_server, url) = brokers::martlet(&martlet)?;
    let ran = bounded::run(&mut suite::command(&martlet, &url, PATIENCE_S), RUN_MAX)?;
    // What passed is not news.
    ran.stdout.lines().filter(|line| !line.starts_with("ok ")).for_each(|line| println!("{line}"));
    match ran.status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("martlet conformance ({status}): {}", ran.stderr.trim())),
        None => Err(format!("martlet conformance took more than {} s and was ended", RUN_MAX.as_secs())),
    }
}

/// Every test against each broker, and the table of them in the document. What a broker fails is no error here.
pub(crate) fn compare(root: &Path) -> Result<(), String> {
    let martlet = process::martlet(root)?;
    let directory = process::target_directory(root).join("peers/conformance");
    std::fs::create_dir_all(&directory)
        .map_err(|fault| format!("cannot create {}: {fault}", directory.display()))?;
    let brokers = brokers::all(root, &martlet, &directory)?;
    let column = |broker: &Broker| {
        let [v5, v311] = Version::ALL.map(|version| judge(&martlet, broker, version));
        Ok(Column { name: broker.name, version: broker.version.clone(), v5: v5?, v311: v311? })
    };
    let columns = brokers.iter().map(column).collect::<Result<Vec<_>, String>>()?;
    marks::write(root, spec::DOCUMENT, "peers", &table::render(&columns))?;
    println!("conformance: written to {}", spec::DOCUMENT);
    Ok(())
}

/// As the verdicts have it; each failure is printed, with what was expected and what came.
fn judge(martlet: &Path, broker: &Broker, version: Version) -> Result<Verdicts, String> {
    println!("conformance: {} {}, MQTT {}", broker.name, broker.version, version.number());
    let verdicts = verdicts::judge(martlet, broker, version)?;
    for (name, outcome) in &verdicts.tests {
        let Outcome { ids, reason, .. } = outcome;
        match outcome.verdict {
            Verdict::Failed => println!("FAIL  {name}  {}\n  {reason}", ids.join(", ")),
            Verdict::Skipped => println!("skip  {name}  {reason}"),
            Verdict::Passed => {}
        }
        if outcome.ends_broker {
            println!("ENDS THE BROKER  {name}");
        }
    }
    verdicts.note.iter().for_each(|note| println!("conformance: {note}"));
    Ok(verdicts)
}

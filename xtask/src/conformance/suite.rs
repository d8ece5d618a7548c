//! How `martlet conformance` is called.

use std::path::Path;
use std::process::Command;

/// `martlet conformance` against the broker at `url`.
pub(super) fn command(martlet: &Path, url: &str, patience_s: u64) -> Command {
    let mut command = Command::new(martlet);
    command.args(["conformance", "--broker", url, "--patience", &patience_s.to_string()]);
    command
}

//! `cargo xtask conformance`: `martlet conformance` against the broker that is built here.
//!
//! Brokers listen on 127.0.0.1, on a port that nobody uses, and none outlives the run.

mod server;
mod suite;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process;
use server::Server;

/// How long our broker may take for each answer. Only a test that fails waits that long.
const PATIENCE_S: u64 = 10;
/// How long the whole run may take.
const RUN_MAX: Duration = Duration::from_secs(55);

/// Every test against our broker; an error unless all pass.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let martlet = build(root)?;
    let (_server, url) = serve(&martlet)?;
    let ran = suite::run(&mut suite::command(&martlet, &url, PATIENCE_S), RUN_MAX)?;
    // What passed is not news.
    ran.stdout.lines().filter(|line| !line.starts_with("ok ")).for_each(|line| println!("{line}"));
    match ran.status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("martlet conformance ({status}): {}", ran.stderr.trim())),
        None => Err(format!("martlet conformance took more than {} s and was ended", RUN_MAX.as_secs())),
    }
}

/// The release build, as a user has it.
fn build(root: &Path) -> Result<PathBuf, String> {
    let mut cargo = process::cargo(root);
    process::run(cargo.args(["build", "--release", "--quiet", "--package", "martlet-cli"]))?;
    Ok(process::target_directory(root).join("release/martlet"))
}

/// Our broker, and its URL.
fn serve(martlet: &Path) -> Result<(Server, String), String> {
    let mut command = Command::new(martlet);
    command.args(["serve", "--listen", "mqtt://127.0.0.1:0"]).env_remove("MARTLET_LOG");
    let mut server = Server::start("martlet", &mut command)?;
    let url = server.says("listening on ")?;
    Ok((server, url))
}

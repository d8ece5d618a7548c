//! Options of `martlet conformance`.

use super::seconds;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// Test any broker, statement by statement, against the MQTT 3.1.1 and 5.0 specifications.
///
/// Each test has client ids and topics of its own (below martlet-conformance/) and removes what it leaves, so that a
/// broker with other clients may be tested.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    martlet conformance -b mqtt://127.0.0.1:1883\n  \
    martlet conformance --list --only retained/\n  \
    martlet conformance --only MQTT-3.3.1-9 --junit report.xml")]
pub(crate) struct ConformanceArgs {
    /// The broker: mqtt://[USER:PASSWORD@]HOST[:PORT], unix:///PATH, or only HOST[:PORT].
    #[arg(short, long, value_name = "URL", env = "MARTLET_BROKER", hide_env_values = true)]
    #[arg(default_value = "mqtt://127.0.0.1:1883", value_hint = ValueHint::Url)]
    pub(crate) broker: String,
    /// Only tests with this in their name or in one of their ids.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) only: Option<String>,
    /// Print the tests and their ids, and run none.
    #[arg(long)]
    pub(crate) list: bool,
    /// How long the broker may take for each answer.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) patience: Duration,
    /// Print one JSON object per test.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a JUnit report too.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
}

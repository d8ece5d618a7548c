//! Options of `martlet conformance`.

use super::numbers::seconds;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// The longest `--patience`.
const PATIENCE_MAX: Duration = Duration::from_secs(3600);

/// Test any broker, statement by statement, against the MQTT 3.1.1 and 5.0 specifications.
///
/// Each test has client ids and topics of its own and removes what it leaves, so that a broker with other clients may
/// be tested; after Ctrl-C too, but a second one ends at once. Topics have martlet-conformance/ in them, but for one
/// of 65,535 x; one test subscribes to #. A run takes some seconds, and where a broker leaves most packets without an
/// answer some minutes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    martlet conformance -b mqtt://127.0.0.1:1883\n  \
    martlet conformance --list --only retained/\n  \
    martlet conformance --only MQTT-3.3.1-9 --junit report.xml\n\n\
A failure shows all packets up to the one that is not as expected:\n  \
    a > publish T/x hi 1#7    client a sends it; T/ begins each topic of a test; QoS 1, packet id 7\n  \
    b < suback 1 00           client b gets it\n  \
    a2                        is another connection with the client id of a\n  \
    >+ and >!                 with the next packet, in one piece; and though the broker declines it\n  \
    ?  00,10  X | Y  X & Y    any word; either word; either packet; both; ~X need not come\n\n\
Exit codes: 0 no test failed, 1 some did; all others as `martlet --help` has them.")]
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
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = patience)]
    pub(crate) patience: Duration,
    /// Print one JSON object per test.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a JUnit report too.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
}

/// Seconds that an answer may take.
fn patience(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        patience if patience.is_zero() || patience > PATIENCE_MAX => {
            Err(format!("write a number of seconds above 0, and at most {}", PATIENCE_MAX.as_secs()))
        }
        patience => Ok(patience),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_has_its_bounds() {
        assert_eq!(patience("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(patience("3600"), Ok(PATIENCE_MAX));
        for text in ["0", "3600.1", "1e19", "-1", "x"] {
            assert!(patience(text).is_err(), "{text}");
        }
    }
}

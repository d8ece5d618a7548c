//! Options of `martlet pub`.

use super::numbers::{seconds, whole};
use super::{ConnectionArgs, Reconnect, pair, qos};
use clap::{ArgGroup, Args, ValueEnum, ValueHint};
use martlet_client::QoSLevel;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  martlet pub nest/temperature 21.5
  martlet pub -q 1 -r nest/state '{\"eggs\": 4}'        retained, acknowledged
  martlet pub --null -r nest/state                     clears the retained message
  sensors | martlet pub --lines nest/log               one message for each line
  martlet pub -b mqtt://broker.example --file egg.jpg nest/picture

Exit code 0 with QoS 1 and 2 means that the broker has acknowledged every message.";

/// Publish messages.
#[derive(Args, Debug)]
#[command(visible_alias = "publish", after_help = EXAMPLES)]
#[command(override_usage = "martlet pub [OPTIONS] <TOPIC> <MESSAGE|--file FILE|--stdin|--lines|--null>")]
#[command(override_usage = "martlet pub [OPTIONS] <TOPIC> <MESSAGE|--file <FILE>|--stdin|--lines|--null>")]
#[command(group = ArgGroup::new("source").required(true))]
pub(crate) struct PublishArgs {
    /// The topic name.
    pub(crate) topic: String,
    /// The message.
    #[arg(group = "source", allow_negative_numbers = true)]
    pub(crate) message: Option<OsString>,
    /// Send a file as one message.
    #[arg(short, long, group = "source", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Send all of stdin as one message.
    #[arg(short, long, group = "source")]
    pub(crate) stdin: bool,
    /// Send each line of stdin as a message, as it comes.
    #[arg(short, long, group = "source")]
    pub(crate) lines: bool,
    /// With --lines: come back when the connection is lost, send again what QoS 1 and 2 leave open, and go on. With
    /// `always`, wait for the first connection, too.
    #[arg(long, requires = "lines", value_enum, value_name = "WHEN", require_equals = true, num_args = 0..=1, default_missing_value = "lost")]
    pub(crate) reconnect: Option<Reconnect>,
    /// Send an empty message.
    #[arg(long, group = "source", short = 'n')]
    pub(crate) null: bool,
    /// Quality of service: 0, 1 or 2.
    #[arg(short, long, default_value = "0", value_parser = qos)]
    pub(crate) qos: QoSLevel,
    /// Ask the broker to retain the message.
    #[arg(short, long)]
    pub(crate) retain: bool,
    /// Send it this many times.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(1..=u64::MAX))]
    pub(crate) repeat: u64,
    /// Wait this many seconds between two messages.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) interval: Duration,
    #[command(flatten)]
    pub(crate) properties: PropertyArgs,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Properties (5.0)")]
pub(crate) struct PropertyArgs {
    /// Content Type, such as application/json.
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Response Topic: where an answer is expected.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) response_topic: Option<String>,
    /// Correlation Data: what the answer is to carry.
    #[arg(long, value_name = "DATA")]
    pub(crate) correlation_data: Option<String>,
    /// Message Expiry Interval.
    #[arg(long, value_name = "SECONDS", value_parser = whole::<u32>(0..=u32::MAX.into()))]
    pub(crate) message_expiry: Option<u32>,
    /// Payload Format Indicator.
    #[arg(long, value_enum)]
    pub(crate) payload_format: Option<PayloadFormat>,
    /// User Property; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) user_property: Vec<(String, String)>,
    /// Send the topic name once and a Topic Alias from then on, if the broker allows it.
    #[arg(long)]
    pub(crate) topic_alias: bool,
}

impl PropertyArgs {
    /// The first option of these that was written.
    pub(crate) fn first(&self) -> Option<&'static str> {
        let written = [
            (self.content_type.is_some(), "--content-type"),
            (self.response_topic.is_some(), "--response-topic"),
            (self.correlation_data.is_some(), "--correlation-data"),
            (self.message_expiry.is_some(), "--message-expiry"),
            (self.payload_format.is_some(), "--payload-format"),
            (!self.user_property.is_empty(), "--user-property"),
            (self.topic_alias, "--topic-alias"),
        ];
        written.into_iter().find_map(|(is_written, option)| is_written.then_some(option))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PayloadFormat {
    /// Unspecified bytes.
    Bytes,
    /// UTF-8 text.
    Utf8,
}

//! Options of every command that connects as a client.

use super::numbers::{some_seconds, whole};
use super::qos;
use clap::{Args, ValueEnum, ValueHint};
use martlet_client::{QoSLevel, Version};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// The broker: mqtt://[USER:PASSWORD@]HOST[:PORT], unix:///PATH, or only HOST[:PORT].
    #[arg(short, long, value_name = "URL", env = "MARTLET_BROKER", hide_env_values = true)]
    #[arg(default_value = "mqtt://127.0.0.1:1883", value_hint = ValueHint::Url)]
    pub(crate) broker: String,
    /// What to name where the URL is wrong.
    #[arg(skip = "--broker")]
    pub(crate) broker_origin: &'static str,
    /// The protocol version.
    #[arg(long, value_enum, default_value = "5")]
    pub(crate) protocol: Protocol,
    /// The client id; without it the broker chooses one.
    #[arg(short = 'i', long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The user name, before the one in the URL.
    #[arg(short = 'u', long, alias = "username", value_name = "NAME")]
    pub(crate) user_name: Option<String>,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
    /// The password. Others on this machine can read it here: prefer --password-file or the environment.
    #[arg(long, value_name = "PASSWORD", env = "MARTLET_PASSWORD", hide_env_values = true)]
    #[arg(conflicts_with = "password_file")]
    pub(crate) password: Option<String>,
    /// PINGREQ after this many seconds of silence; 0 never.
    #[arg(short, long, value_name = "SECONDS", default_value_t = 60, value_parser = whole::<u16>(0..=u16::MAX.into()))]
    pub(crate) keep_alive: u16,
    /// Discard the session that the broker may have for this client id (the default).
    #[arg(long, overrides_with = "no_clean_start")]
    pub(crate) clean_start: bool,
    /// Resume the session that the broker may have for --client-id, and let it keep the session for ever
    /// where --session-expiry says nothing else.
    #[arg(long, requires = "client_id")]
    pub(crate) no_clean_start: bool,
    /// Let the broker keep the session for this many seconds after the connection (5.0).
    #[arg(long, value_name = "SECONDS", default_value = "0", hide_default_value = true)]
    #[arg(value_parser = whole::<u32>(0..=u32::MAX.into()))]
    pub(crate) session_expiry: u32,
    /// Give up connecting after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = some_seconds)]
    pub(crate) connect_timeout: Duration,
    #[command(flatten)]
    pub(crate) will: WillArgs,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Will (published by the broker if this client goes without a word)")]
pub(crate) struct WillArgs {
    /// Its topic.
    #[arg(long, value_name = "TOPIC")]
    pub(crate) will_topic: Option<String>,
    /// Its message; empty without this.
    #[arg(long, value_name = "MESSAGE", alias = "will-payload", requires = "will_topic")]
    pub(crate) will_message: Option<String>,
    /// Its QoS.
    #[arg(long, value_name = "QOS", default_value = "0", value_parser = qos, requires = "will_topic")]
    pub(crate) will_qos: QoSLevel,
    /// Retain it.
    #[arg(long, requires = "will_topic")]
    pub(crate) will_retain: bool,
    /// Seconds that the broker waits for this client to come back (5.0).
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "will_topic")]
    #[arg(value_parser = whole::<u32>(0..=u32::MAX.into()))]
    pub(crate) will_delay: u32,
}

impl fmt::Debug for ConnectionArgs {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionArgs").finish_non_exhaustive()
    }
}

/// When `--reconnect` connects again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reconnect {
    /// After a connection was lost.
    Lost,
    /// Before the first connection, too.
    Always,
}

/// A protocol version as it is written on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    #[value(name = "3.1", alias = "mqttv31", alias = "31")]
    V31,
    #[value(name = "3.1.1", alias = "mqttv311", alias = "311")]
    V311,
    #[value(name = "5", alias = "5.0", alias = "mqttv5")]
    V5,
}

impl Protocol {
    pub(crate) fn version(self) -> Version {
        match self {
            Self::V31 => Version::V31,
            Self::V311 => Version::V311,
            Self::V5 => Version::V5,
        }
    }
}

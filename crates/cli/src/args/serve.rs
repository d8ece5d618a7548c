//! Options of `martlet serve`.

use super::numbers::whole;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  martlet serve                                        127.0.0.1:1883 and [::1]:1883, this machine only
  martlet serve --listen mqtt://0.0.0.0:1883 --allow-anonymous
  martlet serve -c /etc/martlet.toml
  martlet serve --listen unix:///run/martlet.sock

This version keeps all sessions and retained messages in memory: they end with the process.";

/// Run the broker.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The configuration file, in TOML. Options of the command line are stronger.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen; may be repeated: mqtt://HOST:PORT, unix:///PATH. Replaces the file's listeners.
    #[arg(long, value_name = "URL")]
    pub(crate) listen: Vec<String>,
    /// Let clients in without a user name, wherever they come from.
    #[arg(long)]
    pub(crate) allow_anonymous: bool,
    /// Threads that serve clients; as many as there are cores without this.
    #[arg(long, value_name = "N", value_parser = whole::<u8>(1..=64))]
    pub(crate) shards: Option<u8>,
    /// Keep everything in memory, which is all that this version can do.
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) in_memory: bool,
    /// Where durable sessions are to be kept. Not in this version.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: Option<PathBuf>,
    /// What an acknowledgement promises. Only memory in this version.
    #[arg(long, value_enum, default_value = "memory")]
    pub(crate) durability: Durability,
    /// The form of the log on stderr; auto is human, with colours on a terminal.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) log_format: LogFormat,
    /// The least important lines that are logged.
    #[arg(long, value_enum, default_value = "info", env = "MARTLET_LOG", hide_env_values = true)]
    pub(crate) log_level: LogLevel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// It is on disk.
    Fsync,
    /// The system has it.
    Os,
    /// It is in memory.
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Auto,
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

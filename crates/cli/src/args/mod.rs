//! The command line: what may be written, and what `--help` teaches. Nothing is done here.

mod bench;
mod conformance;
mod connection;
mod habits;
mod numbers;
mod publish;
mod serve;
mod subscribe;
mod variables;

pub(crate) use bench::{BenchArgs, BenchCommand, LoadArgs};
pub(crate) use conformance::ConformanceArgs;
pub(crate) use connection::{ConnectionArgs, Reconnect};
pub(crate) use publish::PublishArgs;
pub(crate) use serve::{Durability, LogFormat, LogLevel, ServeArgs};
pub(crate) use subscribe::{Handling, SubscribeArgs};

use crate::exit;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use martlet_client::QoSLevel;
use std::ffi::OsString;
use std::path::PathBuf;

/// An MQTT 3.1, 3.1.1 and 5.0 broker, and the commands that go with it.
#[derive(Debug, Parser)]
#[command(name = "martlet", version, after_help = exit::HELP)]
#[command(max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(ServeArgs),
    /// Check a configuration file and say each fault in it.
    CheckConfig {
        /// The file, in TOML.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    Pub(Box<PublishArgs>),
    Sub(Box<SubscribeArgs>),
    Bench(Box<BenchArgs>),
    Conformance(ConformanceArgs),
    /// Print a script that completes this command's options in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page of martlet or of one command.
    Man {
        /// The command, as in `martlet man pub` or `martlet man bench pairs`.
        command: Vec<String>,
    },
}

impl Cli {
    /// The command line of this process; ends it where there is help to print or a fault to tell.
    pub(crate) fn from_command_line() -> Self {
        let words: Vec<_> = std::env::args_os().collect();
        Self::parse_words(&words).unwrap_or_else(|error| error.exit())
    }

    fn parse_words(words: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = numbers::with_negative(variables::without_empty(Self::command()));
        let mut matches = command.try_get_matches_from_mut(words).map_err(|mut error| {
            if let Some(host) = habits::host(&error, words) {
                return command.error(ErrorKind::UnknownArgument, habits::no_host(&host));
            }
            habits::explain(&mut error, words);
            variables::explain(&mut error, &command, words);
            error
        })?;
        let origin = variables::broker_origin(&matches);
        let mut cli = Self::from_arg_matches_mut(&mut matches)?;
        if let (Some(origin), Some(connection)) = (origin, cli.connection_mut()) {
            connection.broker_origin = origin;
        }
        Ok(cli)
    }

    fn connection_mut(&mut self) -> Option<&mut ConnectionArgs> {
        match &mut self.command {
            Command::Pub(args) => Some(&mut args.connection),
            Command::Sub(args) => Some(&mut args.connection),
            _ => None,
        }
    }
}

/// 0, 1 or 2.
fn qos(text: &str) -> Result<QoSLevel, String> {
    let level = text.parse::<u8>().ok().and_then(|level| QoSLevel::try_from(level).ok());
    level.ok_or_else(|| "write 0, 1 or 2".to_owned())
}

/// A share name, of which `/` would begin the filter.
fn share_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("write a name".to_owned()),
        _ if text.contains(['/', '+', '#']) => Err("a share name has no /, + or #".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values() {
        assert_eq!(qos("2"), Ok(QoSLevel::ExactlyOnce));
        assert!(qos("3").is_err() && qos("").is_err());
        assert!(share_name("crew").is_ok());
        assert!(["", "a/b", "+", "#"].iter().all(|bad| share_name(bad).is_err()));
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("a").is_err());
    }

    #[test]
    fn a_message_has_one_source() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|_| ());
        assert!(parse("martlet pub t hello").is_ok());
        assert!(parse("martlet pub t -5.5").is_ok());
        assert!(parse("martlet pub t --retian").is_err());
        assert!(parse("martlet pub t --lines").is_ok());
        assert!(parse("martlet pub t").is_err());
        assert!(parse("martlet pub t hello --null").is_err());
        assert!(parse("martlet sub").is_err());
        assert!(parse("martlet sub a b/# --json -n 3").is_ok());
        assert!(parse("martlet sub a --json --format %t").is_err());
        assert!(parse("martlet sub a --retained-only --no-retained").is_err());
        assert!(parse("martlet serve --in-memory --data-dir x").is_err());
    }
}

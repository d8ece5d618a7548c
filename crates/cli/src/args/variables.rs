//! Environment variables that stand for options: an empty one counts as unset, and a fault names its variable.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use std::env;
use std::ffi::OsString;

/// The command line's description without the variables that are empty.
pub(super) fn without_empty(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let without = |arg: Arg| if is_empty(&arg) { arg.env(None) } else { arg };
    command.mut_subcommands(|subcommand| subcommand.mut_args(without))
}

/// Where the broker's URL came from, in the words of a fault.
pub(super) fn broker_origin(matches: &ArgMatches) -> Option<&'static str> {
    let (_, matches) = matches.subcommand()?;
    let is_known = matches.try_contains_id("broker").is_ok();
    let is_variable = is_known && matches.value_source("broker") == Some(ValueSource::EnvVariable);
    is_variable.then_some("the variable MARTLET_BROKER")
}

/// Says the variable's name where the value that is wrong came from one.
pub(super) fn explain(error: &mut clap::Error, command: &Command, words: &[OsString]) {
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return;
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return };
    let name = option.split(' ').next().unwrap_or_default();
    let is_written = |word: &OsString| word.to_string_lossy().starts_with(name);
    let args = command.get_subcommands().flat_map(Command::get_arguments);
    let mut of_that_name = args.filter(|arg| arg.get_long().is_some_and(|long| name == format!("--{long}")));
    let Some(variable) = of_that_name.find_map(Arg::get_env) else { return };
    if env::var_os(variable).is_some() && !words.iter().any(is_written) {
        let text = format!("{option} of the variable {}", variable.display());
        error.insert(ContextKind::InvalidArg, ContextValue::String(text));
    }
}

//! The `martlet` command: reads the command line, runs one command, ends with its exit code.
//!
//! stdout carries data only; what goes wrong is one line on stderr. Nothing here knows MQTT.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod conformance;
mod connect;
mod exit;
mod format;
mod generate;
mod log;
mod outage;
mod publish;
mod serve;
mod session;
mod signals;
mod source;
mod stdout;
mod subscribe;

use args::{Cli, Command};
use exit::{Failure, Status};
use std::io::{self, Write};
use std::panic::{self, UnwindSafe};
use std::process::ExitCode;

fn main() -> ExitCode {
    match guarded(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.text.lines() {
                say(line);
            }
            failure.code()
        }
    }
}

fn run() -> Result<(), Failure> {
    match &Cli::from_command_line().command {
        Command::Serve(args) => serve::serve(args),
        Command::CheckConfig { file } => serve::check_config(file),
        Command::Pub(args) => publish::run(args),
        Command::Sub(args) => subscribe::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Conformance(args) => conformance::run(args),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { command } => generate::man(command),
    }
}

/// A panic, which has said where it was, is an end as any other.
fn guarded(run: impl FnOnce() -> Result<(), Failure> + UnwindSafe) -> Result<(), Failure> {
    let bug = |_| Err(Failure::new(Status::Internal, "this is a bug in martlet: please report it"));
    panic::catch_unwind(run).unwrap_or_else(bug)
}

/// One line on stderr, whether or not anybody reads it: `eprintln!` would panic.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "martlet: {}", harmless(line));
}

/// Without what a terminal would act on: words of a broker may be in the text.
fn harmless(line: &str) -> String {
    line.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31m\u{9b}\u{7f}ä"), "a\u{fffd}[31m\u{fffd}\u{fffd}ä");
    }

    #[test]
    fn a_panic_has_its_exit_code() {
        let ended = guarded(|| panic!("on purpose"));
        assert_eq!(ended.unwrap_err().status, Status::Internal);
        assert_eq!(guarded(|| Ok(())), Ok(()));
    }
}

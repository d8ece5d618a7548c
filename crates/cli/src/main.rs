//! The `martlet` command: reads the command line, runs one command, ends with its exit code.
//!
//! stdout carries data only; what goes wrong is one line on stderr. Nothing here knows MQTT.
#![forbid(unsafe_code)]

mod args;
mod exit;
mod format;
mod generate;
mod outage;
mod publish;
mod serve;
mod session;
mod source;
mod subscribe;

use args::{Cli, Command};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::from_command_line();
    let outcome = match &cli.command {
        Command::Serve(args) => serve::serve(args),
        Command::CheckConfig { file } => serve::check_config(file),
        Command::Pub(args) => publish::run(args),
        Command::Sub(args) => subscribe::run(args),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { command } => generate::man(command.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.text.lines() {
                say(line);
            }
            failure.code()
        }
    }
}

/// One line on stderr, whether or not anybody reads it: `eprintln!` would panic.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "martlet: {line}");
}

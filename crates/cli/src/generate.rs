//! What is made from the command line's description: completions and manual pages, on stdout.

use crate::args::Cli;
use crate::exit::{Failure, Status};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, ErrorKind, Write};

pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "martlet", &mut script);
    print(&script)
}

pub(crate) fn man(command: Option<&str>) -> Result<(), Failure> {
    let mut cli = Cli::command();
    cli.build();
    let page = match command {
        None => cli,
        Some(name) => {
            let known = || cli.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join(", ");
            let found = cli.find_subcommand(name).cloned();
            found.ok_or_else(|| {
                Failure::usage(format!("there is no command `{name}`: write one of {}", known()))
            })?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut text)
        .map_err(|e| Failure::new(Status::Internal, format!("no manual page: {e}")))?;
    print(&text)
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::Configuration, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

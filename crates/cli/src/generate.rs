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

/// The manual page of the command that these words name.
pub(crate) fn man(words: &[String]) -> Result<(), Failure> {
    let mut page = Cli::command();
    page.build();
    for (index, word) in words.iter().enumerate() {
        let Some(found) = page.find_subcommand(word).cloned() else {
            let known: Vec<&str> = page.get_subcommands().map(clap::Command::get_name).collect();
            let known = if known.is_empty() { "it has no subcommands".to_owned() } else { known.join(", ") };
            let name = words[..=index].join(" ");
            return Err(Failure::usage(format!("unknown command `{name}`; valid commands: {known}")));
        };
        page = found;
    }
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

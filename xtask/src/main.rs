//! `cargo xtask`: the chores of the repository, one module each.
//!
//! It builds nothing that is shipped, and the crates know nothing of it.

mod bench;
mod bounded;
mod ci;
mod commits;
mod conformance;
mod fuzz;
mod instructions;
mod marks;
mod mutants;
mod peers;
mod process;
mod server;
mod sim;
mod spec;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <COMMAND>

  tidy                        check the rules that the compiler and clippy do not know
  spec [--untested | --check] print each statement of the specifications, where it is enforced and where it is
                              tested, and write docs/conformance.md; 1 while a statement has no test
                              --untested: print only those, write nothing
                              --check: say only whether docs/conformance.md is current
  commits                     check the first lines of the commits that led here
  test [--no-system] [NAME]   install the foreign clients that tests need, then run all tests (or those named)
                              --no-system: install nothing and leave out the tests of foreign clients
  conformance [--compare]     run `martlet conformance` against the broker that is built here; 1 unless all pass
                              --compare: against Mosquitto and rumqttd too, installed if they are missing, and
                              write what each fails to docs/conformance.md
  bench [--runs N] [--rows PATTERN] [--quick]
                              measure Martlet, Mosquitto, rumqttd and `martlet bench relay` under the same loads, N times
                              (default 5), and write the medians to docs/benchmarks.md; takes the better part of an hour
                              --rows: only rows with PATTERN in their names, or with `growth` those of that section,
                              and write nothing
                              --quick: shorter and smaller loads, and write nothing
  sim --seeds N [--seed S]    simulate N seeds, from S on (default: the simulator's own first seed)
  mutants [--package codec|protocol|shard] [--shard K/N | --report]
                              break the code in small ways, one after the other, and see that a test fails each time;
                              takes hours, needs cargo-mutants, and writes docs/conformance.md when all are done
                              --shard: only the K-th of N parts, from 0/N on
                              --report: run nothing, judge what lies below target/mutants-out
  instructions [--record]     count the instructions of the broker's steps under valgrind; 1 if they are not those of
                              crates/shard/benches/instructions.toml any more
                              --record: write them there
  fuzz [--seconds N]          run each fuzz target for N seconds (default 20)
  ci                          all of it: format, clippy, tidy, commits, spec --check, tests, conformance, fuzzing,
                              simulation, instructions, licences
  help                        this text

test and ci end with one line, `N passed, N failed`. Exit code: 0 all well, 1 a check failed, 2 usage.";

/// What a run amounts to.
enum Failure {
    /// A check failed, for a reason already clear from its output and this line.
    Check(String),
    /// A check failed, and all is said already.
    Told,
    /// The command line is not one.
    Usage(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Failure::Check(message)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in a directory of the workspace");
    match run(root, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Check(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(1)
        }
        Err(Failure::Told) => ExitCode::from(1),
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn run(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["tidy"] => tidy::run(root)?,
        ["spec", options @ ..] => spec::run(root, spec::Mode::parse(options).map_err(Failure::Usage)?)?,
        ["test", options @ ..] => {
            let tested = test::run(root, &test::Options::parse(options).map_err(Failure::Usage)?);
            conclude(&tested.result, Some(&tested))?;
        }
        ["commits"] => commits::run(root)?,
        ["conformance"] => conformance::run(root)?,
        ["conformance", "--compare"] => conformance::compare(root)?,
        ["bench", options @ ..] => {
            bench::run(root, &bench::Options::parse(options).map_err(Failure::Usage)?)?;
        }
        ["sim", options @ ..] => sim::run(root, &sim::Options::parse(options).map_err(Failure::Usage)?)?,
        ["mutants", options @ ..] => {
            mutants::run(root, &mutants::Options::parse(options).map_err(Failure::Usage)?)?;
        }
        ["instructions"] => instructions::run(root, false)?,
        ["instructions", "--record"] => instructions::run(root, true)?,
        ["fuzz"] => fuzz::run(root, fuzz::SECONDS)?,
        ["fuzz", "--seconds", seconds] => {
            fuzz::run(root, number("--seconds", seconds).map_err(Failure::Usage)?)?;
        }
        ["ci"] => {
            let (result, tested) = ci::run(root);
            conclude(&result, tested.as_ref())?;
        }
        ["help" | "--help" | "-h"] => println!("{HELP}"),
        [] => return Err(Failure::Usage("no command".into())),
        other => return Err(Failure::Usage(format!("unknown command or option: {}", other.join(" ")))),
    }
    Ok(())
}

/// The error, if there is one, and then the totals, which are the last line of all.
fn conclude(result: &Result<(), String>, tested: Option<&test::Tested>) -> Result<(), Failure> {
    if let Err(message) = result {
        eprintln!("error: {message}");
    }
    if let Some(tested) = tested {
        tested.print_totals();
    }
    if result.is_ok() { Ok(()) } else { Err(Failure::Told) }
}

/// The value of a numeric option.
fn number(option: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{option} {value}: not a whole number (such as {option} 300)"))
}

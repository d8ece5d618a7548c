//! `martlet-sim`: many seeds, one after the other; the first that fails is told in words.

use martlet_sim::{Fault, Trace, run};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: martlet-sim --seeds N [--seed S | --from S] [--fault NAME] [--verbose]
       martlet-sim --faults          lists what can be planted
--seeds N     how many seeds (1 if only --seed is given)
--seed S      the first seed (--from says the same); the default is 0
--fault NAME  plants a fault, which a checker should catch
--verbose     prints each seed with its trace hash";

#[derive(Debug, Default)]
struct Options {
    seeds: Option<u64>,
    first: Option<u64>,
    fault: Option<Fault>,
    verbose: bool,
    list: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("martlet-sim: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if options.list {
        for fault in Fault::ALL {
            println!("{:20} {}", fault.name(), fault.help());
        }
        return ExitCode::SUCCESS;
    }
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    simulate(&options)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{option}: needs a value"));
        let number = |text: &String| text.parse().map_err(|_| format!("{option}: {text} is not a number"));
        match option.as_str() {
            "--seeds" => options.seeds = Some(number(value()?)?),
            "--seed" | "--from" => options.first = Some(number(value()?)?),
            "--fault" => {
                let name = value()?;
                options.fault =
                    Some(Fault::named(name).ok_or(format!("--fault: {name} is not among --faults"))?);
            }
            "--verbose" => options.verbose = true,
            "--faults" => options.list = true,
            _ => return Err(format!("unknown option {option}")),
        }
    }
    if options.seeds.is_none() && options.first.is_none() && !options.list {
        return Err("how many seeds?".into());
    }
    Ok(options)
}

fn simulate(options: &Options) -> ExitCode {
    let (first, seeds) = (options.first.unwrap_or(0), options.seeds.unwrap_or(1));
    let (began, mut steps) = (Instant::now(), 0);
    for seed in first..first.saturating_add(seeds) {
        let mut trace = Trace::default();
        let ended = run(seed, options.fault, &mut trace);
        steps += trace.steps();
        if options.verbose {
            println!("seed {seed}: {} steps, trace {:016x}", trace.steps(), trace.hash());
        }
        if let Err(failure) = ended {
            let mut words = Trace::new(true);
            let again = run(seed, options.fault, &mut words);
            words.tail().for_each(|event| println!("  {event}"));
            println!("seed {seed} failed: {failure}");
            if again.is_ok() || words.hash() != trace.hash() {
                println!("and not in the same way when it was run again: the run is not deterministic");
            }
            return ExitCode::FAILURE;
        }
    }
    let s = began.elapsed().as_secs_f64();
    println!("{seeds} seeds from {first}: {steps} steps in {s:.1} s, {:.0} seeds/s", seeds as f64 / s);
    ExitCode::SUCCESS
}

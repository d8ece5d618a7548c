//! `cargo xtask sim`: the simulator over many seeds, built for speed.

use std::path::Path;

use crate::{number, process};

/// Which seeds.
pub(crate) struct Options {
    /// How many.
    pub(crate) seeds: u64,
    /// The first one; without it the simulator chooses.
    pub(crate) first: Option<u64>,
}

impl Options {
    pub(crate) fn parse(options: &[&str]) -> Result<Options, String> {
        let (mut seeds, mut first) = (None, None);
        let mut rest = options;
        while let [option, more @ ..] = rest {
            let [value, more @ ..] = more else { return Err(format!("{option}: needs a value")) };
            match *option {
                "--seeds" => seeds = Some(number(option, value)?),
                "--seed" => first = Some(number(option, value)?),
                _ => return Err(format!("sim: unknown option {option} (there are --seeds and --seed)")),
            }
            rest = more;
        }
        let seeds = seeds.or(first.map(|_| 1)).ok_or("sim: how many? (such as --seeds 300)")?;
        Ok(Options { seeds, first })
    }
}

/// Builds and runs `martlet-sim`.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let mut command = process::cargo(root);
    command.args(["run", "--release", "--quiet", "--package", "martlet-sim", "--"]);
    command.args(["--seeds", &options.seeds.to_string()]);
    if let Some(first) = options.first {
        command.args(["--seed", &first.to_string()]);
    }
    process::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let parsed = |options: &[&str]| Options::parse(options).map(|found| (found.seeds, found.first));
        assert_eq!(parsed(&["--seeds", "300"]), Ok((300, None)));
        assert_eq!(parsed(&["--seed", "7"]), Ok((1, Some(7))));
        assert_eq!(parsed(&["--seed", "7", "--seeds", "2"]), Ok((2, Some(7))));
        for bad in [&[][..], &["--seeds"], &["--seeds", "x"], &["--seeds", "-1"], &["7", "7"]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}

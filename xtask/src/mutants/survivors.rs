//! `xtask/mutants.toml`: the mutants that no test catches, each with the reason why none needs to.
//!
//! An entry holds for a number of mutants; once fewer of them survive, it is too wide and has to shrink.

use serde::Deserialize;

use super::outcomes::Outcomes;

/// Where the list stands, from the root of the repository.
pub(super) const PATH: &str = "xtask/mutants.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Survivors {
    survivor: Vec<Survivor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    /// As in `replace == with != in Trie::find (crates/shard/src/index/trie.rs)`.
    mutant: String,
    reason: String,
    /// How many mutants of this name survive.
    #[serde(default = "one")]
    count: usize,
}

fn one() -> usize {
    1
}

impl Survivors {
    pub(super) fn parse(text: &str) -> Result<Survivors, String> {
        toml::from_str(text).map_err(|fault| format!("{PATH}: {fault}"))
    }

    /// The survivors among `outcomes` that the list does not explain.
    pub(super) fn unexplained(&self, outcomes: &Outcomes) -> Vec<String> {
        let mut findings = Vec::new();
        for (mutant, places) in &outcomes.missed {
            let entries: Vec<_> = self.survivor.iter().filter(|entry| entry.mutant == *mutant).collect();
            let explained: usize = entries.iter().map(|entry| entry.count).sum();
            if explained < places.len() {
                let of_these = match explained {
                    0 => String::new(),
                    _ => format!(" (one of {}, of which {PATH} explains {explained})", places.len()),
                };
                findings.extend(places.iter().map(|place| format!("survives: {place}{of_these}")));
            }
        }
        findings
    }

    /// What is wrong with the list itself.
    pub(super) fn faults(&self) -> Vec<String> {
        let is_bad = |entry: &&Survivor| entry.reason.trim().is_empty() || entry.count == 0;
        let fault =
            |entry: &Survivor| format!("{PATH}: {}: needs a reason and a count above 0", entry.mutant);
        self.survivor.iter().filter(is_bad).map(fault).collect()
    }

    /// The entries of the crate in `directory` that allow more than survives. `outcomes` are all of that crate.
    pub(super) fn idle(&self, directory: &str, outcomes: &Outcomes) -> Vec<String> {
        let is_ours = |entry: &&Survivor| {
            entry.mutant.rsplit_once('(').is_some_and(|(_, file)| file.starts_with(directory))
        };
        let idle = |entry: &Survivor| {
            let Survivor { mutant, count, .. } = entry;
            let survive = outcomes.missed.get(mutant).map_or(0, Vec::len);
            (survive < *count).then(|| match survive {
                0 => format!("{PATH}: {mutant}: no such mutant survives (remove the entry)"),
                _ => format!("{PATH}: {mutant}: count is {count} where {survive} survive (lower it)"),
            })
        };
        self.survivor.iter().filter(is_ours).filter_map(idle).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(missed: &[(&str, usize)]) -> Outcomes {
        let place = |(mutant, count): &(&str, usize)| {
            let places = (1..=*count).map(|line| format!("a:{line}: {mutant}")).collect();
            ((*mutant).to_owned(), places)
        };
        Outcomes { missed: missed.iter().map(place).collect(), ..Outcomes::default() }
    }

    #[test]
    fn every_survivor_needs_a_reason() {
        let list = "[[survivor]]\nmutant = 'x (crates/a/b.rs)'\nreason = 'y'\ncount = 2\n\
                    [[survivor]]\nmutant = 'z (crates/a/b.rs)'\nreason = 'y'";
        let survivors = Survivors::parse(list).unwrap();
        let explained = outcomes(&[("x (crates/a/b.rs)", 2), ("z (crates/a/b.rs)", 1)]);
        assert_eq!(survivors.unexplained(&explained), [""; 0]);
        assert_eq!(survivors.idle("crates/a/", &explained), [""; 0]);
        assert_eq!(survivors.faults(), [""; 0]);
        let more = outcomes(&[("x (crates/c/b.rs)", 1), ("z (crates/a/b.rs)", 2)]);
        assert_eq!(
            survivors.unexplained(&more),
            [
                "survives: a:1: x (crates/c/b.rs)",
                "survives: a:1: z (crates/a/b.rs) (one of 2, of which xtask/mutants.toml explains 1)",
                "survives: a:2: z (crates/a/b.rs) (one of 2, of which xtask/mutants.toml explains 1)",
            ]
        );
    }

    #[test]
    fn a_reason_without_a_survivor_goes() {
        let list = "[[survivor]]\nmutant = 'x<(u8)> (crates/a/b.rs)'\nreason = ' '\ncount = 2\n\
                    [[survivor]]\nmutant = 'z (crates/ab/b.rs)'\nreason = 'y'";
        let survivors = Survivors::parse(list).unwrap();
        assert_eq!(
            survivors.faults(),
            ["xtask/mutants.toml: x<(u8)> (crates/a/b.rs): needs a reason and a count above 0"]
        );
        let one = outcomes(&[("x<(u8)> (crates/a/b.rs)", 1)]);
        assert_eq!(
            survivors.idle("crates/a/", &one),
            ["xtask/mutants.toml: x<(u8)> (crates/a/b.rs): count is 2 where 1 survive (lower it)"]
        );
        let none = survivors.idle("crates/ab/", &one);
        assert_eq!(
            none,
            ["xtask/mutants.toml: z (crates/ab/b.rs): no such mutant survives (remove the entry)"]
        );
        assert!(Survivors::parse("[[survivor]]\nmutant = 'x'").is_err());
    }
}

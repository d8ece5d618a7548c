//! The floors: a crate imports only from floors below its own, and some crates never meet.
//!
//! The floor stands in each manifest, `[package.metadata.martlet] floor = N`. Dependencies of tests are free.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Findings;
use super::exceptions::{Exceptions, Rule};
use super::tree::{File, Tree};

/// Pairs that the floors would allow, but that must not come together, on whatever detour.
const NEVER: [(&str, &str, &str); 4] = [
    ("martlet-bench", "martlet-protocol", "what measures the broker shares only bytes with it"),
    ("martlet-bench", "martlet-broker", "what measures the broker shares only bytes with it"),
    ("martlet-sim", "martlet-net", "what is worth simulating lives on floor 2 or below"),
    ("martlet-sim", "martlet-broker", "what is worth simulating lives on floor 2 or below"),
];

/// What tidy reads of a crate's manifest.
pub(crate) struct Manifest<'a> {
    file: &'a File,
    pub(crate) name: String,
    floor: Option<i64>,
    pub(crate) sans_io: bool,
    dependencies: Vec<String>,
}

impl<'a> Manifest<'a> {
    fn parse(file: &'a File) -> Result<Manifest<'a>, String> {
        let manifest: Table =
            file.text.parse().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
        let package = table(&manifest, "package");
        let metadata = package.and_then(|package| table(package, "metadata")?.get("martlet")?.as_table());
        let name = package.and_then(|package| package.get("name")?.as_str());
        let targets =
            table(&manifest, "target").into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let dependencies = [&manifest].into_iter().chain(targets).flat_map(|scope| {
            ["dependencies", "build-dependencies"].into_iter().filter_map(|key| table(scope, key)).flatten()
        });
        Ok(Manifest {
            file,
            name: name.unwrap_or_default().to_owned(),
            floor: metadata.and_then(|metadata| metadata.get("floor")?.as_integer()),
            sans_io: metadata.and_then(|metadata| metadata.get("sans_io")?.as_bool()).unwrap_or(false),
            dependencies: dependencies.map(|(key, value)| package_name(key, value)).collect(),
        })
    }

    /// The crate's directory.
    pub(crate) fn directory(&self) -> &'a str {
        self.file.path.trim_end_matches("/Cargo.toml")
    }

    /// The names of what it depends on outside its tests, and where each is named.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = (&str, usize)> {
        let line = |name: &str| {
            self.file.line_where(|line| {
                line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
            })
        };
        self.dependencies.iter().map(move |name| (name.as_str(), line(name)))
    }

    pub(crate) fn path(&self) -> &'a str {
        &self.file.path
    }
}

fn table<'t>(parent: &'t Table, key: &str) -> Option<&'t Table> {
    parent.get(key)?.as_table()
}

/// A dependency's real name: `x = { package = "y" }` is y.
fn package_name(key: &str, value: &Value) -> String {
    value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
}

/// The manifests of the workspace's crates; those that cannot be read are left to cargo.
pub(crate) fn manifests(tree: &Tree) -> Vec<Manifest<'_>> {
    let ours = |path: &str| {
        path == "xtask/Cargo.toml"
            || (path.starts_with("crates/") && path.split('/').skip(2).eq(["Cargo.toml"]))
    };
    tree.files.iter().filter(|file| ours(&file.path)).filter_map(|file| Manifest::parse(file).ok()).collect()
}

/// Every crate names its floor, and what it imports lies below.
pub(crate) fn check(tree: &Tree, exceptions: &Exceptions, findings: &mut Findings) {
    let manifests = manifests(tree);
    let by_name: BTreeMap<_, _> =
        manifests.iter().map(|manifest| (manifest.name.as_str(), manifest)).collect();
    for manifest in &manifests {
        let path = manifest.path();
        let Some(floor) = manifest.floor else {
            findings.add(path, 1, "names no floor (add `[package.metadata.martlet]` with `floor = N`)");
            continue;
        };
        for (name, line) in manifest.dependencies() {
            let below = by_name.get(name).and_then(|imported| imported.floor);
            if below.is_some_and(|below| below >= floor) && !exceptions.allow(Rule::Floor, path, name, 0) {
                let below = below.unwrap_or_default();
                let message = format!(
                    "floor {floor} imports {name} of floor {below} (import only from lower floors, or move the code down)"
                );
                findings.add(path, line, message);
            }
        }
        for (from, to, reason) in NEVER {
            if manifest.name == from && reaches(&by_name, from, to) {
                findings.add(path, 1, format!("{from} reaches {to} (it must not: {reason})"));
            }
        }
    }
}

fn reaches(by_name: &BTreeMap<&str, &Manifest>, from: &str, to: &str) -> bool {
    let (mut seen, mut ahead) = (vec![from], vec![from]);
    while let Some(manifest) = ahead.pop().and_then(|name| by_name.get(name)) {
        for (name, _) in manifest.dependencies() {
            if name == to {
                return true;
            }
            if let Some((&name, _)) = by_name.get_key_value(name).filter(|_| !seen.contains(&name)) {
                seen.push(name);
                ahead.push(name);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, floor: u8, more: &str) -> String {
        format!(
            "[package]\nname = '{name}'\n[package.metadata.martlet]\nfloor = {floor}\n[dependencies]\n{more}"
        )
    }

    fn check_all(crates: &[(&str, u8, &str)], list: &str) -> Vec<String> {
        let mut tree = Tree::of([]);
        for &(name, floor, more) in crates {
            let path = format!("crates/{}/Cargo.toml", name.trim_start_matches("martlet-"));
            tree.files.push(File { path, text: manifest(name, floor, more) });
        }
        let mut findings = Findings::default();
        let exceptions = Exceptions::parse(list, &mut findings);
        check(&tree, &exceptions, &mut findings);
        findings.lines()
    }

    #[test]
    fn only_lower_floors_are_imported() {
        let good = [("martlet-a", 0, "serde = '1'"), ("martlet-b", 1, "martlet-a.workspace = true")];
        assert_eq!(check_all(&good, ""), Vec::<String>::new());
        for dependency in [
            "martlet-b.workspace = true",
            "martlet-b = { path = '../b' }",
            "x = { package = 'martlet-b', path = '../b' }",
            "[build-dependencies]\nmartlet-b = '1'",
            "[target.'cfg(unix)'.dependencies]\nmartlet-b = '1'",
        ] {
            for floor in [1, 0] {
                let found = check_all(&[("martlet-a", floor, dependency), ("martlet-b", 1, "")], "");
                assert_eq!(found.len(), 1, "{dependency} on floor {floor}: {found:?}");
                assert!(
                    found[0].contains("imports martlet-b of floor 1 (import only from lower"),
                    "{found:?}"
                );
            }
        }
        let tests_alone = "[dev-dependencies]\nmartlet-b.workspace = true";
        assert_eq!(
            check_all(&[("martlet-a", 0, tests_alone), ("martlet-b", 1, "")], ""),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_finding_names_the_line_and_an_exception_silences_it() {
        let crates = [("martlet-a", 2, "serde = '1'\nmartlet-b.workspace = true"), ("martlet-b", 2, "")];
        let found = check_all(&crates, "");
        assert!(
            found[0].starts_with("crates/a/Cargo.toml:7: floor 2 imports martlet-b of floor 2"),
            "{found:?}"
        );
        let list = "[[floor]]\npath = 'crates/a/Cargo.toml'\nname = 'martlet-b'\nreason = 'x'";
        assert_eq!(check_all(&crates, list), Vec::<String>::new());
    }

    #[test]
    fn the_simulator_never_reaches_sockets() {
        let net = ("martlet-net", 0, "");
        let client = ("martlet-client", 2, "martlet-net.workspace = true");
        let found = check_all(&[net, client, ("martlet-sim", 4, "martlet-client.workspace = true")], "");
        assert!(
            found[0].starts_with("crates/sim/Cargo.toml:1: martlet-sim reaches martlet-net"),
            "{found:?}"
        );
        assert_eq!(check_all(&[net, client, ("martlet-sim", 4, "")], ""), Vec::<String>::new());
    }
}

//! The foreign programs that the system tests talk to, Mosquitto's tools, paho-mqtt, MQTT.js, and the brokers that
//! ours is compared with.
//!
//! What is missing is installed: Debian packages on the system, libraries below `target/peers`. What cannot be
//! installed is an error that says how to do it by hand. Tests find them by the variables of `environment`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

const PROGRAMS: [Program; 6] = [
    ("mosquitto", "mosquitto"),
    ("mosquitto_pub", "mosquitto-clients"),
    ("mosquitto_sub", "mosquitto-clients"),
    ("python3", "python3"),
    ("node", "nodejs"),
    ("npm", "npm"),
];
const PAHO: &str = "paho-mqtt==2.2.0";
const MQTT_JS: &str = "mqtt@5.16.0";
/// From the Rust package registry.
pub(crate) const RUMQTTD: &str = "0.20.0";
/// The same version as the crate `gungraun` in Cargo.toml.
const GUNGRAUN: &str = "0.20.0";

/// Where the libraries are.
pub(crate) struct Peers {
    python_path: PathBuf,
    node_path: PathBuf,
}

impl Peers {
    /// The variables that tests read, and a `PATH` on which every program is found.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("MARTLET_PEERS", "all".into()),
            ("MARTLET_PEER_PYTHONPATH", self.python_path.clone().into()),
            ("MARTLET_PEER_NODE_PATH", self.node_path.clone().into()),
            ("PATH", process::search_path()),
        ]
    }
}

/// Checks for everything and installs what is missing; the error names each thing that is still missing.
pub(crate) fn prepare(root: &Path) -> Result<Peers, String> {
    let directory = root.join("target/peers");
    // A directory per version, so that another version in this file is installed anew.
    let python_path = directory.join(PAHO);
    let node_directory = directory.join(MQTT_JS);
    let node_path = node_directory.join("node_modules");
    programs(&PROGRAMS)
        .map_err(|why| format!("{why}\n(`cargo xtask test --no-system` leaves their tests out)"))?;
    let faults: Vec<_> = [paho(&python_path), mqtt_js(&node_directory, &node_path)]
        .into_iter()
        .flat_map(Result::err)
        .collect();
    if faults.is_empty() { Ok(Peers { python_path, node_path }) } else { Err(faults.join("\n")) }
}

/// Debian's broker, which is installed if it is missing.
pub(crate) fn mosquitto() -> Result<PathBuf, String> {
    programs(&PROGRAMS[..1])?;
    process::find(PROGRAMS[0].0).ok_or_else(|| "mosquitto was installed, and is not there".into())
}

/// What version it says it is.
pub(crate) fn mosquitto_version(program: &Path) -> Result<String, String> {
    // It prints it with its help, and ends with 3 for that.
    let help = Command::new(program).arg("-h").output();
    let help = help.map_err(|fault| format!("cannot run mosquitto: {fault}"))?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let version = help.lines().find_map(|line| line.strip_prefix("mosquitto version "));
    Ok(version.unwrap_or("?").to_owned())
}

/// rumqttd, built and installed below `target/peers` if it is missing.
pub(crate) fn rumqttd(root: &Path) -> Result<PathBuf, String> {
    let directory = root.join(format!("target/peers/rumqttd-{RUMQTTD}"));
    let program = directory.join("bin/rumqttd");
    if program.is_file() {
        return Ok(program);
    }
    println!("peers: building rumqttd {RUMQTTD} below target/peers");
    let mut cargo = process::cargo(root);
    // Not --locked: what its lock file names does not compile any more (metrics 0.22.1).
    cargo.args(["install", "--quiet", "rumqttd", "--version", RUMQTTD, "--root"]).arg(&directory);
    process::run(&mut cargo)
        .map_err(|fault| format!("rumqttd {RUMQTTD} is needed, and a network\n{fault}"))?;
    Ok(program)
}

/// The program that counts instructions, built and installed below `target/peers` if it is missing, and valgrind.
pub(crate) fn gungraun_runner(root: &Path) -> Result<PathBuf, String> {
    programs(&[("valgrind", "valgrind")])?;
    let directory = root.join(format!("target/peers/gungraun-runner-{GUNGRAUN}"));
    let program = directory.join("bin/gungraun-runner");
    if program.is_file() {
        return Ok(program);
    }
    println!("peers: building gungraun-runner {GUNGRAUN} below target/peers");
    let mut cargo = process::cargo(root);
    // --debug builds in a quarter of the time, and it has little to do.
    cargo.args([
        "install",
        "--quiet",
        "--locked",
        "--debug",
        "gungraun-runner",
        "--version",
        GUNGRAUN,
        "--root",
    ]);
    process::run(cargo.arg(&directory))
        .map_err(|fault| format!("gungraun-runner {GUNGRAUN} is needed, and a network\n{fault}"))?;
    Ok(program)
}

/// A program, and the Debian package that has it.
type Program = (&'static str, &'static str);

fn missing(wanted: &[Program]) -> Vec<Program> {
    wanted.iter().copied().filter(|(program, _)| !process::is_installed(program)).collect()
}

fn programs(wanted: &[Program]) -> Result<(), String> {
    let mut packages: Vec<_> = missing(wanted).iter().map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    packages.dedup();
    let packages = packages.join(" ");
    println!("peers: installing Debian packages: {packages}");
    let installed = apt_install(&packages);
    let missing: Vec<_> = missing(wanted).iter().map(|(program, _)| *program).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let why = installed.err().map_or_else(String::new, |why| format!("\n{why}"));
    let missing = missing.join(", ");
    Err(format!("{missing}: missing; run `sudo apt-get install -y {packages}`{why}"))
}

/// Installs as root, or by a sudo that asks for no password.
fn apt_install(packages: &str) -> Result<(), String> {
    let is_root = process::output(Command::new("id").arg("-u")).is_ok_and(|said| said.stdout == "0");
    let apt = |arguments: &str| {
        let words = if is_root { "apt-get" } else { "sudo -n apt-get" };
        let mut words = words.split(' ').chain(arguments.split(' '));
        let mut command = Command::new(words.next().unwrap_or_default());
        process::output(command.args(words).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
    };
    let install = format!("install -y --no-install-recommends {packages}");
    // Fresh machines have no package lists yet.
    apt(&install).or_else(|_| apt("update").and_then(|()| apt(&install)))
}

fn paho(python_path: &Path) -> Result<(), String> {
    let installed = || {
        let mut python = Command::new("python3");
        process::output(python.args(["-c", "import paho.mqtt.client"]).env("PYTHONPATH", python_path)).is_ok()
    };
    if python_path.is_dir() && installed() {
        return Ok(());
    }
    println!("peers: installing {PAHO} below target/peers");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(python_path)
        .arg(PAHO);
    let fault = match process::output(&mut pip) {
        Ok(_) if installed() => return Ok(()),
        Ok(_) => "pip is content, but `import paho.mqtt.client` fails".to_owned(),
        Err(fault) => fault,
    };
    Err(format!(
        "the system tests need {PAHO} from PyPI; pip needs a network and Debian's python3-pip\n{fault}"
    ))
}

fn mqtt_js(directory: &Path, node_path: &Path) -> Result<(), String> {
    let installed = || {
        let mut node = Command::new("node");
        process::output(node.args(["-e", "require('mqtt')"]).env("NODE_PATH", node_path)).is_ok()
    };
    if node_path.is_dir() && installed() {
        return Ok(());
    }
    println!("peers: installing {MQTT_JS} below target/peers");
    std::fs::create_dir_all(directory)
        .map_err(|fault| format!("cannot create {}: {fault}", directory.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(directory)
        .arg(MQTT_JS);
    let fault = match process::output(&mut npm) {
        Ok(_) if installed() => return Ok(()),
        Ok(_) => "npm is content, but `require('mqtt')` fails".to_owned(),
        Err(fault) => fault,
    };
    Err(format!("the system tests need {MQTT_JS} from npm, which needs a network\n{fault}"))
}

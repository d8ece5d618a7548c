//! A foreign program that runs as long as the test wants it, read line by line.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any program needs for anything here.
const LIMIT: Duration = Duration::from_secs(60);

/// The process; killed when dropped.
pub(super) struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Program {
    pub(super) fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot run {name}: {error}; `cargo xtask test` installs what is missing")
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Program { name, stdin: child.stdin.take(), child, lines }
    }

    pub(super) fn write(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line of its output; `None` after the last.
    pub(super) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{} says nothing", self.name),
        }
    }

    /// The next line, if it comes that soon.
    pub(super) fn line_within(&self, limit: Duration) -> Option<String> {
        self.lines.recv_timeout(limit).ok()
    }

    /// Waits for its end, and asserts that it is a good one; what it still said.
    pub(super) fn finish(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let lines = std::iter::from_fn(|| self.line()).collect();
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < LIMIT, "{} does not end", self.name);
            thread::sleep(Duration::from_millis(5));
        }
        assert!(self.child.wait().unwrap().success(), "{} failed", self.name);
        lines
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

/// A command by name, also where Debian keeps daemons.
pub(super) fn command(name: &str) -> Command {
    let daemon = Path::new("/usr/sbin").join(name);
    if daemon.is_file() { Command::new(daemon) } else { Command::new(name) }
}

/// A script of this directory: the program that runs it, and the libraries that it finds.
pub(super) fn interpreter(name: &str, script: &str, variable: &str, libraries: PathBuf) -> Command {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system/peers");
    let mut command = command(name);
    command.arg(directory.join(script)).env(variable, libraries);
    command
}

/// Where `cargo xtask test` says that libraries are, or else where it puts them: the directory below
/// `target/peers` that begins with `prefix`.
pub(super) fn libraries(variable: &str, prefix: &str, below: &str) -> PathBuf {
    let told: Option<OsString> = std::env::var_os(variable);
    told.map(PathBuf::from).unwrap_or_else(|| {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
        let mut found = std::fs::read_dir(peers).into_iter().flatten().flatten();
        let found = found.find(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        found.map(|entry| entry.path().join(below)).unwrap_or_default()
    })
}

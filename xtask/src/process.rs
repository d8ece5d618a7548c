//! Running other programs, and finding out whether they are there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian keeps daemons; not on everybody's `PATH`.
const DAEMON_DIRECTORIES: [&str; 2] = ["/usr/local/sbin", "/usr/sbin"];
/// How much of a failed program's stderr an error shows.
const ERROR_LINES_MAX: usize = 30;

/// The cargo that runs us, in `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    command
}

/// Where cargo puts what it builds in `root`.
pub(crate) fn target_directory(root: &Path) -> PathBuf {
    root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Runs to the end with our own output; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|fault| format!("cannot run {}: {fault}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", shown(command))) }
}

/// What a program that succeeded has written.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs to the end and gives what it wrote; on failure the end of its stderr is the error.
pub(crate) fn output(command: &mut Command) -> Result<Said, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|fault| format!("cannot run {}: {fault}", shown(command)))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let said = Said { stdout: text(&output.stdout), stderr: text(&output.stderr) };
    if output.status.success() {
        return Ok(said);
    }
    let last: Vec<_> = said.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = last[last.len().saturating_sub(ERROR_LINES_MAX)..].join("\n  ");
    Err(format!("{} failed ({}):\n  {last}", shown(command), output.status))
}

/// The command as a user would type it, without its directories.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy);
    words.collect::<Vec<_>>().join(" ")
}

/// `PATH`, with the directories of daemons at its end.
pub(crate) fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(DAEMON_DIRECTORIES.map(PathBuf::from));
    env::join_paths(directories).unwrap_or(path)
}

/// Our own command, in the release build as a user has it.
pub(crate) fn martlet(root: &Path) -> Result<PathBuf, String> {
    run(cargo(root).args(["build", "--release", "--quiet", "--package", "martlet-cli"]))?;
    Ok(target_directory(root).join("release/martlet"))
}

/// Where on the search path a program of that name is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&search_path()).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// Whether a program of that name is on the search path.
pub(crate) fn is_installed(program: &str) -> bool {
    find(program).is_some()
}

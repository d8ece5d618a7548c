//! A program that runs to its end in time, or is ended.

use crate::process;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run wrote, and how it ended.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// None if it was killed, because its time was over.
    pub(crate) status: Option<ExitStatus>,
}

/// Runs to the end, or until `limit` has passed.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<Ran, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|fault| format!("cannot run {}: {fault}", process::shown(command)))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let stdout = scope.spawn(|| read(stdout));
        let stderr = scope.spawn(|| read(stderr));
        let status = wait(&mut child, limit);
        let text = |reader: thread::ScopedJoinHandle<'_, String>| reader.join().unwrap_or_default();
        Ok(Ran { stdout: text(stdout), stderr: text(stderr), status: status? })
    })
}

fn read(output: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut output) = output {
        // What has come before a fault is all there is.
        let _ = output.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, String> {
    let until = Instant::now() + limit;
    loop {
        let fault = match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            Ok(None) => None,
            Err(fault) => Some(fault),
        };
        // The readers end with it.
        let _ = child.kill();
        let _ = child.wait();
        return fault.map_or(Ok(None), |fault| Err(format!("cannot wait for a program: {fault}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ran {
        run(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn what_was_written_and_how_it_ended() {
        let ran = shell("echo a; echo b >&2; exit 3", Duration::from_secs(60));
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("a\n", "b\n"));
        assert_eq!(ran.status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn a_run_without_end_is_ended() {
        let ran = shell("echo a; exec sleep 60", Duration::from_millis(300));
        assert!(ran.status.is_none());
        assert_eq!(ran.stdout, "a\n");
    }
}

//! A broker as a child process: started, waited for until it listens, and killed when it is no longer wanted.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a broker may take until it listens.
const START_MAX: Duration = Duration::from_secs(20);
/// How much of what a broker said an error shows.
const SAID_LINES_MAX: usize = 10;

/// Killed when dropped, whatever happens in between.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    /// What it writes to stdout and stderr, line by line.
    said: Receiver<String>,
}

impl Server {
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Server, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|fault| format!("cannot run {name}: {fault}"))?;
        let (sender, said) = channel();
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stdout| Box::new(stdout) as _),
            child.stderr.take().map(|stderr| Box::new(stderr) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            // Reads to the end even when nobody asks, so that the broker never blocks on a full pipe.
            thread::spawn(move || {
                for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
        }
        Ok(Server { name, child, said })
    }

    /// Waits for a line with `before` in it, and gives what follows.
    pub(crate) fn says(&mut self, before: &str) -> Result<String, String> {
        let until = Instant::now() + START_MAX;
        let mut lines = Vec::new();
        while let Ok(line) = self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let Some((_, after)) = line.split_once(before) {
                return Ok(after.trim().to_owned());
            }
            lines.push(line);
        }
        Err(format!("{} does not say `{before}`; {}", self.name, shown(&lines)))
    }

    /// Waits until it accepts connections at `address`.
    pub(crate) fn accepts(&mut self, address: SocketAddr) -> Result<(), String> {
        let until = Instant::now() + START_MAX;
        while Instant::now() < until && self.ended().is_none() {
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        let lines: Vec<_> = self.said.try_iter().collect();
        Err(format!("{} does not listen on {address}; {}", self.name, shown(&lines)))
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, which others brought about; whether it came in time.
    pub(crate) fn ends(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while self.ended().is_none() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// How it ended, if it did: nobody has asked it to.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shown(lines: &[String]) -> String {
    if lines.is_empty() {
        return "it said nothing".into();
    }
    format!("it said:\n  {}", lines[lines.len().saturating_sub(SAID_LINES_MAX)..].join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Server {
        Server::start("sh", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn what_is_said_on_either_output_is_heard() {
        assert_eq!(shell("echo a; echo at x:1 >&2; sleep 60").says("at "), Ok("x:1".into()));
        assert_eq!(shell("echo at y").says("at "), Ok("y".into()));
    }

    #[test]
    fn the_end_is_waited_for() {
        assert!(shell("exit 3").ends(Duration::from_secs(60)));
        assert!(!shell("sleep 60").ends(Duration::from_millis(50)));
    }

    #[test]
    fn a_server_that_ends_is_not_waited_for() {
        let said = shell("echo no >&2; exit 3").says("at ");
        assert_eq!(said, Err("sh does not say `at `; it said:\n  no".into()));
        let nobody = "127.0.0.1:1".parse().unwrap();
        assert!(shell("exit 3").accepts(nobody).is_err());
    }
}

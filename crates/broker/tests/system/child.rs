//! A broker in a process of its own, whose memory can be measured: this program again, for one ignored test.

use crate::common::{TestBroker, child};
use martlet_broker::Config;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// Holds the child's configuration, as TOML.
const CONFIG: &str = "MARTLET_TEST_CONFIG";

/// The process; killed when dropped.
pub(crate) struct ChildBroker {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl ChildBroker {
    /// Two shards, `$SYS` every second, and what else `config` says in TOML.
    pub(crate) fn start(config: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::broker", "--ignored", "--nocapture"])
            .env(CONFIG, format!("shards = 2\nsys_interval_s = 1\n{config}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("address ") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended before its broker began");
        }
        child.stdout = Some(output.into_inner()); // a closed pipe would kill the child at its last words
        let address = line.trim().trim_start_matches("address ").parse().unwrap();
        ChildBroker { child, address }
    }

    /// Bytes of memory that it has now.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Asks it to end, and asserts that it ends well.
    pub(crate) fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for ChildBroker {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended already, or should
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "a part of other tests, which run it as a process"]
fn broker() {
    let config = std::env::var(CONFIG).unwrap();
    let broker = TestBroker::with(Config::from_toml(&config, CONFIG).unwrap());
    child::announce(broker.address);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    broker.stop();
}

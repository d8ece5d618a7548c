//! A broker in a process of its own: an ignored test of the same program, run by name.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// The process, killed if the test ends before it does.
pub(crate) struct ChildBroker(pub(crate) Child);

impl ChildBroker {
    /// Waits for its end and asserts that it is a good one.
    pub(crate) fn assert_success(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for ChildBroker {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it has ended already, or should
        let _ = self.0.wait();
    }
}

/// Starts the ignored test `name`, which may take the end of its standard input for its own.
pub(crate) fn spawn(name: &str) -> (ChildBroker, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
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
    (ChildBroker(child), address)
}

/// In the child: tells the parent where the broker listens.
pub(crate) fn announce(address: SocketAddr) {
    println!("\naddress {address}");
}

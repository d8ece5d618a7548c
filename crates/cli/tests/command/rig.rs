//! The command as a process, a broker in this one, and servers that misbehave as told.

use martlet_broker::{Broker, Config, ListenerConfig};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

pub(crate) struct Rig {
    broker: Option<Broker>,
    pub(crate) url: String,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::of(start("mqtt://127.0.0.1:0"))
    }
    /// One that listens at this URL.
    pub(crate) fn at(url: &str) -> Self {
        Self::of(start(url))
    }
    /// One that publishes under `$SYS` many times a second.
    pub(crate) fn telling_of_itself() -> Self {
        let mut config = config("mqtt://127.0.0.1:0");
        config.shard.sys_interval_ms = 100;
        Self::of(Broker::start(config).unwrap())
    }
    fn of(broker: Broker) -> Self {
        let url = broker.endpoints()[0].to_string();
        Rig { broker: Some(broker), url }
    }
    /// The broker stops, and another one, which knows nothing, takes its place.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.broker = Some(start(&self.url));
    }
    fn stop(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.handle().abort();
            broker.join().unwrap();
        }
    }
    /// Runs `martlet COMMAND -b BROKER ...` to its end. Arguments are separated by single spaces.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }
    /// Runs `martlet bench SCENARIO ... -b BROKER` to its end.
    pub(crate) fn bench(&self, line: &str) -> Output {
        martlet("bench").args(line.split(' ')).args(["-b", &self.url]).output().unwrap()
    }
    /// As [`Self::run`], but it must succeed: what it printed.
    pub(crate) fn good(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }
    /// As [`Self::good`], with stdin.
    pub(crate) fn good_with(&self, line: &str, stdin: &[u8]) {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        assert!(child.wait().unwrap().success(), "{line}");
    }
    pub(crate) fn spawn(&self, line: &str) -> Running {
        Running::new(&mut self.command(line))
    }
    pub(crate) fn command(&self, line: &str) -> Command {
        let (name, rest) = line.split_once(' ').unwrap();
        let mut command = martlet(name);
        command.args(["-b", &self.url]).args(rest.split(' '));
        command
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(url: &str) -> Broker {
    Broker::start(config(url)).unwrap()
}

fn config(url: &str) -> Config {
    let listeners = vec![ListenerConfig::new(url.parse().unwrap())];
    Config { listeners, shards: Some(2), ..Config::default() }
}

pub(crate) fn martlet(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_martlet"));
    command.args(line.split(' ')).stdin(Stdio::null());
    for variable in ["MARTLET_BROKER", "MARTLET_PASSWORD", "MARTLET_LOG"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A process that is killed if the test ends before it does.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn new(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        Running { child, stdout }
    }
    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
    /// Everything else that it prints, and its exit code.
    pub(crate) fn end(&mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut rest).unwrap();
        }
        (rest, self.child.wait().unwrap().code())
    }
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server for one connection after the other that answers each read as told, and closes it when told nothing.
pub(crate) fn server(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                match answer(&buffer[..n]) {
                    Some(bytes) => stream.write_all(&bytes).unwrap(),
                    None => break,
                }
            }
        }
    });
    url
}

//! The brokers that the suite is run against: ours, Debian's Mosquitto, rumqttd. How each is started, and nothing else.
//!
//! Each is configured to refuse as little as it can: anonymous clients, nothing on disk, generous queues.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::server::Server;
use crate::{peers, process};

/// A port that was unused may be taken before a broker has it.
const TRIES_MAX: usize = 5;

/// A version of the protocol, as the names of the suite's tests end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V5,
    V311,
}

impl Version {
    pub(super) const ALL: [Version; 2] = [Version::V5, Version::V311];

    pub(super) fn number(self) -> &'static str {
        match self {
            Version::V5 => "5.0",
            Version::V311 => "3.1.1",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Martlet,
    Mosquitto,
    Rumqttd,
}

/// A broker that can be started.
pub(super) struct Broker {
    pub(super) name: &'static str,
    pub(super) version: String,
    kind: Kind,
    program: PathBuf,
    /// Where configurations are written.
    directory: PathBuf,
    /// The ports that one was told to listen on. Several run at the same time, and one that finds its port taken may
    /// go on without a word, so that another would be tested in its place.
    taken: Mutex<BTreeSet<u16>>,
}

/// A broker that runs until this is dropped.
pub(super) struct Running {
    pub(super) server: Server,
    v5: String,
    v311: String,
}

impl Running {
    pub(super) fn url(&self, version: Version) -> &str {
        match version {
            Version::V5 => &self.v5,
            Version::V311 => &self.v311,
        }
    }
}

/// All of them; what is missing is installed first.
pub(super) fn all(root: &Path, martlet: &Path, directory: &Path) -> Result<[Broker; 3], String> {
    let broker = |name, kind, program: &Path, version: String| Broker {
        name,
        version,
        kind,
        program: program.to_owned(),
        directory: directory.to_owned(),
        taken: Mutex::default(),
    };
    let said = process::output(Command::new(martlet).arg("--version"))?.stdout;
    let ours = said.split_whitespace().last().unwrap_or("?").to_owned();
    let mosquitto = peers::mosquitto()?;
    let theirs = peers::mosquitto_version(&mosquitto)?;
    let rumqttd = peers::rumqttd(root)?;
    Ok([
        broker("Martlet", Kind::Martlet, martlet, ours),
        broker("Mosquitto", Kind::Mosquitto, &mosquitto, theirs),
        broker("rumqttd", Kind::Rumqttd, &rumqttd, peers::RUMQTTD.to_owned()),
    ])
}

impl Broker {
    /// Starts it, with no state from before.
    pub(super) fn start(&self) -> Result<Running, String> {
        if self.kind == Kind::Martlet {
            let (server, url) = martlet(&self.program)?;
            return Ok(Running { server, v311: url.clone(), v5: url });
        }
        let mut last = String::new();
        for _ in 0..TRIES_MAX {
            match self.start_on(self.unused()?, self.unused()?) {
                Ok(running) => return Ok(running),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    fn start_on(&self, v5: SocketAddr, v311: SocketAddr) -> Result<Running, String> {
        let (text, v311) = match self.kind {
            Kind::Rumqttd => (rumqttd(v5, v311), v311),
            _ => (mosquitto(v5), v5),
        };
        // rumqttd goes by the extension.
        let file = self.directory.join(format!("{}-{}.toml", self.name, v5.port()));
        std::fs::write(&file, text).map_err(|fault| format!("cannot write {}: {fault}", file.display()))?;
        let mut command = Command::new(&self.program);
        if self.kind == Kind::Rumqttd {
            command.arg("--quiet");
        }
        let started = Server::start(self.name, command.arg("-c").arg(&file));
        let accepts = started.and_then(|mut server| {
            server.accepts(v5)?;
            server.accepts(v311)?;
            Ok(server)
        });
        // It has been read.
        let _ = std::fs::remove_file(&file);
        let url = |address| format!("mqtt://{address}");
        Ok(Running { server: accepts?, v5: url(v5), v311: url(v311) })
    }

    /// An address of this machine that nobody listens on, and that was not given out before.
    fn unused(&self) -> Result<SocketAddr, String> {
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
            let address = listener.and_then(|listener| listener.local_addr());
            let address = address.map_err(|fault| format!("no port: {fault}"))?;
            if self.taken.lock().expect("nobody panics with this lock").insert(address.port()) {
                return Ok(address);
            }
        }
    }
}

/// Our broker as a user starts it, and its URL.
pub(super) fn martlet(program: &Path) -> Result<(Server, String), String> {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "mqtt://127.0.0.1:0"]).env_remove("MARTLET_LOG");
    let mut server = Server::start("martlet", &mut command)?;
    let url = server.says("listening on ")?;
    Ok((server, url))
}

fn mosquitto(address: SocketAddr) -> String {
    format!(
        "listener {} {}\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n\
         max_inflight_messages 1000\nmax_queued_messages 100000\nlog_dest stderr\nlog_type error\n",
        address.port(),
        address.ip()
    )
}

/// As its own default, but for the addresses, and with messages of any size and more of them in flight. Without
/// `dynamic_filters` it ends every connection that publishes what nobody has subscribed to.
fn rumqttd(v5: SocketAddr, v311: SocketAddr) -> String {
    let listener = |table: &str, address: SocketAddr| {
        format!(
            "[{table}.1]\nname = \"{table}\"\nlisten = \"{address}\"\nnext_connection_delay_ms = 1\n\
             [{table}.1.connections]\nconnection_timeout_ms = 60000\nmax_payload_size = 268435455\n\
             max_inflight_count = 1000\ndynamic_filters = true\n"
        )
    };
    format!(
        "id = 0\n[router]\nid = 0\nmax_connections = 10010\nmax_outgoing_packet_count = 200\n\
         max_segment_size = 104857600\nmax_segment_count = 10\n{}{}",
        listener("v4", v311),
        listener("v5", v5)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_name_their_addresses() {
        let [v5, v311] = [7005, 7004].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        assert!(mosquitto(v5).starts_with("listener 7005 127.0.0.1\nallow_anonymous true\n"));
        let parsed: toml::Table = rumqttd(v5, v311).parse().unwrap();
        assert_eq!(parsed["v5"]["1"]["listen"].as_str(), Some("127.0.0.1:7005"));
        assert_eq!(parsed["v4"]["1"]["listen"].as_str(), Some("127.0.0.1:7004"));
        assert_eq!(parsed["v4"]["1"]["connections"]["dynamic_filters"].as_bool(), Some(true));
    }
}

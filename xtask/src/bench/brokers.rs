//! How each broker is started to be measured: as somebody would who wants figures, and knows its manual.
//!
//! One listener without a password, nothing on disk, no log of what is usual, TCP_NODELAY where it is a setting, and
//! no bound on queues that a load could reach.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Kind;
use crate::server::Server;
use crate::{peers, process};

/// Below the ports that systems give to clients, so that no connection of a load takes one.
const PORTS: std::ops::Range<u16> = 25_000..26_000;
/// Raises the limit of open files as far as it goes, for brokers that do not do that themselves.
const WITH_FILES: &str = "ulimit -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\"";

pub(super) struct Broker {
    pub(super) kind: Kind,
    /// The head of its column.
    pub(super) name: &'static str,
    pub(super) version: String,
    program: PathBuf,
    /// Where configurations are written.
    directory: PathBuf,
}

/// One that listens until this is dropped.
pub(super) struct Running {
    pub(super) server: Server,
    pub(super) url: String,
}

/// Ports that nobody listens on, none twice in a row.
pub(super) struct Ports(u16);

impl Ports {
    pub(super) fn new() -> Self {
        Ports(PORTS.start)
    }

    fn next(&mut self) -> Result<SocketAddr, String> {
        for _ in PORTS {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.0));
            self.0 = if self.0 + 1 == PORTS.end { PORTS.start } else { self.0 + 1 };
            if TcpListener::bind(address).is_ok() {
                return Ok(address);
            }
        }
        Err(format!("no port of {PORTS:?} is free"))
    }
}

/// All of them; what is missing is installed first.
pub(super) fn all(root: &Path, martlet: &Path, directory: &Path) -> Result<[Broker; 5], String> {
    let broker = |kind, name, program: &Path, version: &str| Broker {
        kind,
        name,
        version: version.to_owned(),
        program: program.to_owned(),
        directory: directory.to_owned(),
    };
    let said = process::output(Command::new(martlet).arg("--version"))?.stdout;
    let ours = said.split_whitespace().last().unwrap_or("?");
    let mosquitto = peers::mosquitto()?;
    let theirs = peers::mosquitto_version(&mosquitto)?;
    let rumqttd = peers::rumqttd(root)?;
    Ok([
        broker(Kind::Relay, "relay", martlet, ours),
        broker(Kind::Martlet, "Martlet, 1 shard", martlet, ours),
        broker(Kind::MartletTwo, "Martlet, 2 shards", martlet, ours),
        broker(Kind::Mosquitto, "Mosquitto", &mosquitto, &theirs),
        broker(Kind::Rumqttd, "rumqttd", &rumqttd, peers::RUMQTTD),
    ])
}

impl Broker {
    /// Starts it, with nothing from before.
    pub(super) fn start(&self, is_v5: bool, ports: &mut Ports) -> Result<Running, String> {
        let address = ports.next()?;
        let url = format!("mqtt://{address}");
        let file = self.directory.join(format!("{}.toml", address.port()));
        let mut command = Command::new("sh");
        command.args(["-c", WITH_FILES]).arg(&self.program);
        match self.kind {
            Kind::Relay => command.args(["bench", "relay", "--listen", &url]),
            Kind::Martlet | Kind::MartletTwo => command.args(self.serve(&url).split(' ')),
            Kind::Mosquitto | Kind::Rumqttd => {
                let text =
                    if self.kind == Kind::Mosquitto { mosquitto(address) } else { rumqttd(address, is_v5) };
                std::fs::write(&file, text)
                    .map_err(|fault| format!("cannot write {}: {fault}", file.display()))?;
                if self.kind == Kind::Rumqttd {
                    command.arg("--quiet");
                }
                command.arg("-c").arg(&file)
            }
        };
        let started = Server::start(self.name, &mut command).and_then(|mut server| {
            server.accepts(address)?;
            Ok(server)
        });
        // It has been read, or never was there.
        let _ = std::fs::remove_file(&file);
        started.map(|server| Running { server, url })
    }

    fn serve(&self, url: &str) -> String {
        let shards = if self.kind == Kind::MartletTwo { 2 } else { 1 };
        format!("serve --listen {url} --shards {shards} --log-level warn")
    }

    /// What it is told, for the document.
    pub(super) fn configuration(&self) -> String {
        let example = SocketAddr::from((Ipv4Addr::LOCALHOST, 1883));
        let lines = |text: String| text.lines().collect::<Vec<_>>().join("; ");
        match self.kind {
            Kind::Relay => "`martlet bench relay`".into(),
            Kind::Martlet | Kind::MartletTwo => format!("`martlet {}`", self.serve("mqtt://127.0.0.1:1883")),
            Kind::Mosquitto => format!("`{}`", lines(mosquitto(example))),
            Kind::Rumqttd => format!("`{}`", lines(rumqttd(example, false))),
        }
    }
}

fn mosquitto(address: SocketAddr) -> String {
    format!(
        "listener {} {}\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n\
         max_inflight_messages 0\nmax_queued_messages 0\nsys_interval 0\nlog_type error\n",
        address.port(),
        address.ip()
    )
}

/// It has no setting for TCP_NODELAY. Without `dynamic_filters` it ends every connection that publishes what nobody
/// has subscribed to.
fn rumqttd(address: SocketAddr, is_v5: bool) -> String {
    let table = if is_v5 { "v5" } else { "v4" };
    format!(
        "id = 0\n[router]\nid = 0\nmax_connections = 100000\nmax_outgoing_packet_count = 200\n\
         max_segment_size = 104857600\nmax_segment_count = 10\n\
         [{table}.1]\nname = \"{table}\"\nlisten = \"{address}\"\nnext_connection_delay_ms = 0\n\
         [{table}.1.connections]\nconnection_timeout_ms = 60000\nmax_payload_size = 268435455\n\
         max_inflight_count = 1000\ndynamic_filters = true\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_name_their_address() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 7005));
        assert!(mosquitto(address).starts_with("listener 7005 127.0.0.1\n"));
        for (is_v5, table) in [(false, "v4"), (true, "v5")] {
            let parsed: toml::Table = rumqttd(address, is_v5).parse().unwrap();
            assert_eq!(parsed[table]["1"]["listen"].as_str(), Some("127.0.0.1:7005"));
            assert_eq!(parsed[table]["1"]["connections"]["dynamic_filters"].as_bool(), Some(true));
        }
    }

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let mut ports = Ports(PORTS.end - 2);
        let first = ports.next().unwrap();
        let _taken = TcpListener::bind(first).unwrap();
        let mut again = Ports(first.port());
        let second = again.next().unwrap();
        assert!(second != first && PORTS.contains(&second.port()));
    }
}

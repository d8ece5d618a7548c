//! Listening sockets: bound, non-blocking, ready for whoever polls them.
//!
//! Several listeners may share one TCP address by `SO_REUSEPORT`, so that each thread has its own queue of
//! new connections; a port that somebody else listens on is refused all the same.

use crate::unix::{self, SocketFile};
use crate::{Address, Endpoint, Fault, resolve};
use socket2::{Domain, Protocol, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// How many connections may wait to be accepted; the system may allow fewer.
pub(crate) const BACKLOG: i32 = 4096;

/// A listening socket and where it listens.
#[derive(Debug)]
pub struct Listener {
    /// The endpoint as it was asked for, with the address and the port that it got.
    pub endpoint: Endpoint,
    /// The socket, non-blocking.
    pub socket: Socket,
}

/// The standard library's sockets.
#[derive(Debug)]
pub enum Socket {
    /// TCP over IPv4 or IPv6.
    Tcp(TcpListener),
    /// A Unix domain socket, with the file that goes when it goes.
    Unix(UnixListener, SocketFile),
}

impl Listener {
    /// Whether several TCP listeners can share an address, each with its own queue, on this platform.
    pub const CAN_SHARE_PORT: bool = cfg!(any(target_os = "linux", target_os = "android"));

    /// Permissions of a Unix socket's file unless told otherwise: its owner and group may connect.
    pub const UNIX_MODE: u32 = 0o660;

    /// Listens on every address of `endpoint` (a host name may have several, and `localhost` is 127.0.0.1 and ::1
    /// whatever the resolver knows, as far as this machine has both); `shared` lets
    /// [`Listener::share`] add more sockets to each. The file of a Unix socket gets the permissions
    /// [`Self::UNIX_MODE`].
    ///
    /// # Errors
    /// A port or path in use, no permission, an unknown name, an address that is not this machine's.
    pub fn bind(endpoint: &Endpoint, shared: bool) -> Result<Vec<Self>, Fault> {
        Self::bind_with_mode(endpoint, shared, Self::UNIX_MODE)
    }

    /// The same with other permissions for the file of a Unix socket: who may write to it may connect.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn bind_with_mode(endpoint: &Endpoint, shared: bool, unix_mode: u32) -> Result<Vec<Self>, Fault> {
        let doing = format!("listen on {endpoint}");
        resolve::check_supported(&doing, endpoint)?;
        match &endpoint.address {
            Address::Unix(path) => {
                let (socket, file) = unix::bind(path, unix_mode).map_err(|e| bind_fault(doing, e))?;
                Ok(vec![Listener { endpoint: endpoint.clone(), socket: Socket::Unix(socket, file) }])
            }
            Address::Tcp { host, port } => {
                let addresses = resolve::addresses(&doing, host, *port)?;
                let bind = |address| Self::bind_tcp(endpoint, address, shared);
                let mut bound = addresses.iter().copied().map(bind).collect::<Result<Vec<_>, _>>()?;
                for address in resolve::other_loopback(host, *port, &addresses) {
                    match bind(address) {
                        Err(fault) if fault.is_missing_address() => {}
                        listener => bound.push(listener?),
                    }
                }
                Ok(bound)
            }
        }
    }

    /// Another socket on the same TCP address, with its own queue of new connections.
    ///
    /// # Errors
    /// The system refuses, or this listener was not bound `shared`.
    pub fn share(&self) -> Result<Self, Fault> {
        let doing = || format!("listen on {} once more", self.endpoint);
        match &self.socket {
            Socket::Unix(..) => Err(Fault::unsupported(doing(), "sharing a Unix socket")),
            Socket::Tcp(first) => {
                let address = first.local_addr().map_err(|e| Fault::io(doing(), e))?;
                let socket = open_tcp(address, true).map_err(|e| Fault::io(doing(), e))?;
                Ok(Listener { endpoint: self.endpoint.clone(), socket: Socket::Tcp(socket) })
            }
        }
    }

    /// The TCP address that it got; `None` for a Unix socket.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(..) => None,
        }
    }

    fn bind_tcp(endpoint: &Endpoint, address: SocketAddr, shared: bool) -> Result<Self, Fault> {
        let bound = if shared {
            probe(address).and_then(|()| open_tcp(address, true))
        } else {
            open_tcp(address, false)
        };
        let got = bound.and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = got.map_err(|e| bind_fault(format!("listen on {endpoint}"), e))?;
        let address = Address::Tcp { host: address.ip().to_string(), port: address.port() };
        Ok(Listener { endpoint: Endpoint { address, ..endpoint.clone() }, socket: Socket::Tcp(socket) })
    }
}

/// Sockets that share a port would join another process's without a word: an unshared one first asks whether
/// anybody listens there.
fn probe(address: SocketAddr) -> io::Result<()> {
    if address.port() == 0 { Ok(()) } else { bound(address, false).map(drop) }
}

fn open_tcp(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = bound(address, shared)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bound(address: SocketAddr, shared: bool) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?; // connections of a former listener may still be in TIME-WAIT
    if address.is_ipv6() {
        socket.set_only_v6(true)?; // [::] and 0.0.0.0 are two listeners on every system
    }
    if shared && Listener::CAN_SHARE_PORT {
        socket.set_reuse_port(true)?;
    }
    socket.set_tcp_keepalive(&keep_alive())?; // accepted connections have it, too
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A peer that is gone without a word is noticed after two minutes, whatever keep-alive its client asked for: a minute
/// of silence, then four questions. There is no time limit for data: it would end connections whose client is there and
/// does not read.
fn keep_alive() -> socket2::TcpKeepalive {
    let asks = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
    asks.with_interval(Duration::from_secs(15)).with_retries(4)
}

fn bind_fault(doing: String, error: io::Error) -> Fault {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program, or another listener of this one, is there: stop it, or choose another port or path"
        }
        io::ErrorKind::PermissionDenied => {
            "no permission: ports below 1024 need CAP_NET_BIND_SERVICE, socket files a directory that is writable"
        }
        io::ErrorKind::AddrNotAvailable => {
            "that is no address of this machine; 0.0.0.0 and [::] mean all of them"
        }
        io::ErrorKind::AlreadyExists => "choose another path, or remove that file",
        io::ErrorKind::InvalidInput => "the path of a socket has 107 bytes at most, on some systems 103",
        io::ErrorKind::NotFound => "the directory of the socket's file does not exist",
        _ => return Fault::io(doing, error),
    };
    Fault::io(doing, error).advise(advice)
}

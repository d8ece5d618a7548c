//! One non-blocking stream, TCP or Unix, that mio can poll. Used by the generator and by the relay.

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Type};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How many connections come from one address of this machine, and how many addresses there are.
const CONNECTIONS_PER_SOURCE: usize = 4000;
const SOURCES: usize = 200;
const EINPROGRESS: i32 = if cfg!(target_os = "linux") { 115 } else { 36 };

/// Where connections go: one address, so that all of them go to the same place.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Begins to connect; the socket is writable once that is done. `index` counts the connections to `place`.
    pub(crate) fn connect(place: &Place, index: usize) -> io::Result<Self> {
        match place {
            Place::Tcp(address) => match source(*address, index) {
                None => TcpStream::connect(*address).map(Self::Tcp),
                Some(source) => connect_from(source, *address).map(Self::Tcp),
            },
            Place::Unix(path) => UnixStream::connect(path).map(Self::Unix),
        }
    }

    /// Whether the connection stands; an error where it never will.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        let Self::Tcp(stream) = self else { return Ok(true) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => stream.set_nodelay(true).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&*stream).read(buffer),
            Self::Unix(stream) => (&*stream).read(buffer),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&*stream).write(bytes),
            Self::Unix(stream) => (&*stream).write(bytes),
        }
    }

    /// Makes the end of this socket a reset, as of a client that vanishes; nothing lingers in TIME_WAIT.
    pub(crate) fn end_abruptly(&self) {
        if let Self::Tcp(stream) = self {
            // Where the system refuses, the end is an orderly one.
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// From where connection number `index` comes, where the system should not choose.
///
/// Looking for a free port of one address takes ever longer when thousands are in use; this machine has other addresses.
fn source(to: SocketAddr, index: usize) -> Option<SocketAddr> {
    let host = (index / CONNECTIONS_PER_SOURCE) % SOURCES;
    let is_loopback = to.ip() == Ipv4Addr::LOCALHOST;
    let last = u8::try_from(host + 1).ok().filter(|last| is_loopback && *last > 1)?;
    Some((Ipv4Addr::new(127, 0, 0, last), 0).into())
}

fn connect_from(source: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket =
        socket2::Socket::new(Domain::IPV4, Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&source.into())?;
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(EINPROGRESS) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

impl Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, interests),
            Self::Unix(stream) => stream.register(registry, token, interests),
        }
    }
    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interests),
            Self::Unix(stream) => stream.reregister(registry, token, interests),
        }
    }
    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(registry),
            Self::Unix(stream) => stream.deregister(registry),
        }
    }
}

/// What a read or a write came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// None now.
    NotNow,
    /// No more, ever.
    Ended(String),
}

/// A system call, repeated where a signal interrupted it; the other side's end is an end.
pub(crate) fn moved(mut call: impl FnMut() -> io::Result<usize>) -> Moved {
    loop {
        return match call() {
            Ok(0) => Moved::Ended("the server closed it".to_owned()),
            Ok(n) => Moved::Bytes(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Moved::NotNow,
            Err(e) => Moved::Ended(e.to_string()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_connections_come_from_several_addresses() {
        let here: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let check = |index, expected: Option<&str>| {
            assert_eq!(source(here, index), expected.map(|address| address.parse().unwrap()), "{index}");
        };
        check(CONNECTIONS_PER_SOURCE - 1, None);
        check(CONNECTIONS_PER_SOURCE, Some("127.0.0.2:0"));
        check(CONNECTIONS_PER_SOURCE * SOURCES - 1, Some("127.0.0.200:0"));
        check(CONNECTIONS_PER_SOURCE * SOURCES, None);
        let there: SocketAddr = "192.0.2.1:1".parse().unwrap();
        assert_eq!(source(there, CONNECTIONS_PER_SOURCE), None);
    }
}

//! The sockets of clients, whatever family they are of.

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

/// An accepted stream, non-blocking.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
    pub(crate) fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, parts) {
            (Self::Tcp(stream), [part]) => stream.write(part),
            (Self::Tcp(stream), parts) => stream.write_vectored(parts),
            (Self::Unix(stream), [part]) => stream.write(part),
            (Self::Unix(stream), parts) => stream.write_vectored(parts),
        }
    }
    /// The fault that the system has noted, if any.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        let noted = match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Unix(stream) => stream.take_error(),
        };
        noted.unwrap_or_else(Some)
    }
    /// Whether the system acknowledges at once, or waits for an answer to carry that.
    pub(crate) fn set_quick_ack(&self, quick: bool) {
        if let Self::Tcp(stream) = self {
            // It can only fail for a connection that is gone, which the next read finds out.
            let _ = martlet_net::set_quick_ack(stream, quick);
        }
    }
    /// Ends the direction towards the client.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, interest),
            Self::Unix(stream) => stream.register(registry, token, interest),
        }
    }
    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interest),
            Self::Unix(stream) => stream.reregister(registry, token, interest),
        }
    }
    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(registry),
            Self::Unix(stream) => stream.deregister(registry),
        }
    }
}

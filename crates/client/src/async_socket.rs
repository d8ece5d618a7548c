//! A stream in tokio's hands: readiness, and reads and writes that never wait. It knows no MQTT.

use martlet_net::Stream;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use tokio::io::{AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream};

#[derive(Debug)]
pub(crate) enum AsyncSocket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsyncSocket {
    pub(crate) fn new(stream: Stream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        match stream {
            Stream::Tcp(stream) => TcpStream::from_std(stream).map(Self::Tcp),
            Stream::Unix(stream) => UnixStream::from_std(stream).map(Self::Unix),
        }
    }
    /// Waits until one of these is possible.
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await.map(drop),
            Self::Unix(stream) => stream.ready(interest).await.map(drop),
        }
    }
    /// Reads what there is, or says `WouldBlock`.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer),
            Self::Unix(stream) => stream.try_read(buffer),
        }
    }
    /// Writes what fits, or says `WouldBlock`.
    pub(crate) fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(pieces),
            Self::Unix(stream) => stream.try_write_vectored(pieces),
        }
    }
    /// Nothing more will be written.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await,
            Self::Unix(stream) => poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await,
        }
    }
}

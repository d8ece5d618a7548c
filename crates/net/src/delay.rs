//! Delayed acknowledgements of TCP, and what a receiver does about them.
//!
//! Once a program has answered, its system expects it to do so again: it keeps the acknowledgement of what comes in, up to
//! 40 ms on Linux, for the next answer to carry. A sender that leaves Nagle's algorithm on keeps its next small segment
//! until that acknowledgement comes. Where there is no answer, both wait for each other.

use std::io;
use std::os::fd::AsFd;

/// Whether a TCP socket acknowledges at once what it has received and will receive, or waits for something to be written.
/// The next write makes it wait again. Systems without `TCP_QUICKACK` decide for themselves.
///
/// # Errors
/// Those of the system: it is not a TCP socket, for example.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn set_quick_ack(socket: &impl AsFd, quick: bool) -> io::Result<()> {
    socket2::SockRef::from(socket).set_tcp_quickack(quick)
}

/// Does nothing: this system has no `TCP_QUICKACK`.
///
/// # Errors
/// None.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn set_quick_ack(_: &impl AsFd, _: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn quick_acknowledgements_are_on_or_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        for quick in [false, true, false] {
            set_quick_ack(&server, quick).unwrap();
            assert_eq!(socket2::SockRef::from(&server).tcp_quickack().unwrap(), quick);
        }
    }
}

//! Delayed acknowledgements of TCP, and what a receiver does about them.
//!
//! Once a program has answered, its system expects it to do so again: it keeps the acknowledgement of what comes in, up to
//! 40 ms on Linux, for the next answer to carry. A sender that leaves Nagle's algorithm on keeps its next small segment
//! until that acknowledgement comes. Where there is no answer, both wait for each other.

use std::io;
use std::os::fd::AsFd;

/// Acknowledges at once what a TCP socket has received, and what it will receive until something is written to it again.
/// Systems without `TCP_QUICKACK` go on as they do.
///
/// # Errors
/// Those of the system: it is not a TCP socket, or not connected any more.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn acknowledge_received(socket: &impl AsFd) -> io::Result<()> {
    socket2::SockRef::from(socket).set_tcp_quickack(true)
}

/// Does nothing: this system has no `TCP_QUICKACK`.
///
/// # Errors
/// None.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn acknowledge_received(_: &impl AsFd) -> io::Result<()> {
    Ok(())
}

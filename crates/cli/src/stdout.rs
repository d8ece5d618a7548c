//! Writing to a stdout that may be a pipe whose reader has stopped: never a write that waits without an end.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};
use std::io;

/// What a pipe takes without waiting when it says that it can be written to (PIPE_BUF).
const PIECE: usize = 4096;

/// How long one look lasts before the caller is asked again.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Why not everything was written.
#[derive(Debug)]
pub(crate) enum Blocked {
    /// The caller did not want to wait any longer.
    GivenUp,
    Failed(io::Error),
}

/// Writes all of `bytes` to stdout. Where that is full, `gives_up` is asked several times a second.
pub(crate) fn write_stdout(mut bytes: &[u8], gives_up: impl Fn() -> bool) -> Result<(), Blocked> {
    let stdout = io::stdout();
    while !bytes.is_empty() {
        let mut watched = [PollFd::new(&stdout, PollFlags::OUT)];
        match poll(&mut watched, Some(&LOOK)) {
            Ok(0) | Err(Errno::INTR) if gives_up() => return Err(Blocked::GivenUp),
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(Blocked::Failed(error.into())),
        }
        match write(&stdout, &bytes[..bytes.len().min(PIECE)]) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(Blocked::Failed(error.into())),
        }
    }
    Ok(())
}

//! Where the messages of `martlet pub` come from.

use crate::args::PublishArgs;
use crate::exit::{Failure, Status};
use martlet_client::Interrupter;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

/// No MQTT packet holds more.
const PAYLOAD_MAX: u64 = 268_435_455;

/// Lines that may wait to be published.
const LINES_AHEAD: usize = 256;

pub(crate) enum Source {
    /// One message.
    One(Option<Vec<u8>>),
    /// Each line of stdin, read by a thread of its own, so that the connection is served while stdin is silent.
    Lines(Receiver<io::Result<Vec<u8>>>),
}

/// What [`Source::poll`] found.
pub(crate) enum Polled {
    Payload(Vec<u8>),
    /// Nothing yet: the interrupter will be called.
    Nothing,
    End,
}

impl Source {
    /// The whole of what is one message; for lines, [`Self::lines`] comes later.
    pub(crate) fn one(args: &PublishArgs) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(message) = &args.message {
            return Ok(Some(message.clone().into_encoded_bytes()));
        }
        if let Some(path) = &args.file {
            let unreadable =
                |e| Failure::new(Status::Configuration, format!("cannot read {}: {e}", path.display()));
            return fs::read(path).map(Some).map_err(unreadable);
        }
        if args.stdin {
            let mut all = Vec::new();
            let read = io::stdin().lock().take(PAYLOAD_MAX + 1).read_to_end(&mut all);
            return read.map(|_| Some(all)).map_err(|e| stdin_failure(&e));
        }
        Ok(args.null.then(Vec::new))
    }

    /// Starts to read lines.
    pub(crate) fn lines(interrupter: Interrupter) -> Result<Self, Failure> {
        let (sender, receiver) = sync_channel(LINES_AHEAD);
        let read = move || {
            send_lines(BufReader::new(io::stdin()), &sender, &interrupter);
            drop(sender);
            interrupter.interrupt();
        };
        let started = thread::Builder::new().name("stdin".into()).spawn(read);
        started.map_err(|e| Failure::new(Status::Internal, format!("cannot start a thread: {e}")))?;
        Ok(Self::Lines(receiver))
    }

    /// Whether it is known that nothing more comes.
    pub(crate) fn is_at_end(&self) -> bool {
        matches!(self, Self::One(None))
    }

    pub(crate) fn poll(&mut self) -> Result<Polled, Failure> {
        match self {
            Self::One(payload) => Ok(payload.take().map_or(Polled::End, Polled::Payload)),
            Self::Lines(lines) => match lines.try_recv() {
                Ok(line) => line.map(Polled::Payload).map_err(|e| stdin_failure(&e)),
                Err(TryRecvError::Empty) => Ok(Polled::Nothing),
                Err(TryRecvError::Disconnected) => Ok(Polled::End),
            },
        }
    }
}

fn stdin_failure(error: &io::Error) -> Failure {
    Failure::new(Status::Configuration, format!("cannot read stdin: {error}"))
}

/// Sends each line without its end, until the input or the receiver is gone. The channel is bounded.
fn send_lines(mut input: impl BufRead, lines: &SyncSender<io::Result<Vec<u8>>>, interrupter: &Interrupter) {
    loop {
        let line = next_line(&mut input).transpose();
        let Some(line) = line else { return };
        let failed = line.is_err();
        if lines.send(line).is_err() || failed {
            return;
        }
        interrupter.interrupt();
    }
}

/// The next line without LF or CR LF; the last one may lack its end.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(PAYLOAD_MAX + 2).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if line.len() as u64 > PAYLOAD_MAX {
        return Err(io::Error::other("a line is longer than a message can be"));
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_ends_only() {
        let mut input = &b"a\n\r\nb \r\n\xff\r\r\nlast"[..];
        let lines = std::iter::from_fn(|| next_line(&mut input).unwrap());
        let expected: [&[u8]; 5] = [b"a", b"", b"b ", b"\xff\r", b"last"];
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }
}

//! The log of `serve`: lines go into a bounded queue, one thread writes them to standard error. Whoever logs never
//! waits for whoever reads; lines that find no room are dropped and counted, and the log says how many.

use crate::args::{LogFormat, LogLevel};
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of lines that wait at most. A line may take the queue this far once more, so that each fits.
const QUEUE_BYTES_MAX: usize = 1024 * 1024;
/// How long the last lines may take when the process ends.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// The queue between those who log and the thread that writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that found no room since the last that did.
    dropped: u64,
    /// The thread is writing what it took out.
    is_writing: bool,
    /// That thread: its one line in a round, which says how many were dropped, finds room.
    writer: Option<ThreadId>,
}

impl Log {
    /// Starts the thread, and sends all events and panics of this process to it.
    pub(crate) fn start(format: LogFormat, level: LogLevel) -> io::Result<Self> {
        let log = Log::default();
        let writes = log.clone();
        thread::Builder::new().name("log".into()).spawn(move || {
            writes.write_forever(io::stderr(), |dropped| {
                tracing::warn!(dropped, "log lines were dropped: standard error was not read fast enough");
            });
        })?;
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level_of(level))
            .log_internal_errors(false)
            .with_writer(log.clone());
        match format {
            LogFormat::Json => subscriber.json().init(),
            LogFormat::Auto => subscriber.with_target(false).with_ansi(has_colours()).init(),
            LogFormat::Human => subscriber.with_target(false).with_ansi(false).init(),
        }
        std::panic::set_hook(Box::new(|panic| {
            tracing::error!(
                place = panic.location().map(ToString::to_string),
                "panicked: {}",
                message_of(panic)
            );
        }));
        Ok(log)
    }

    /// Waits until everything is written, but not for long: nobody may be reading.
    pub(crate) fn flush(&self) {
        let end = Instant::now() + FLUSH_MAX;
        let mut state = self.lock();
        while state.is_writing || !state.lines.is_empty() {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return };
            let woken = self.0.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes to standard error what is no event, as all that is written: without waiting for its reader.
    pub(crate) fn say(&self, line: &str) {
        self.push(format!("martlet: {}\n", crate::harmless(line)).as_bytes());
    }

    /// Adds one line, or counts it.
    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.bytes >= QUEUE_BYTES_MAX && state.writer != Some(thread::current().id()) {
            state.dropped += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line.to_vec());
        drop(state);
        self.0.changed.notify_all();
    }

    /// `report` says how many lines found no room, by a line of its own.
    fn write_forever(&self, mut out: impl Write, report: impl Fn(u64)) {
        self.lock().writer = Some(thread::current().id());
        loop {
            let lines = self.take(&report);
            // Where nobody can read it, the broker goes on without a log.
            let _ = out.write_all(&lines);
            let mut state = self.lock();
            state.is_writing = false;
            drop(state);
            self.0.changed.notify_all();
        }
    }

    /// All that waits, once something does. What found no room behind it is reported by the next line.
    fn take(&self, report: impl Fn(u64)) -> Vec<u8> {
        let mut state = self.lock();
        while state.lines.is_empty() {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        state.bytes = 0;
        let lines = std::mem::take(&mut state.lines).into_iter().flatten().collect();
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        if dropped > 0 {
            report(dropped);
        }
        lines
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner) // numbers and whole lines are never half changed
    }
}

/// What one event writes.
#[derive(Debug)]
pub(crate) struct Line<'a>(&'a Log);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

fn level_of(level: LogLevel) -> Level {
    match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    }
}

/// Whether standard error is a terminal that shows colours and its user wants them.
fn has_colours() -> bool {
    let wants = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    wants && io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

fn message_of<'a>(panic: &'a std::panic::PanicHookInfo<'_>) -> &'a str {
    let text = panic.payload().downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.payload().downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// A writer that hands over what it is given, and waits until somebody takes it.
    struct Stalled(SyncSender<Vec<u8>>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stalled() -> (Log, Receiver<Vec<u8>>) {
        let (log, (sender, receiver)) = (Log::default(), sync_channel(0));
        let (writes, reports) = (log.clone(), log.clone());
        let report = move |dropped| reports.push(format!("dropped={dropped}\n").as_bytes());
        thread::spawn(move || writes.write_forever(Stalled(sender), report));
        (log, receiver)
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_and_no_time() {
        let (log, reader) = stalled();
        let line = [b'x'; 1000];
        log.push(&line);
        while !log.lock().is_writing {
            thread::yield_now(); // it takes this line, and no other while nobody reads
        }
        (0..3000).for_each(|_| log.push(&line));
        let state = log.lock();
        let kept = QUEUE_BYTES_MAX / line.len() + 1;
        assert_eq!((state.bytes, state.dropped as usize), (kept * line.len(), 3000 - kept));
        drop(state);
        let mut bytes = 0;
        while bytes < (1 + kept) * line.len() {
            bytes += reader.recv().unwrap().len();
        }
        assert_eq!(bytes, (1 + kept) * line.len(), "whole lines, each once");
    }

    /// Also where the queue is full again before the report of the last time is written.
    #[test]
    fn every_line_is_written_or_counted() {
        let (log, reader) = stalled();
        let (line, mut read) = ([&[b'x'; 999][..], b"\n"].concat(), Vec::new());
        for _ in 0..4 {
            (0..3000).for_each(|_| log.push(&line));
            read.extend(reader.recv().unwrap());
        }
        while let Ok(more) = reader.recv_timeout(Duration::from_millis(500)) {
            read.extend(more);
        }
        let text = String::from_utf8(read).unwrap();
        let written = text.lines().filter(|line| line.starts_with('x')).count();
        let counted = text.lines().filter_map(|line| line.split_once("dropped=")?.1.parse::<usize>().ok());
        assert_eq!(written + counted.sum::<usize>(), 4 * 3000);
    }

    #[test]
    fn flushing_waits_for_the_last_line_but_not_for_ever() {
        let (log, reader) = stalled();
        log.push(b"first");
        log.flush(); // nobody reads
        let reads = thread::spawn(move || reader.recv().unwrap());
        log.flush();
        assert_eq!(reads.join().unwrap(), b"first");
        assert!(log.lock().lines.is_empty());
    }
}

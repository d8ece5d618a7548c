//! SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once. Both are exit code 130.

use crate::exit::{Failure, Status};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Tells whether a signal came. All clones are one.
#[derive(Clone)]
pub(crate) struct StopSignals(Arc<Asked>);

#[derive(Default)]
struct Asked {
    came: AtomicBool,
    /// There is something to end in order.
    may_wait: AtomicBool,
    /// Wakes who has to know.
    wake: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl StopSignals {
    /// Watches for them from now on. Until [`Self::may_wait`], and when an orderly end takes longer than `limit`, the
    /// first ends at once, too: whoever has to know may be reading stdin, or waiting for a host that does not answer.
    pub(crate) fn watch(limit: Duration) -> Result<Self, Failure> {
        let cannot = |e| Failure::new(Status::Internal, format!("cannot watch signals: {e}"));
        let asked = Arc::new(Asked::default());
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
        let told = Arc::clone(&asked);
        let watch = move || {
            for _ in signals.forever() {
                if told.came.swap(true, Ordering::AcqRel) || !told.may_wait.load(Ordering::Acquire) {
                    signal_hook::low_level::exit(Status::Interrupted as i32);
                }
                if let Some(wake) = &*told.wake.lock().unwrap_or_else(PoisonError::into_inner) {
                    wake();
                }
                let late = move || {
                    thread::sleep(limit);
                    signal_hook::low_level::exit(Status::Interrupted as i32);
                };
                // Without this thread a second signal still ends everything.
                let _ = thread::Builder::new().name("late".into()).spawn(late);
            }
        };
        thread::Builder::new().name("signals".into()).spawn(watch).map_err(cannot)?;
        Ok(StopSignals(asked))
    }

    /// What wakes who has to know.
    pub(crate) fn on_signal(&self, wake: impl Fn() + Send + 'static) {
        *self.0.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }

    /// Whether there is something to end in order.
    pub(crate) fn may_wait(&self, may_wait: bool) {
        self.0.may_wait.store(may_wait, Ordering::Release);
    }

    /// Whether one came.
    pub(crate) fn came(&self) -> bool {
        self.0.came.load(Ordering::Acquire)
    }
}

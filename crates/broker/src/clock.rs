//! The one clock of a broker: milliseconds since it was made, the same for all its shards.

use martlet_protocol::Time;
use std::time::Instant;

/// Copied to every thread; all copies agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Clock { origin: Instant::now() }
    }
    pub(crate) fn now(self) -> Time {
        Time::from_millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

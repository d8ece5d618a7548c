//! Wakes a worker's poll at a moment, to the microsecond: a poll's own timeout knows only milliseconds.
//!
//! Linux has timers that are files. Elsewhere the poll's timeout has to do, and the generator is as late as it says.

use mio::{Registry, Token};
use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
pub(super) struct Alarm {
    timer: std::os::fd::OwnedFd,
    /// When it rings, on the run's clock.
    set_to_ns: Option<u64>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use mio::event::Source;
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        mio::unix::SourceFd(&timer.as_raw_fd()).register(registry, token, mio::Interest::READABLE)?;
        Ok(Alarm { timer, set_to_ns: None })
    }

    /// How long the poll may sleep besides; it is woken at `at_ns`.
    pub(super) fn set(&mut self, at_ns: u64, now_ns: u64, longest: Duration) -> io::Result<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        if at_ns <= now_ns {
            return Ok(Duration::ZERO);
        }
        if self.set_to_ns != Some(at_ns) {
            let wait = Duration::from_nanos(at_ns - now_ns);
            let wait = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: wait };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            self.set_to_ns = Some(at_ns);
        }
        Ok(longest)
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) struct Alarm;

#[cfg(not(target_os = "linux"))]
impl Alarm {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Alarm)
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn set(&mut self, at_ns: u64, now_ns: u64, longest: Duration) -> io::Result<Duration> {
        Ok(longest.min(Duration::from_nanos(at_ns.saturating_sub(now_ns))))
    }
}

//! What a process has used: processor time in nanoseconds from the scheduler, and resident memory.
//!
//! Linux only: elsewhere there is no `/proc`, and the error says so.

use crate::BenchFault;
use std::fs;
use std::io;
use std::time::Duration;

/// The processor time of a process up to a moment, thread by thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    threads: Vec<Thread>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    id: u32,
    ran_ns: u64,
    waited_ns: u64,
}

/// The difference of two usages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Processor time of all threads, user and system.
    pub ran: Duration,
    /// Processor time of the thread that used most.
    pub busiest: Duration,
    /// How long threads were ready to run, and others had the cores.
    pub waited: Duration,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Result<Self, BenchFault> {
        let fault = |error: &io::Error| unreadable(process, error);
        let tasks = fs::read_dir(format!("/proc/{process}/task")).map_err(|e| fault(&e))?;
        let mut threads = Vec::new();
        for task in tasks {
            let name = task.map_err(|e| fault(&e))?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // A thread may end while we look.
            let Ok(text) = fs::read_to_string(format!("/proc/{process}/task/{id}/schedstat")) else {
                continue;
            };
            let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap_or(0));
            let [ran_ns, waited_ns] = [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)];
            threads.push(Thread { id, ran_ns, waited_ns });
        }
        Ok(Usage { threads })
    }

    pub(crate) fn since(&self, earlier: &Usage) -> Spent {
        let mut spent = Spent::default();
        for thread in &self.threads {
            let before = earlier.threads.iter().find(|before| before.id == thread.id);
            let before = before.copied().unwrap_or_default();
            let ran = Duration::from_nanos(thread.ran_ns.saturating_sub(before.ran_ns));
            spent.ran += ran;
            spent.busiest = spent.busiest.max(ran);
            spent.waited += Duration::from_nanos(thread.waited_ns.saturating_sub(before.waited_ns));
        }
        spent
    }
}

/// Resident memory in bytes: exact where the system tells it, else as its counters have it.
pub(crate) fn resident_bytes(process: u32) -> Result<u64, BenchFault> {
    if let Ok(rollup) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) {
        let rss = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
        if let Some(kib) = rss.and_then(|rss| rss.trim().trim_end_matches(" kB").parse::<u64>().ok()) {
            return Ok(kib * 1024);
        }
    }
    let status = fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.map_err(|error| unreadable(process, &error))?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = rss.and_then(|rss| rss.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| BenchFault::Process(format!("cannot read the memory of process {process}")))
}

fn unreadable(process: u32, error: &io::Error) -> BenchFault {
    BenchFault::Process(format!(
        "cannot observe process {process}: {error}; --pid is for a server on this machine that you may look at"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    #[test]
    fn this_process_has_used_something() {
        let before = Usage::of(process::id()).unwrap();
        // The scheduler accounts for a running thread at its next tick.
        let spent = loop {
            let spent = Usage::of(process::id()).unwrap().since(&before);
            if spent.busiest > Duration::ZERO {
                break spent;
            }
        };
        assert!(spent.ran >= spent.busiest, "{spent:?}");
        assert!(resident_bytes(process::id()).unwrap() > 100_000);
    }

    #[test]
    fn a_process_that_is_not_there_is_said() {
        let fault = Usage::of(u32::MAX).unwrap_err().to_string();
        assert!(fault.contains("cannot observe process 4294967295"), "{fault}");
        assert!(resident_bytes(u32::MAX).is_err());
    }
}

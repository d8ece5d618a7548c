//! SIGINT and SIGTERM: the first stops the broker in order, the second at once.

use crate::Handle;
use martlet_net::Fault;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::thread;

/// Stops the broker of `handle` on SIGINT or SIGTERM, from a thread that lives as long as the process.
///
/// # Errors
/// The handlers cannot be installed.
pub fn stop_on_signals(handle: Handle) -> Result<(), Fault> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|e| Fault::io("handle signals", e))?;
    let body = move || {
        for (count, signal) in signals.forever().enumerate() {
            let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
            if count == 0 {
                tracing::info!(signal = name, "stopping; once more ends at once");
                handle.stop();
            } else {
                tracing::warn!(signal = name, "ending at once");
                handle.abort();
            }
        }
    };
    let spawned = thread::Builder::new().name("signals".into()).spawn(body);
    spawned.map(drop).map_err(|e| Fault::io("start the thread for signals", e))
}

//! Signals: the first SIGINT, SIGTERM or SIGQUIT stops the broker in order, the second at once. SIGHUP, SIGUSR1 and
//! SIGUSR2, which other brokers act on, end nothing.

use crate::Handle;
use martlet_net::Fault;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use std::thread;

/// What is caught, by name, and whether it stops the broker.
const CAUGHT: [(i32, &str, bool); 6] = [
    (SIGINT, "SIGINT", true),
    (SIGTERM, "SIGTERM", true),
    (SIGQUIT, "SIGQUIT", true),
    (SIGHUP, "SIGHUP", false),
    (SIGUSR1, "SIGUSR1", false),
    (SIGUSR2, "SIGUSR2", false),
];

/// The signals of this process, caught from the moment that this exists.
#[derive(Debug)]
pub struct Signals(signal_hook::iterator::Signals);

impl Signals {
    /// Catches them; until [`Self::control`] they wait.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn catch() -> Result<Self, Fault> {
        let signals = signal_hook::iterator::Signals::new(CAUGHT.map(|(number, ..)| number));
        signals.map(Signals).map_err(|e| Fault::io("handle signals", e))
    }

    /// Lets them control the broker of `handle`, from a thread that lives as long as the process.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn control(self, handle: Handle) -> Result<(), Fault> {
        let mut signals = self.0;
        let body = move || {
            let mut is_stopping = false;
            for signal in signals.forever() {
                let Some((_, name, stops)) = CAUGHT.iter().find(|(number, ..)| *number == signal) else {
                    continue;
                };
                match (stops, is_stopping) {
                    (false, _) if signal == SIGHUP => {
                        tracing::info!(
                            signal = name,
                            "nothing to reload: the configuration is read at start-up only"
                        );
                    }
                    (false, _) => tracing::info!(signal = name, "ignored"),
                    (true, false) => {
                        tracing::info!(signal = name, "stopping; a second signal ends the broker at once");
                        is_stopping = true;
                        handle.stop();
                    }
                    (true, true) => {
                        tracing::warn!(signal = name, "ending at once");
                        handle.abort();
                    }
                }
            }
        };
        let spawned = thread::Builder::new().name("signals".into()).spawn(body);
        spawned.map(drop).map_err(|e| Fault::io("start the thread for signals", e))
    }
}

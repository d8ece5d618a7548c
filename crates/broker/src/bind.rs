//! Listeners for every shard, from the configuration: all bound before any thread starts.

use crate::config::ListenerConfig;
use crate::reactor::Acceptor;
use martlet_net::{Endpoint, Fault, Listener};
use martlet_shard::{Admission, ControlCharacters};
use std::io::ErrorKind;
use std::sync::Arc;

/// Who accepts what.
pub(crate) struct Bound {
    /// By shard.
    pub(crate) acceptors: Vec<Vec<Acceptor>>,
    /// Where the broker listens, with the ports that it got.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// Binds all listeners for `shards` shards.
///
/// # Errors
/// The first that cannot be bound, unless it is optional and this machine has no such address.
pub(crate) fn all(configs: &[ListenerConfig], shards: usize) -> Result<Bound, Fault> {
    let mut bound = Bound { acceptors: (0..shards).map(|_| Vec::new()).collect(), endpoints: Vec::new() };
    for config in configs {
        match Listener::bind_with_mode(&config.endpoint, shards > 1, config.mode) {
            Ok(listeners) => {
                for listener in listeners {
                    bound.add(listener, config)?;
                }
            }
            Err(fault) if config.optional && fault.is_missing_address() => {
                tracing::warn!(endpoint = %config.endpoint, "not listening there: this machine has no such address");
            }
            Err(fault) => return Err(fault),
        }
    }
    if bound.endpoints.is_empty() {
        let nothing = std::io::Error::new(ErrorKind::AddrNotAvailable, "there is no listener");
        return Err(Fault::io("start", nothing).advise("name one: --listen mqtt://127.0.0.1:1883"));
    }
    Ok(bound)
}

impl Bound {
    /// One listener per shard where the address can be shared; else the first shard accepts for all.
    fn add(&mut self, first: Listener, config: &ListenerConfig) -> Result<(), Fault> {
        let admission = admission(&first, config.allow_anonymous);
        if admission == Admission::Ask {
            tracing::warn!(
                "nobody can connect to {}: there are no accounts yet, and anonymous clients are accepted on \
                 loopback and Unix socket listeners only; --allow-anonymous lets them in",
                first.endpoint
            );
        }
        let control_characters = match config.allow_control_characters {
            true => ControlCharacters::Accept,
            false => ControlCharacters::Refuse,
        };
        let number = u16::try_from(self.endpoints.len()).expect("so many sockets are never open");
        let name = first.endpoint.to_string().into();
        let listener = Arc::new(martlet_shard::Listener { number, name, admission, control_characters });
        let shared = Listener::CAN_SHARE_PORT && first.tcp_address().is_some();
        let others = if shared { self.acceptors.len() - 1 } else { 0 };
        for index in 1..=others {
            self.acceptors[index].push(Acceptor::new(first.share()?, Arc::clone(&listener), false));
        }
        self.endpoints.push(first.endpoint.clone());
        let deals = !shared && self.acceptors.len() > 1;
        self.acceptors[0].push(Acceptor::new(first, listener, deals));
        Ok(())
    }
}

/// Listeners on loopback addresses and Unix sockets accept anonymous clients; others only if the configuration
/// says so.
fn admission(listener: &Listener, allow_anonymous: Option<bool>) -> Admission {
    let is_local = listener.tcp_address().is_none_or(|address| address.ip().is_loopback());
    if allow_anonymous.unwrap_or(is_local) { Admission::Anyone } else { Admission::Ask }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn admitted_at(host: &str, allow_anonymous: Option<bool>) -> Admission {
        let listeners = Listener::bind(&Endpoint::tcp(host, 0), false).unwrap();
        admission(&listeners[0], allow_anonymous)
    }

    #[test]
    fn strangers_come_in_over_loopback_only() {
        assert_eq!(admitted_at("127.0.0.1", None), Admission::Anyone);
        assert_eq!(admitted_at("127.0.0.1", Some(false)), Admission::Ask);
        assert_eq!(admitted_at("0.0.0.0", None), Admission::Ask);
        assert_eq!(admitted_at("0.0.0.0", Some(true)), Admission::Anyone);
    }

    #[test]
    fn a_missing_address_stops_only_what_is_not_optional() {
        let mut missing = ListenerConfig::new(Endpoint::tcp("192.0.2.1", 0)); // reserved for documentation
        let present = ListenerConfig::new(Endpoint::tcp("127.0.0.1", 0));
        assert!(all(&[missing.clone(), present.clone()], 2).is_err());
        missing.optional = true;
        let bound = all(&[missing.clone(), present], 2).unwrap();
        assert_eq!(bound.endpoints.len(), 1);
        assert!(all(&[missing], 2).is_err(), "nobody could come");
    }
}

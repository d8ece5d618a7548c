//! Where a connection comes from: one value that travels with it from shard to shard, and that rules and logs read.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use martlet_protocol::Time;

/// Who may come in where a connection was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Everybody, with or without a user name.
    Anyone,
    /// Nobody, before an answer to [`Effect::Authenticate`](crate::Effect::Authenticate).
    Ask,
}

/// What becomes of control characters, U+0001 to U+001F and U+007F to U+009F, in topic names, topic filters, client ids
/// and user names. (1.5.4)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlCharacters {
    /// They are characters as any other.
    Accept,
    /// What has one is refused.
    Refuse,
}

/// A listener as its connections know it, on whatever shard they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its number among the listeners of the broker.
    pub number: u16,
    /// Its URL, for people.
    pub name: Box<str>,
    /// Who may come in.
    pub admission: Admission,
    /// What text may a client choose.
    pub control_characters: ControlCharacters,
}

/// Who is at the other end. Smaller than a `SocketAddr`: there may be millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address and a port.
    V4(Ipv4Addr, u16),
    /// An address, a port, and the link that the address is of, if it is not valid everywhere.
    V6(Ipv6Addr, u16, u32),
    /// Clients of a Unix socket have no address.
    Unix,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::V4(*address.ip(), address.port()),
            SocketAddr::V6(address) => Self::V6(*address.ip(), address.port(), address.scope_id()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4(ip, port) => SocketAddrV4::new(ip, port).fmt(f),
            Self::V6(ip, port, scope) => SocketAddrV6::new(ip, port, 0, scope).fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where it was accepted.
    pub listener: Arc<Listener>,
    /// Who opened it.
    pub peer: Peer,
    /// When its socket was accepted; the time limit for CONNECT counts from here.
    pub opened_at: Time,
}

impl Listener {
    /// One at which everybody is let in, whatever text they choose.
    pub fn open(name: &str) -> Self {
        let (admission, control_characters) = (Admission::Anyone, ControlCharacters::Accept);
        Listener { number: 0, name: name.into(), admission, control_characters }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_peer_is_shown_as_its_address() {
        for text in ["127.0.0.1:1883", "[::1]:65535", "[fe80::1%3]:1"] {
            let address: SocketAddr = text.parse().expect("an address");
            assert_eq!(Peer::from(address).to_string(), text);
        }
        assert_eq!(Peer::Unix.to_string(), "unix");
        assert!(size_of::<Peer>() <= 24);
    }
}

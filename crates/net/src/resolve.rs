//! Host names to socket addresses, and the schemes that this build can open.

use crate::{Endpoint, Fault};
use std::net::{SocketAddr, ToSocketAddrs};

/// Refuses the schemes that need more than plain bytes.
pub(crate) fn check_supported(doing: &str, endpoint: &Endpoint) -> Result<(), Fault> {
    let missing = match endpoint.scheme {
        scheme if scheme.is_tls() => "TLS",
        scheme if scheme.is_websocket() => "WebSocket",
        _ => return Ok(()),
    };
    Err(Fault::unsupported(doing.to_owned(), missing).advise("use mqtt:// or unix://"))
}

/// All addresses of a host, in the resolver's order, each once; never empty.
pub(crate) fn addresses(doing: &str, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let unknown = |error| Fault::name_lookup(doing.to_owned(), host, &error);
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in (host, port).to_socket_addrs().map_err(unknown)? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(unknown(std::io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}

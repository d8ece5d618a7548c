//! Host names to socket addresses, and the schemes that this build can open.

use crate::{Endpoint, Fault};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

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

/// The loopback addresses that `localhost` stands for and a resolver left out (RFC 6761, 6.3).
pub(crate) fn other_loopback<'a>(
    host: &str,
    port: u16,
    known: &'a [SocketAddr],
) -> impl Iterator<Item = SocketAddr> + use<'a> {
    let is_localhost = host.eq_ignore_ascii_case("localhost");
    let all = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let addresses = all.into_iter().map(move |ip| SocketAddr::new(ip, port));
    addresses.filter(move |address| is_localhost && !known.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_both_loopback_addresses() {
        let v4: SocketAddr = "127.0.0.1:7".parse().unwrap();
        let v6: SocketAddr = "[::1]:7".parse().unwrap();
        let others = |host, known: &[SocketAddr]| other_loopback(host, 7, known).collect::<Vec<_>>();
        assert_eq!(others("localhost", &[v4]), [v6]);
        assert_eq!(others("LocalHost", &[v6]), [v4]);
        assert_eq!(others("localhost", &[v6, v4]), []);
        assert_eq!(others("127.0.0.1", &[v4]), []);
    }
}

//! The server under load: the one address that connections go to.

use crate::BenchFault;
use crate::socket::Place;
use martlet_codec::Version;
use martlet_net::{Address, Stream, Url};
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) place: Place,
    pub(crate) version: Version,
}

impl Target {
    /// Connects once, so that a server that is not there is found out first, and all go to the address that answered.
    pub(crate) fn find(url: &Url, version: Version, patience: Duration) -> Result<Self, BenchFault> {
        let stream = Stream::connect(&url.endpoint, patience)?;
        let place = match (&stream, &url.endpoint.address) {
            (Stream::Tcp(stream), _) => {
                let doing = format!("connect to {url}");
                Place::Tcp(stream.peer_addr().map_err(|error| martlet_net::Fault::io(doing, error))?)
            }
            (Stream::Unix(_), Address::Unix(path)) => Place::Unix(path.clone()),
            (Stream::Unix(_), Address::Tcp { .. }) => unreachable!("a TCP address gives a TCP stream"),
        };
        Ok(Target { url: url.clone(), place, version })
    }

    /// The address, where it is another machine's.
    pub(crate) fn elsewhere(&self) -> Option<SocketAddr> {
        match &self.place {
            Place::Tcp(address) if !address.ip().is_loopback() => Some(*address),
            _ => None,
        }
    }
}

//! The URLs that people write: `mqtt://user:password@host:port`, `unix:///path`, a bare `host`.
//!
//! [`Endpoint`] is where to listen or connect; [`Url`] is an endpoint with a user name and a password.
//! Both parse by `FromStr`. A password never appears in `Display`, `Debug` or an error.

mod bad;
mod parse;
#[cfg(test)]
mod tests;

pub use bad::BadUrl;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// How bytes travel: the scheme of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `mqtt://`: plain TCP, port 1883.
    Mqtt,
    /// `mqtts://`: TLS over TCP, port 8883.
    Mqtts,
    /// `ws://`: WebSocket over TCP, port 80.
    Ws,
    /// `wss://`: WebSocket over TLS, port 443.
    Wss,
    /// `unix://`: a Unix domain socket, no port.
    Unix,
}

impl Scheme {
    const ALL: [Self; 5] = [Self::Mqtt, Self::Mqtts, Self::Ws, Self::Wss, Self::Unix];

    /// The scheme as it stands in a URL, without `://`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Mqtts => "mqtts",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Unix => "unix",
        }
    }
    /// The scheme that other programs call by this name.
    fn meant_by(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "tcp" | "http" => Some(Self::Mqtt),
            "ssl" | "tls" | "mqtt+ssl" | "mqtt+tls" | "https" => Some(Self::Mqtts),
            "mqtt+ws" | "http+ws" => Some(Self::Ws),
            "mqtt+wss" | "https+ws" => Some(Self::Wss),
            _ => None,
        }
    }
    /// The port where a URL names none; 0 for a Unix socket.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Mqtt => 1883,
            Self::Mqtts => 8883,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Unix => 0,
        }
    }
    /// Whether TLS protects the bytes.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Mqtts | Self::Wss)
    }
    /// Whether the bytes travel in WebSocket frames.
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

/// What a socket is bound or connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A host name or an IP address (IPv6 without brackets), and a port; port 0 asks the system for a free one.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// The absolute path of a Unix domain socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Where to listen or connect, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// How bytes travel.
    pub scheme: Scheme,
    /// Where to.
    pub address: Address,
    /// The path of a WebSocket's request, `/` where none was written; empty for other schemes.
    pub path: String,
}

impl Endpoint {
    /// Plain TCP, as `mqtt://host:port`.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        let address = Address::Tcp { host: host.into(), port };
        Endpoint { scheme: Scheme::Mqtt, address, path: String::new() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.name(), self.address, self.path)
    }
}

impl FromStr for Endpoint {
    type Err = BadUrl;

    /// As [`Url`], but a user name or a password is refused.
    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let url: Url = text.parse()?;
        if url.user_name.is_some() { Err(BadUrl::CredentialsNotAllowed) } else { Ok(url.endpoint) }
    }
}

/// An endpoint, and who one is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Where to connect.
    pub endpoint: Endpoint,
    /// The user name, percent-decoded.
    pub user_name: Option<String>,
    /// The password, percent-decoded; any bytes. Only with a user name, which may be empty.
    pub password: Option<Box<[u8]>>,
}

impl fmt::Display for Url {
    /// The endpoint alone: this goes into logs and messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Url");
        debug.field("endpoint", &self.endpoint).field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

impl FromStr for Url {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        parse::url(text)
    }
}

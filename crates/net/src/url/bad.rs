//! Why a text is no URL: each refusal says what is wrong and what would be right.

use super::Scheme;
use std::fmt;

/// What is wrong with a URL. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadUrl {
    /// Nothing at all.
    Empty,
    /// A scheme that we do not have.
    UnknownScheme(String),
    /// A scheme that is followed by something else than `://`.
    SchemeUnseparated {
        /// The scheme.
        scheme: Scheme,
        /// What follows.
        rest: String,
    },
    /// No host before the port or the end.
    HostMissing,
    /// A character that no host name or address has.
    HostInvalid(String),
    /// `[` without `]`, or something else than a port behind `]`.
    BracketUnclosed,
    /// Colons without brackets.
    BracketsMissing(String),
    /// `[...]` round something that is no IPv6 address.
    NotIpv6(String),
    /// The port is no number from 0 to 65535.
    PortInvalid(String),
    /// A path, query or fragment where the scheme has none.
    PathNotAllowed {
        /// The scheme.
        scheme: Scheme,
        /// What stands behind the port.
        path: String,
    },
    /// `%` without two hexadecimal digits.
    PercentInvalid,
    /// A user name that is no UTF-8 after percent-decoding.
    UserNameNotUtf8,
    /// `@` behind the first `/`: a reserved character in the user name or the password.
    CredentialsUnescaped,
    /// A user name or a password where only a place is asked for.
    CredentialsNotAllowed,
    /// `unix://` without an absolute path.
    UnixPathNotAbsolute,
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the URL is empty; write mqtt://host:port, or only a host"),
            Self::UnknownScheme(found) => unknown_scheme(f, found),
            Self::SchemeUnseparated { scheme, rest } => {
                write!(f, "a scheme ends with `://`: write {}://{rest}", scheme.name())
            }
            Self::HostMissing => f.write_str(
                "the URL names no host; write mqtt://host:port (0.0.0.0 or [::] for all addresses)",
            ),
            Self::HostInvalid(host) => {
                write!(f, "`{host}` is no host; write a name, an IPv4 address or [an IPv6 address]")
            }
            Self::BracketUnclosed => f.write_str("an IPv6 address ends with `]`, then `:port`: [::1]:1883"),
            Self::BracketsMissing(host) => {
                write!(f, "`{host}` has more than one colon; an IPv6 address stands in brackets: [::1]:1883")
            }
            Self::NotIpv6(host) => write!(f, "`[{host}]` is no IPv6 address; brackets are for those alone"),
            Self::PortInvalid(port) => write!(f, "`{port}` is no port; write a number from 1 to 65535"),
            Self::PathNotAllowed { scheme, path } => {
                write!(f, "a {}:// URL ends with the port: leave out `{path}`", scheme.name())
            }
            Self::PercentInvalid => {
                f.write_str("`%` needs two hexadecimal digits behind it; `%` itself is %25")
            }
            Self::UserNameNotUtf8 => f.write_str("the user name is no UTF-8 after percent-decoding"),
            Self::CredentialsUnescaped => f.write_str(
                "the user name or the password holds `/`, `?` or `#`; write them as %2F, %3F and %23",
            ),
            Self::CredentialsNotAllowed => f.write_str("no user name or password belongs into this URL"),
            Self::UnixPathNotAbsolute => {
                f.write_str("a Unix socket needs an absolute path: unix:///run/martlet.sock (three slashes)")
            }
        }
    }
}

impl std::error::Error for BadUrl {}

/// Other programs' names for the same things.
fn unknown_scheme(f: &mut fmt::Formatter<'_>, found: &str) -> fmt::Result {
    match Scheme::meant_by(found) {
        Some(scheme) => write!(f, "`{found}://` is unknown; write {}://", scheme.name()),
        None => write!(f, "`{found}://` is unknown; write mqtt://, mqtts://, ws://, wss:// or unix://"),
    }
}

//! Text to [`Url`], by hand: the grammar is small, and each refusal deserves its own words.

use super::{Address, BadUrl, Endpoint, Scheme, Url};
use std::net::Ipv6Addr;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, BadUrl>;

pub(super) fn url(text: &str) -> Result<Url> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadUrl::Empty);
    }
    let (scheme, rest) = match text.split_once("://") {
        None if text.starts_with('/') || text.starts_with("unix:/") => {
            return Err(BadUrl::UnixPathNotAbsolute);
        }
        None => match unseparated(text) {
            Some(bad) => return Err(bad),
            None => (Scheme::Mqtt, text),
        },
        Some((name, rest)) => (scheme(name)?, rest),
    };
    if scheme == Scheme::Unix {
        return unix(rest);
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if path.contains('@') && !authority.contains('@') {
        return Err(BadUrl::CredentialsUnescaped);
    }
    let (credentials, place) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((credentials, place)) => (Some(credentials), place),
    };
    let (host, port) = host_and_port(place)?;
    let address = Address::Tcp { host, port: port.unwrap_or(scheme.default_port()) };
    let endpoint = Endpoint { scheme, address, path: path_of(scheme, path)? };
    let (user_name, password) = credentials.map_or(Ok((None, None)), user_name_and_password)?;
    Ok(Url { endpoint, user_name, password })
}

/// `mqtt//host`, `mqtt:/host`, `mqtt:host` and the like. `mqtt:1883` is a host and a port.
fn unseparated(text: &str) -> Option<BadUrl> {
    let (name, rest) = text.split_at(text.find([':', '/'])?);
    let ours = Scheme::ALL.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name));
    let scheme = ours.or_else(|| Scheme::meant_by(name))?;
    let place = rest.trim_start_matches([':', '/']);
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-'));
    let is_meant = rest.starts_with("//") || rest.strip_prefix(':').is_some_and(|rest| !is_port(rest));
    let place = without_password(place);
    let slash = if scheme == Scheme::Unix { "/" } else { "" }; // of the path
    let found = || BadUrl::SchemeUnseparated { scheme, rest: format!("{slash}{place}") };
    (is_meant && !place.is_empty()).then(found)
}

/// What follows a user name and a password: errors are printed.
fn without_password(place: &str) -> &str {
    place.rsplit_once('@').map_or(place, |(_, place)| place)
}

fn scheme(name: &str) -> Result<Scheme> {
    let mut all = Scheme::ALL.into_iter();
    all.find(|s| s.name().eq_ignore_ascii_case(name)).ok_or_else(|| BadUrl::UnknownScheme(name.into()))
}

fn unix(rest: &str) -> Result<Url> {
    let bytes = percent_decoded(rest)?;
    if bytes.first() != Some(&b'/') || bytes.contains(&0) {
        return Err(BadUrl::UnixPathNotAbsolute);
    }
    let path = PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes));
    let endpoint = Endpoint { scheme: Scheme::Unix, address: Address::Unix(path), path: String::new() };
    Ok(Url { endpoint, user_name: None, password: None })
}

fn path_of(scheme: Scheme, path: &str) -> Result<String> {
    match path {
        "" | "/" if !scheme.is_websocket() => Ok(String::new()),
        "" => Ok("/".into()),
        _ if scheme.is_websocket() && path.starts_with('/') && !path.contains('#') => Ok(path.into()),
        _ => Err(BadUrl::PathNotAllowed { scheme, path: path.into() }),
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = if let Some(inner) = place.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or(BadUrl::BracketUnclosed)?;
        // A zone (fe80::1%eth0) is for the system to resolve.
        let address = host.split_once('%').map_or(host, |(address, _zone)| address);
        address.parse::<Ipv6Addr>().map_err(|_| BadUrl::NotIpv6(host.into()))?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(BadUrl::BracketUnclosed),
        }
    } else {
        match place.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err(BadUrl::BracketsMissing(place.into())),
            Some((host, port)) => (checked_host(host)?, Some(port)),
            None => (checked_host(place)?, None),
        }
    };
    Ok((host.to_owned(), port.map(port_of).transpose()?))
}

fn checked_host(host: &str) -> Result<&str> {
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    match host {
        "" => Err(BadUrl::HostMissing),
        _ if host.bytes().all(|byte| byte.is_ascii_digit()) => Err(BadUrl::HostInvalid(host.into())), // a port?
        _ if host.chars().all(is_fine) => Ok(host),
        _ => Err(BadUrl::HostInvalid(host.into())),
    }
}

fn port_of(text: &str) -> Result<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| BadUrl::PortInvalid(text.into()))
}

#[expect(clippy::type_complexity, reason = "the two fields of Url, nowhere else")]
fn user_name_and_password(text: &str) -> Result<(Option<String>, Option<Box<[u8]>>)> {
    let (name, password) = match text.split_once(':') {
        Some((name, password)) => (name, Some(percent_decoded(password)?.into_boxed_slice())),
        None => (text, None),
    };
    let name = String::from_utf8(percent_decoded(name)?).map_err(|_| BadUrl::UserNameNotUtf8)?;
    Ok((Some(name), password))
}

fn percent_decoded(text: &str) -> Result<Vec<u8>> {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = bytes.next().and_then(hex).ok_or(BadUrl::PercentInvalid)?;
        let low = bytes.next().and_then(hex).ok_or(BadUrl::PercentInvalid)?;
        out.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are one byte"));
    }
    Ok(out)
}

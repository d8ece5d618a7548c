//! What the world refused, in one line: what was tried, what went wrong, what to do.

use std::borrow::Cow;
use std::fmt;
use std::io;

/// The kinds of fault that callers tell apart, by exit code for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No address is known for a host name.
    NameLookup,
    /// This build cannot do it.
    Unsupported,
    /// The system or the network said no.
    Io,
    /// A limit of this process is too low.
    Limit,
}

/// Something that the environment did not allow.
#[derive(Debug)]
pub struct Fault {
    /// What was tried: "listen on mqtt://127.0.0.1:1883".
    pub doing: Cow<'static, str>,
    /// What the system said.
    pub source: io::Error,
    /// What to do about it, if we know.
    pub advice: Option<Cow<'static, str>>,
    /// Which kind it is.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault of the system, with advice where the error's kind is enough to give some.
    pub fn io(doing: impl Into<Cow<'static, str>>, source: io::Error) -> Self {
        let advice = general_advice(&source).map(Cow::Borrowed);
        Fault { doing: doing.into(), source, advice, kind: FaultKind::Io }
    }
    /// Something that this build does not have.
    pub fn unsupported(doing: impl Into<Cow<'static, str>>, what: &str) -> Self {
        let source =
            io::Error::new(io::ErrorKind::Unsupported, format!("{what} is not supported by this build"));
        Fault { doing: doing.into(), source, advice: None, kind: FaultKind::Unsupported }
    }
    /// A limit of this process that is too low for what it is to do.
    pub fn limit(doing: impl Into<Cow<'static, str>>, what: String, advice: &'static str) -> Self {
        let (source, advice) = (io::Error::other(what), Some(advice.into()));
        Fault { doing: doing.into(), source, advice, kind: FaultKind::Limit }
    }
    /// No address for a name.
    pub(crate) fn name_lookup(doing: impl Into<Cow<'static, str>>, host: &str, source: &io::Error) -> Self {
        let source =
            io::Error::new(source.kind(), format!("no address for the host name `{host}` ({source})"));
        let advice = Some("check the spelling and the DNS settings".into());
        Fault { doing: doing.into(), source, advice, kind: FaultKind::NameLookup }
    }
    /// Whether this machine has no such address, or nothing of its family.
    pub fn is_missing_address(&self) -> bool {
        const EAFNOSUPPORT: [i32; 2] = [97, 47]; // Linux; the BSDs and macOS
        self.source.kind() == io::ErrorKind::AddrNotAvailable
            || self.source.raw_os_error().is_some_and(|code| EAFNOSUPPORT.contains(&code))
    }
    /// Whether a limit of this process or machine is the cause: open files, threads, memory.
    pub fn is_resource_limit(&self) -> bool {
        self.kind == FaultKind::Limit
            || is_out_of_descriptors(&self.source)
            || matches!(self.source.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
    }
    /// The same fault with other advice.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.doing, self.source)?;
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Whether no file descriptor is left, in this process (EMFILE) or on the machine (ENFILE).
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24)) // the same numbers on Linux, the BSDs and macOS
}

fn general_advice(error: &io::Error) -> Option<&'static str> {
    if is_out_of_descriptors(error) {
        return Some("raise the limit of open files (ulimit -n, LimitNOFILE= of systemd)");
    }
    Some(match error.kind() {
        io::ErrorKind::WouldBlock => "raise the limit of threads (ulimit -u, TasksMax= of systemd)",
        io::ErrorKind::ConnectionRefused => "nobody listens there: is the broker running, is the port right?",
        io::ErrorKind::TimedOut => "no answer: check the address, and firewalls between here and there",
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "check the network connection",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_with_advice() {
        let refused = Fault::io("connect to mqtt://h:1", io::ErrorKind::ConnectionRefused.into());
        assert_eq!(
            refused.to_string(),
            "cannot connect to mqtt://h:1: connection refused; nobody listens there: is the broker running, is the port right?"
        );
        let full = Fault::io("accept", io::Error::from_raw_os_error(24));
        assert!(full.to_string().contains("ulimit -n"), "{full}");
        let plain = Fault::unsupported("listen on wss://h:1/", "TLS");
        assert_eq!(plain.to_string(), "cannot listen on wss://h:1/: TLS is not supported by this build");
    }
}

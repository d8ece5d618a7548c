//! How the command ends: a number that scripts rely on, and one line for people.

use martlet_client::{ConnectFault, Fault, FaultKind};
use std::borrow::Cow;
use std::fmt;
use std::process::ExitCode;

/// The exit codes, which never change their meaning. `--help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    CheckFailed = 1,
    Usage = 2,
    Configuration = 3,
    NameLookup = 20,
    Network = 21,
    Tls = 22,
    ConnectRefused = 23,
    ConnectionLost = 24,
    SubscribeRefused = 25,
    PublishRefused = 26,
    TimedOut = 27,
    Internal = 70,
    /// As a shell has it for SIGINT: 128 + 2.
    Interrupted = 130,
}

/// Characters of a topic that an error shows.
const SHOWN_MAX: usize = 100;

/// The end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
   0  done                              23  the server refused CONNECT
   1  a check failed                    24  the connection was lost
   2  wrong usage                       25  the server refused a subscription
   3  a configuration or file is wrong  26  the server refused a message
  20  the host name has no address      27  timed out
  21  no TCP or Unix connection         70  a bug in martlet: please report it
  22  TLS                              130  interrupted by a signal; serve: 0";

/// An end with an error: nothing is printed where `text` is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(status: Status, text: impl Into<String>) -> Self {
        Failure { status, text: text.into() }
    }
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Status::Usage, text)
    }
    /// A signal, which needs no words: whoever sent it knows.
    pub(crate) fn interrupted() -> Self {
        Self::new(Status::Interrupted, "")
    }
    /// With words of a broker in the text, which stay within one line of ours.
    pub(crate) fn of_broker(status: Status, text: &str) -> Self {
        Self::new(status, crate::harmless(text))
    }
    /// An option that older versions cannot express.
    pub(crate) fn needs_v5(option: &str) -> Self {
        Self::usage(format!("{option} needs MQTT 5.0: leave --protocol out"))
    }
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.status as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ConnectFault> for Failure {
    fn from(fault: ConnectFault) -> Self {
        let status = match &fault {
            ConnectFault::Options(_) => Status::Usage,
            ConnectFault::Stream(fault) => return stream_failure(fault),
            ConnectFault::Refused { .. } | ConnectFault::Challenged => Status::ConnectRefused,
            ConnectFault::Ended(_) | ConnectFault::NotMqtt => Status::ConnectionLost,
            ConnectFault::Interrupted => return Self::interrupted(),
            ConnectFault::TimedOut => Status::TimedOut,
        };
        Self::of_broker(status, &fault.to_string())
    }
}

/// What somebody wrote, as an error shows it: a long text is cut.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

/// No connection, or no place to listen.
pub(crate) fn stream_failure(fault: &Fault) -> Failure {
    let status = match fault.kind {
        FaultKind::NameLookup => Status::NameLookup,
        FaultKind::Unsupported if fault.to_string().contains("TLS") => Status::Tls,
        FaultKind::Unsupported => Status::Usage,
        FaultKind::Io => Status::Network,
        FaultKind::Limit => Status::Configuration,
    };
    Failure::new(status, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code() {
        for code in [0, 1, 2, 3, 20, 21, 22, 23, 24, 25, 26, 27, 70, 130] {
            assert!(HELP.contains(&format!("{code:>2}  ")), "{code}");
        }
    }

    #[test]
    fn faults_have_their_codes() {
        let refused = Fault::io("connect", std::io::ErrorKind::ConnectionRefused.into());
        assert_eq!(Failure::from(ConnectFault::Stream(refused)).status, Status::Network);
        let tls = Fault::unsupported("connect to mqtts://h", "TLS");
        assert_eq!(Failure::from(ConnectFault::Stream(tls)).status, Status::Tls);
        assert_eq!(Failure::from(ConnectFault::TimedOut).status, Status::TimedOut);
    }
}

//! Why a run ended without figures. What the figures themselves show, a loss for one, is no fault: see `report`.

use std::fmt;
use std::time::Duration;

/// The end of a run that could not go on.
#[derive(Debug)]
pub enum BenchFault {
    /// Options that contradict each other or ask for the impossible.
    Usage(String),
    /// No connection, or no place to listen.
    Net(martlet_net::Fault),
    /// The server answered CONNECT with something else than success.
    ConnectRefused(String),
    /// The server refused a subscription.
    SubscribeRefused(String),
    /// The server refused messages that had to be there before anything could be measured.
    PublishRefused(String),
    /// A connection ended that should have stayed.
    ConnectionLost(String),
    /// Nothing happened any more.
    TimedOut {
        /// What was waited for.
        doing: String,
        /// For how long nothing happened.
        after: Duration,
    },
    /// The observer ended the run before anything was measured to the end.
    Interrupted,
    /// The process that `--pid` names cannot be observed.
    Process(String),
}

impl fmt::Display for BenchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Process(text) => f.write_str(text),
            Self::Net(fault) => fault.fmt(f),
            Self::ConnectRefused(reason) => write!(f, "the server refused CONNECT: {reason}"),
            Self::SubscribeRefused(reason) => write!(f, "the server refused a subscription: {reason}"),
            Self::PublishRefused(what) => write!(f, "the server refused {what}"),
            Self::ConnectionLost(why) => write!(f, "a connection was lost: {why}"),
            Self::Interrupted => f.write_str("interrupted before there were figures"),
            Self::TimedOut { doing, after } => {
                write!(f, "timed out: nothing happened for {} s while {doing}", after.as_secs_f64())
            }
        }
    }
}

impl std::error::Error for BenchFault {}

impl From<martlet_net::Fault> for BenchFault {
    fn from(fault: martlet_net::Fault) -> Self {
        Self::Net(fault)
    }
}

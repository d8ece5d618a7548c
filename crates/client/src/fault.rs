//! Why there is no connection: each cause apart, because callers answer each differently.

use martlet_codec::ReasonCode;
use martlet_net::Fault;
use martlet_protocol::Fatal;
use martlet_protocol::client::{End, Event, Welcome};
use std::fmt;

/// What to look at.
const NOT_MQTT: &str = "is that an MQTT port? It must be one without TLS";

/// Why connecting failed.
#[derive(Debug)]
pub enum ConnectFault {
    /// The options cannot be expressed as a CONNECT.
    Options(Fatal),
    /// There is no stream: name, network, or nobody listens.
    Stream(Fault),
    /// The server said no by CONNACK.
    Refused {
        /// Why.
        reason: ReasonCode,
        /// Its own words.
        text: Option<Box<str>>,
        /// Where else to go.
        server_reference: Option<Box<str>>,
    },
    /// The connection ended before CONNACK.
    Ended(End),
    /// The connection ended, or the time was up, with an answer that is not a packet.
    NotMqtt,
    /// No CONNACK in time.
    TimedOut,
    /// [`crate::Interrupter::interrupt`] was called.
    Interrupted,
    /// The server wants a challenge answered, and nobody here can.
    Challenged,
}

impl ConnectFault {
    /// What an event says about a connection that is being made: made, failed, or (the event back) nothing.
    pub(crate) fn outcome(event: Event) -> Result<Result<Box<Welcome>, Self>, Event> {
        Ok(match event {
            Event::Connected(welcome) => Ok(welcome),
            Event::Refused { reason, text, server_reference } => {
                Err(Self::Refused { reason, text, server_reference })
            }
            Event::Disconnected(end) => Err(Self::Ended(end)),
            Event::Challenge(_) => Err(Self::Challenged),
            other => return Err(other), // of a session that was lost
        })
    }

    /// Whether the stream is still there, to be given up.
    pub(crate) fn leaves_stream_open(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Challenged)
    }

    /// Says more of the cause: bytes that were `heard`, and no CONNACK among them, are not MQTT.
    pub(crate) fn explain(self, heard: bool) -> Self {
        match self {
            Self::TimedOut | Self::Ended(End::Stream | End::NoConnAck) if heard => Self::NotMqtt,
            fault => fault,
        }
    }
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options(fatal) => fatal.fmt(f),
            Self::Stream(fault) => fault.fmt(f),
            Self::Refused { reason, text, server_reference } => {
                write!(f, "the server refused the connection: {reason}")?;
                text.iter().try_for_each(|text| write!(f, " ({text})"))?;
                server_reference.iter().try_for_each(|name| write!(f, "; it says to use {name}"))
            }
            Self::Ended(End::Stream) => f.write_str(
                "the server closed the connection without an answer: is that an MQTT port, without TLS, and does it speak this protocol version?",
            ),
            Self::Ended(End::Fatal(Fatal::Malformed(malformed))) => {
                write!(f, "the answer to CONNECT is not MQTT ({malformed}): {NOT_MQTT}")
            }
            Self::Ended(end) => end.fmt(f),
            Self::NotMqtt => write!(f, "the answer to CONNECT is not MQTT: {NOT_MQTT}"),
            Self::TimedOut => f.write_str("the server did not answer CONNECT in time"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Challenged => {
                f.write_str("the server asks for an authentication that is not supported here")
            }
        }
    }
}

impl std::error::Error for ConnectFault {}

//! What well-formed packets may still do wrong: one variant per rule, which knows its reason code.

use core::fmt;
use martlet_codec::{Malformed, PacketType, ReasonCode};

/// What clients speak that were sent to the wrong port, recognized by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherProtocol {
    /// A TLS handshake.
    Tls,
    /// An HTTP request; WebSocket begins with one.
    Http,
    /// The header of a proxy, in version 1 or 2 of the PROXY protocol.
    Proxy,
}

impl OtherProtocol {
    /// How they begin.
    const BEGINNINGS: [(&'static [u8], OtherProtocol); 15] = [
        (b"\x16\x03", Self::Tls),
        (b"GET ", Self::Http),
        (b"HEAD ", Self::Http),
        (b"POST ", Self::Http),
        (b"PUT ", Self::Http),
        (b"PATCH ", Self::Http),
        (b"DELETE ", Self::Http),
        (b"OPTIONS ", Self::Http),
        (b"CONNECT ", Self::Http),
        (b"TRACE ", Self::Http),
        (b"PRI * HTTP/2", Self::Http),
        (b"HTTP/", Self::Http),
        (b"PROXY TCP", Self::Proxy),
        (b"PROXY UNKNOWN", Self::Proxy),
        (b"\r\n\r\n\0\r\nQUIT\n", Self::Proxy),
    ];
    /// Bytes that are enough to know one.
    const SHOWN_MIN: usize = 3;

    /// The protocol that these first bytes belong to; a few of them are enough.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let fits = |beginning: &[u8]| {
            let shown = bytes.len().min(beginning.len());
            shown >= Self::SHOWN_MIN.min(beginning.len()) && bytes[..shown] == beginning[..shown]
        };
        if let [0x80, _, 1, 0 | 3, ..] = bytes {
            return Some(Self::Tls); // a ClientHello as SSL 2 has it, which old clients send for later versions, too
        }
        Self::BEGINNINGS.iter().find(|(beginning, _)| fits(beginning)).map(|(_, protocol)| *protocol)
    }

    /// Whether these first bytes may be the beginning of one, and are too few to know.
    pub fn may_be(bytes: &[u8]) -> bool {
        let is_short = bytes.len() < Self::SHOWN_MIN;
        matches!(bytes, [0x80] | [0x80, _] | [0x80, _, 1])
            || is_short && Self::BEGINNINGS.iter().any(|(all, _)| all.starts_with(bytes))
    }
}

impl fmt::Display for OtherProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "a TLS handshake, and this listener has no TLS: use mqtt:// in the client",
            Self::Http => {
                "an HTTP request, and this listener has no WebSocket: is it a browser, a health check, or the wrong port?"
            }
            Self::Proxy => "a PROXY protocol header, which this listener does not read: turn it off in the load balancer",
        })
    }
}

/// Text that a client chose, where the server may take no control characters. (1.5.4)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientText {
    /// The client id.
    ClientId,
    /// The user name.
    UserName,
    /// A Topic Name: of a PUBLISH, of a will, or a Response Topic.
    Topic,
}

/// A breach of the protocol by the other side. The connection ends with [`Self::reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The first bytes of a client are those of another protocol.
    NotMqtt(OtherProtocol),
    /// The first packet of a client is not CONNECT.
    FirstPacketNotConnect(PacketType),
    /// A second CONNECT on one connection.
    SecondConnect,
    /// A packet that only the other role sends.
    WrongDirection(PacketType),
    /// A packet that must not come before the handshake is done.
    TooEarly(PacketType),
    /// An empty client id without clean session (3.x), or at all (3.1).
    EmptyClientId,
    /// More QoS 1 and 2 messages unacknowledged than our Receive Maximum.
    ReceiveMaximumExceeded,
    /// A Topic Alias above our Topic Alias Maximum.
    TopicAliasAboveMaximum,
    /// Topic Aliases for topics of more than 64 KiB together.
    TopicAliasBytes,
    /// A Topic Alias that was never set.
    TopicAliasUnknown,
    /// A Subscription Identifier in a client's PUBLISH.
    SubscriptionIdFromClient,
    /// PUBACK for a QoS 2 message, or the like.
    WrongAcknowledgement,
    /// A Session Expiry Interval at DISCONNECT after 0 at CONNECT.
    SessionExpiryRaised,
    /// A Session Expiry Interval in a server's DISCONNECT.
    SessionExpiryFromServer,
    /// AUTH without an Authentication Method in CONNECT.
    AuthWithoutMethod,
    /// AUTH with another method than CONNECT's.
    AuthMethodChanged,
    /// AUTH with a reason code that this side does not send.
    AuthReason,
    /// A second CONNACK on one connection.
    SecondConnAck,
    /// CONNACK says that a session is present where the client has none.
    SessionPresentUnexpected,
    /// SUBACK or UNSUBACK that does not fit its request.
    AcknowledgementMismatch,
    /// A control character, U+0001 to U+001F or U+007F to U+009F, where the server takes none.
    ControlCharacter(ClientText),
    /// A property or message that the server said it does not support.
    NotSupported,
}

impl Violation {
    /// The code for CONNACK or DISCONNECT.
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::EmptyClientId => ReasonCode::ClientIdentifierNotValid, // [3.1.1 MQTT-3.1.3-8]
            Self::ControlCharacter(ClientText::ClientId) => ReasonCode::ClientIdentifierNotValid,
            Self::ControlCharacter(ClientText::UserName) => ReasonCode::BadUserNameOrPassword,
            Self::ControlCharacter(ClientText::Topic) => ReasonCode::TopicNameInvalid,
            Self::ReceiveMaximumExceeded => ReasonCode::ReceiveMaximumExceeded,
            Self::TopicAliasBytes => ReasonCode::QuotaExceeded,
            Self::TopicAliasAboveMaximum | Self::TopicAliasUnknown => ReasonCode::TopicAliasInvalid,
            _ => ReasonCode::ProtocolError,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMqtt(protocol) => return protocol.fmt(f),
            Self::FirstPacketNotConnect(kind) => return write!(f, "the first packet is {kind}, not CONNECT"),
            Self::WrongDirection(kind) => {
                return write!(f, "{kind} came from the side that must not send it");
            }
            Self::TooEarly(kind) => return write!(f, "{kind} before the handshake was done"),
            Self::SecondConnect => "a second CONNECT on the same connection",
            Self::SecondConnAck => "a second CONNACK on the same connection",
            Self::EmptyClientId => "an empty client id needs a clean session",
            Self::ReceiveMaximumExceeded => "more messages unacknowledged than Receive Maximum allows",
            Self::TopicAliasAboveMaximum => "a Topic Alias above Topic Alias Maximum",
            Self::TopicAliasBytes => "Topic Aliases for topics of more than 64 KiB together",
            Self::TopicAliasUnknown => "a Topic Alias that was never set",
            Self::SubscriptionIdFromClient => "a Subscription Identifier in a PUBLISH from a client",
            Self::WrongAcknowledgement => "an acknowledgement that does not fit the QoS of its message",
            Self::SessionExpiryRaised => "a Session Expiry Interval at DISCONNECT although CONNECT had none",
            Self::SessionExpiryFromServer => "a Session Expiry Interval in DISCONNECT from the server",
            Self::AuthWithoutMethod => "AUTH although CONNECT had no Authentication Method",
            Self::AuthMethodChanged => "AUTH with another Authentication Method than CONNECT's",
            Self::AuthReason => "AUTH with a reason code that this side does not send",
            Self::SessionPresentUnexpected => {
                "CONNACK with Session Present for a session that does not exist"
            }
            Self::AcknowledgementMismatch => "SUBACK or UNSUBACK that does not fit its request",
            Self::ControlCharacter(ClientText::ClientId) => "a control character in the client id",
            Self::ControlCharacter(ClientText::UserName) => "a control character in the user name",
            Self::ControlCharacter(ClientText::Topic) => "a control character in a topic name",
            Self::NotSupported => "a feature that the server said it does not support",
        })
    }
}

/// Why a connection cannot go on: bytes that are no packet, or a packet against the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// The bytes are no packet.
    Malformed(Malformed),
    /// The packet is against the rules.
    Violation(Violation),
}

impl Fatal {
    /// The code for CONNACK or DISCONNECT.
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::Malformed(malformed) => malformed.reason(),
            Self::Violation(violation) => violation.reason(),
        }
    }
}

impl From<Malformed> for Fatal {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Violation> for Fatal {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Violation(violation) => violation.fmt(f),
        }
    }
}

impl core::error::Error for Fatal {}
impl core::error::Error for Violation {}

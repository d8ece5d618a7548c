//! What a client's connection tells its owner: owned values, in the order in which they happened.

use crate::limits::PeerLimits;
use crate::publication::Publication;
use crate::session::SubscriptionIds;
use crate::violation::Fatal;
use alloc::boxed::Box;
use core::fmt;
use core::num::NonZeroU32;
use martlet_codec::{Malformed, Properties, PropertiesBuf, Property, QoS, QoSLevel, ReasonCode};

/// Stands for a request until its answer comes. Numbers come again after 2^32 requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub(super) NonZeroU32);

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The server accepted the connection.
    Connected(Box<Welcome>),
    /// The server refused the connection by CONNACK; the stream is to be closed.
    Refused {
        /// Why; 3.x return codes in the terms of 5.0.
        reason: ReasonCode,
        /// Its own words. 5.0 only.
        text: Option<Box<str>>,
        /// Where else to go (0x9C, 0x9D). 5.0 only.
        server_reference: Option<Box<str>>,
    },
    /// A message came; it is acknowledged already.
    Message(Box<Received>),
    /// SUBACK: one reason code for each filter, in order. [MQTT-3.8.4-6]
    Subscribed(Token, Box<[ReasonCode]>),
    /// UNSUBACK: one reason code for each filter, in order; none in 3.x.
    Unsubscribed(Token, Box<[ReasonCode]>),
    /// The server has settled a QoS 1 or 2 message. A failure means that it did not take it.
    Published(Token, ReasonCode),
    /// A QoS 1 or 2 message will never be settled: it left the queue for this reason.
    Dropped(Token, Refused),
    /// The server wants another step of authentication: answer by `authenticate`. [MQTT-4.12.0-3]
    Challenge(Option<Box<[u8]>>),
    /// The server has accepted a re-authentication.
    Reauthenticated(Option<Box<[u8]>>),
    /// The connection is over. SUBSCRIBE and UNSUBSCRIBE without an answer are forgotten.
    Disconnected(End),
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// This side said DISCONNECT.
    Client,
    /// The server said DISCONNECT.
    Server {
        /// Why.
        reason: ReasonCode,
        /// Its own words.
        text: Option<Box<str>>,
        /// Where else to go (0x9C, 0x9D).
        server_reference: Option<Box<str>>,
    },
    /// The server sent what it must not send.
    Fatal(Fatal),
    /// No CONNACK in time.
    NoConnAck,
    /// The server was silent although it was asked for PINGRESP.
    NoPingResp,
    /// The stream ended without a word.
    Stream,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("the client disconnected"),
            Self::Server { reason, text: Some(text), .. } => {
                write!(f, "the server disconnected: {reason} ({text})")
            }
            Self::Server { reason, .. } => write!(f, "the server disconnected: {reason}"),
            Self::Fatal(fatal) => write!(f, "the server broke the protocol: {fatal}"),
            Self::NoConnAck => f.write_str("the server did not answer CONNECT in time"),
            Self::NoPingResp => f.write_str("the server did not answer PINGREQ in time"),
            Self::Stream => f.write_str("the stream ended without DISCONNECT"),
        }
    }
}

/// Why something cannot be sent. Nothing was written, and the connection stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no connection, and it cannot wait for one.
    NotConnected,
    /// The queue has reached its bound in bytes.
    QueueFull,
    /// As many SUBSCRIBE and UNSUBSCRIBE wait for an answer as there may be.
    TooManyRequests,
    /// The packet is larger than the server's Maximum Packet Size. [MQTT-3.2.2-15]
    TooLarge,
    /// A QoS above the server's Maximum QoS. [MQTT-3.2.2-11]
    QoSNotSupported,
    /// RETAIN where Retain Available is 0. [MQTT-3.2.2-14]
    RetainNotSupported,
    /// A wildcard where the server has no wildcard subscriptions (3.2.2.3.11).
    WildcardNotSupported,
    /// A Subscription Identifier where the server has none (3.2.2.3.12).
    SubscriptionIdNotSupported,
    /// A shared subscription where the server has none (3.2.2.3.13).
    SharedNotSupported,
    /// A feature of another version, or an Authentication Method that CONNECT did not name.
    NotInThisVersion,
    /// A Session Expiry Interval at DISCONNECT after 0 at CONNECT (3.14.2.2.2).
    SessionExpiryRaised,
    /// The Message Expiry Interval ended before the message could be sent.
    Expired,
    /// The session ended before the message was settled: whether the server has it is unknown.
    SessionLost,
    /// It is no packet.
    Malformed(Malformed),
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "there is no connection",
            Self::QueueFull => "the queue is full",
            Self::TooManyRequests => "too many requests wait for an answer",
            Self::TooLarge => "the packet is larger than the server accepts",
            Self::QoSNotSupported => "the QoS is above what the server supports",
            Self::RetainNotSupported => "the server does not support retained messages",
            Self::WildcardNotSupported => "the server does not support wildcard subscriptions",
            Self::SubscriptionIdNotSupported => "the server does not support subscription identifiers",
            Self::SharedNotSupported => "the server does not support shared subscriptions",
            Self::NotInThisVersion => "this connection's protocol version or CONNECT does not allow it",
            Self::SessionExpiryRaised => {
                "a session that CONNECT gave no expiry cannot be given one at the end"
            }
            Self::Expired => "the message expired before it could be sent",
            Self::SessionLost => "the session ended before the server acknowledged the message",
            Self::Malformed(malformed) => return malformed.fmt(f),
        })
    }
}

impl core::error::Error for Refused {}

/// A message from the server.
#[derive(Debug)]
pub struct Received {
    /// The message; its properties are those that travel unaltered.
    pub publication: Publication,
    /// QoS, with the packet identifier.
    pub qos: QoS,
    /// A re-delivery.
    pub dup: bool,
    /// The RETAIN flag.
    pub retain: bool,
    /// Identifiers of the subscriptions that matched.
    pub subscription_ids: SubscriptionIds,
    /// The Topic Alias that it came with.
    pub topic_alias: Option<u16>,
    /// Message Expiry Interval in seconds, as received.
    pub expiry_s: Option<u32>,
}

/// What CONNACK said.
#[derive(Debug)]
pub struct Welcome {
    /// Whether the server resumes the session.
    pub session_present: bool,
    /// The client id in force: the client's own, or the one that the server assigned. [MQTT-3.2.2-16]
    pub client_id: Box<str>,
    /// Keep-alive in force, in seconds. [MQTT-3.2.2-21]
    pub keep_alive_s: u16,
    /// Session Expiry Interval in force, in seconds.
    pub session_expiry_s: u32,
    /// What the server accepts.
    pub server: ServerLimits,
    /// All properties of CONNACK.
    pub properties: PropertiesBuf,
}

/// What the server supports and accepts: the defaults are those of 3.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// What both sides announce.
    pub peer: PeerLimits,
    /// Maximum QoS (3.2.2.3.4).
    pub maximum_qos: QoSLevel,
    /// Retain Available (3.2.2.3.5).
    pub retain: bool,
    /// Wildcard Subscription Available (3.2.2.3.11).
    pub wildcard_subscriptions: bool,
    /// Subscription Identifier Available (3.2.2.3.12).
    pub subscription_ids: bool,
    /// Shared Subscription Available (3.2.2.3.13).
    pub shared_subscriptions: bool,
}

impl ServerLimits {
    pub(super) fn from_properties(properties: Properties<'_>) -> Self {
        let mut limits = ServerLimits {
            peer: PeerLimits::from_properties(properties),
            maximum_qos: QoSLevel::ExactlyOnce,
            retain: true,
            wildcard_subscriptions: true,
            subscription_ids: true,
            shared_subscriptions: true,
        };
        for property in properties.iter() {
            match property {
                Property::MaximumQoS(0) => limits.maximum_qos = QoSLevel::AtMostOnce,
                Property::MaximumQoS(_) => limits.maximum_qos = QoSLevel::AtLeastOnce,
                Property::RetainAvailable(n) => limits.retain = n != 0,
                Property::WildcardSubscriptionAvailable(n) => limits.wildcard_subscriptions = n != 0,
                Property::SubscriptionIdentifierAvailable(n) => limits.subscription_ids = n != 0,
                Property::SharedSubscriptionAvailable(n) => limits.shared_subscriptions = n != 0,
                _ => {}
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn each_refusal_has_its_own_words() {
        let said = [
            Refused::NotConnected,
            Refused::QueueFull,
            Refused::TooManyRequests,
            Refused::TooLarge,
            Refused::Expired,
            Refused::SessionLost,
            Refused::Malformed(Malformed::TopicNameEmpty),
        ]
        .map(|refused| refused.to_string());
        for (index, words) in said.iter().enumerate() {
            assert!(words.len() > 10 && !said[..index].contains(words), "{words:?}");
        }
        assert_eq!(said[6], Malformed::TopicNameEmpty.to_string());
    }
}

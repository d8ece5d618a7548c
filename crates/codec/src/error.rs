//! Why bytes are not an MQTT packet: one variant per rule, each with its reason code, its place in
//! the specification and a sentence a person can act on. Nothing here knows what the receiver does next.
use crate::reason::ReasonCode;
use crate::version::{ProtocolName, Version};

/// What decoding and the checking constructors return.
pub type Result<T> = core::result::Result<T, Malformed>;

macro_rules! malformed_table {
    ($($name:ident $({ $($(#[$meta:meta])* $field:ident: $type:ty),* })? $reason:ident $requirement:literal $text:literal;)*) => {
        /// Why bytes are not an MQTT packet, or text is not a topic. Each variant is one rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Malformed {
            $(#[doc = concat!("`", $requirement, "`: ", $text, ".")] $name $({ $($(#[$meta])* $field: $type),* })?,)*
        }

        impl Malformed {
            /// The name of each variant, in order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The variant's name.
            pub const fn name(self) -> &'static str {
                match self { $(Malformed::$name { .. } => stringify!($name),)* }
            }
            /// The reason code for the CONNACK or DISCONNECT that answers (section 4.13).
            pub const fn reason(self) -> ReasonCode {
                match self { $(Malformed::$name { .. } => ReasonCode::$reason,)* }
            }
            /// The requirement's id, or the section where the rule has none. Of 5.0 unless it says otherwise.
            pub const fn requirement(self) -> &'static str {
                match self { $(Malformed::$name { .. } => $requirement,)* }
            }
            const fn text(self) -> &'static str {
                match self { $(Malformed::$name { .. } => $text,)* }
            }
        }
    };
}

#[rustfmt::skip]
malformed_table! {
    // Framing and data representations (1.5, 2.1).
    Truncated                       MalformedPacket "2.1.4"            "a field runs past the end of its packet";
    TrailingBytes                   MalformedPacket "2.1.4"            "bytes are left over after the last field of the packet";
    PacketTooLarge                  PacketTooLarge  "MQTT-3.2.2-15"    "the packet is larger than the maximum packet size";
    VariableByteIntegerTooLong      MalformedPacket "1.5.5"            "a variable byte integer goes on after its fourth byte";
    VariableByteIntegerNotMinimal   MalformedPacket "MQTT-1.5.5-1"     "a variable byte integer uses more bytes than it needs";
    Utf8                            MalformedPacket "MQTT-1.5.4-1"     "a string is not well-formed UTF-8";
    NullCharacter                   MalformedPacket "MQTT-1.5.4-2"     "a string contains the null character U+0000";
    StringTooLong                   MalformedPacket "1.5.4"            "a string or binary field is longer than 65,535 bytes";
    UnknownPacketType               MalformedPacket "2.1.2"            "the packet type does not exist in this protocol version";
    ReservedFlags                   MalformedPacket "MQTT-2.1.3-1"     "the reserved flags of the fixed header do not have the prescribed value";
    PacketIdZero                    ProtocolError   "MQTT-2.2.1-3"     "the packet identifier is 0; it must be 1 to 65,535";

    // Reason codes and properties (2.2.2, 2.4).
    ReasonCodeUnknown               ProtocolError   "2.4"              "the reason code does not exist";
    ReasonCodeNotAllowedHere        ProtocolError   "2.4"              "the reason code may not stand in this packet";
    ReasonCodesEmpty                ProtocolError   "MQTT-3.8.4-6"     "the acknowledgement has no reason code; it must have one for each topic filter";
    PropertyUnknown                 MalformedPacket "2.2.2.2"          "the property identifier does not exist";
    PropertyNotAllowedHere          MalformedPacket "2.2.2.2"          "the property may not stand in this packet";
    PropertyDuplicate               ProtocolError   "2.2.2.2"          "a property that may stand only once is repeated";
    PayloadFormatIndicatorInvalid   ProtocolError   "3.3.2.3.2"        "Payload Format Indicator must be 0 or 1";
    ResponseTopicInvalid            ProtocolError   "MQTT-3.3.2-14"    "Response Topic must be a topic name: not empty, without + and #";
    TopicAliasZero                  TopicAliasInvalid "MQTT-3.3.2-8"   "Topic Alias must not be 0";
    SubscriptionIdentifierInvalid   ProtocolError   "3.8.2.1.2"        "Subscription Identifier must be 1 to 268,435,455";
    RequestProblemInformationInvalid  ProtocolError "3.1.2.11.7"       "Request Problem Information must be 0 or 1";
    RequestResponseInformationInvalid ProtocolError "3.1.2.11.6"       "Request Response Information must be 0 or 1";
    ReceiveMaximumZero              ProtocolError   "3.1.2.11.3"       "Receive Maximum must not be 0";
    MaximumPacketSizeZero           ProtocolError   "3.1.2.11.4"       "Maximum Packet Size must not be 0";
    MaximumQoSInvalid               ProtocolError   "3.2.2.3.4"        "Maximum QoS must be 0 or 1";
    RetainAvailableInvalid          ProtocolError   "3.2.2.3.5"        "Retain Available must be 0 or 1";
    WildcardSubscriptionAvailableInvalid   ProtocolError "3.2.2.3.11"  "Wildcard Subscription Available must be 0 or 1";
    SubscriptionIdentifierAvailableInvalid ProtocolError "3.2.2.3.12"  "Subscription Identifier Available must be 0 or 1";
    SharedSubscriptionAvailableInvalid     ProtocolError "3.2.2.3.13"  "Shared Subscription Available must be 0 or 1";
    AuthenticationDataWithoutMethod ProtocolError   "3.1.2.11.10"      "Authentication Data needs an Authentication Method";
    AuthenticationMethodMissing     ProtocolError   "3.15.2.2.2"       "AUTH needs an Authentication Method";

    // CONNECT and CONNACK (3.1, 3.2).
    UnsupportedVersion {
        /// The protocol name found.
        name: ProtocolName,
        /// The protocol level byte found.
        level: u8
    }                               UnsupportedProtocolVersion "MQTT-3.1.2-2" "the protocol is none of MQTT 3.1 (MQIsdp 3), 3.1.1 (MQTT 4) and 5.0 (MQTT 5)";
    ConnectReservedFlag             MalformedPacket "MQTT-3.1.2-3"     "the reserved connect flag is set";
    WillQoSWithoutWill              MalformedPacket "MQTT-3.1.2-11"    "a will QoS is given without the will flag";
    WillQoSInvalid                  MalformedPacket "MQTT-3.1.2-12"    "the will QoS is 3";
    WillRetainWithoutWill           MalformedPacket "MQTT-3.1.2-13"    "will retain is set without the will flag";
    PasswordWithoutUserName         MalformedPacket "3.1.1 MQTT-3.1.2-22" "a password without a user name needs MQTT 5.0";
    ConnAckFlags                    MalformedPacket "MQTT-3.2.2-1"     "a reserved acknowledge flag is set";

    // PUBLISH and topics (3.3, 4.7, 4.8).
    QoSInvalid                      MalformedPacket "MQTT-3.3.1-4"     "the QoS is 3; it must be 0, 1 or 2";
    DupWithoutQoS                   MalformedPacket "MQTT-3.3.1-2"     "DUP is set on a QoS 0 message";
    TopicNameMissing                ProtocolError   "3.3.2.1"          "the topic name is empty and there is no topic alias";
    TopicNameEmpty                  TopicNameInvalid "MQTT-4.7.3-1"    "a topic name must have at least one character";
    TopicNameWildcard               TopicNameInvalid "MQTT-3.3.2-2"    "a topic name must not contain + or #";
    TopicFilterEmpty                TopicFilterInvalid "MQTT-4.7.3-1"  "a topic filter must have at least one character";
    MultiLevelWildcardNotLast       TopicFilterInvalid "MQTT-4.7.1-1"  "# must be the last level of a topic filter and fill it, as in sport/#";
    SingleLevelWildcardNotAlone     TopicFilterInvalid "MQTT-4.7.1-2"  "+ must fill its level of a topic filter, as in sport/+/score";
    ShareNameEmpty                  TopicFilterInvalid "MQTT-4.8.2-1"  "the share name must have at least one character: $share/name/filter";
    ShareNameWildcard               TopicFilterInvalid "MQTT-4.8.2-2"  "the share name must not contain + or #: $share/name/filter";
    ShareFilterMissing              TopicFilterInvalid "MQTT-4.8.2-2"  "a topic filter must follow the share name: $share/name/filter";
    ShareNested                     TopicFilterInvalid "4.8.2"         "the filter of a shared subscription cannot be shared again";

    // SUBSCRIBE and UNSUBSCRIBE (3.8, 3.10).
    SubscribeEmpty                  ProtocolError   "MQTT-3.8.3-2"     "SUBSCRIBE must have at least one topic filter";
    UnsubscribeEmpty                ProtocolError   "MQTT-3.10.3-2"    "UNSUBSCRIBE must have at least one topic filter";
    SubscriptionOptionsReserved     MalformedPacket "MQTT-3.8.3-5"     "reserved bits of the subscription options are set";
    SubscriptionQoSInvalid          ProtocolError   "3.8.3.1"          "the maximum QoS of a subscription is 3";
    RetainHandlingInvalid           ProtocolError   "3.8.3.1"          "Retain Handling is 3; it must be 0, 1 or 2";
    NoLocalOnShared                 ProtocolError   "MQTT-3.8.3-4"     "No Local must not be set on a shared subscription";
}

impl Malformed {
    /// The version in whose form a CONNACK can tell the sender why its CONNECT was refused.
    /// `None` for what is no unsupported version, or no MQTT at all: close without an answer.
    pub const fn answer_version(self) -> Option<Version> {
        match self {
            Malformed::UnsupportedVersion { name: ProtocolName::Mqtt, level: 5.. } => Some(Version::V5),
            Malformed::UnsupportedVersion { name: ProtocolName::Mqtt, .. } => Some(Version::V311),
            Malformed::UnsupportedVersion { name: ProtocolName::MqIsdp, .. } => Some(Version::V31),
            _ => None,
        }
    }
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Malformed {}

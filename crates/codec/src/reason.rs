//! Table 2-6 of the specification, once: every reason code, its name, and the packets it may stand in.
//! The return codes of 3.1 and 3.1.1 are mapped here; above the codec there are reason codes only.
use crate::error::{Malformed, Result};
use crate::place::Place;

macro_rules! reason_code_table {
    ($($code:literal $variant:ident $name:literal [$($place:ident)*];)*) => {
        /// The outcome of an operation (section 2.4). Below 0x80: success; from 0x80: failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ReasonCode {
            $(#[doc = concat!("`", stringify!($code), "` ", $name)] $variant = $code,)*
        }

        impl ReasonCode {
            /// Every reason code, in the order of the table.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$variant),*];

            /// The specification's name for this code.
            pub const fn name(self) -> &'static str {
                match self { $(ReasonCode::$variant => $name,)* }
            }
            const fn places(self) -> u16 {
                match self { $(ReasonCode::$variant => 0 $(| Place::$place.bit())*,)* }
            }
        }

        impl TryFrom<u8> for ReasonCode {
            type Error = Malformed;

            fn try_from(code: u8) -> Result<Self> {
                match code { $($code => Ok(ReasonCode::$variant),)* _ => Err(Malformed::ReasonCodeUnknown) }
            }
        }
    };
}

#[rustfmt::skip]
reason_code_table! {
    0x00 Success                             "Success"                                [ConnAck PubAck PubRec PubRel PubComp SubAck UnsubAck Disconnect Auth];
    0x01 GrantedQoS1                         "Granted QoS 1"                          [SubAck];
    0x02 GrantedQoS2                         "Granted QoS 2"                          [SubAck];
    0x04 DisconnectWithWill                  "Disconnect with Will Message"           [Disconnect];
    0x10 NoMatchingSubscribers               "No matching subscribers"                [PubAck PubRec];
    0x11 NoSubscriptionExisted               "No subscription existed"                [UnsubAck];
    0x18 ContinueAuthentication              "Continue authentication"                [Auth];
    0x19 ReAuthenticate                      "Re-authenticate"                        [Auth];
    0x80 UnspecifiedError                    "Unspecified error"                      [ConnAck PubAck PubRec SubAck UnsubAck Disconnect];
    0x81 MalformedPacket                     "Malformed Packet"                       [ConnAck Disconnect];
    0x82 ProtocolError                       "Protocol Error"                         [ConnAck Disconnect];
    0x83 ImplementationSpecificError         "Implementation specific error"          [ConnAck PubAck PubRec SubAck UnsubAck Disconnect];
    0x84 UnsupportedProtocolVersion          "Unsupported Protocol Version"           [ConnAck];
    0x85 ClientIdentifierNotValid            "Client Identifier not valid"            [ConnAck];
    0x86 BadUserNameOrPassword               "Bad User Name or Password"              [ConnAck];
    0x87 NotAuthorized                       "Not authorized"                         [ConnAck PubAck PubRec SubAck UnsubAck Disconnect];
    0x88 ServerUnavailable                   "Server unavailable"                     [ConnAck];
    0x89 ServerBusy                          "Server busy"                            [ConnAck Disconnect];
    0x8a Banned                              "Banned"                                 [ConnAck];
    0x8b ServerShuttingDown                  "Server shutting down"                   [Disconnect];
    0x8c BadAuthenticationMethod             "Bad authentication method"              [ConnAck Disconnect];
    0x8d KeepAliveTimeout                    "Keep Alive timeout"                     [Disconnect];
    0x8e SessionTakenOver                    "Session taken over"                     [Disconnect];
    0x8f TopicFilterInvalid                  "Topic Filter invalid"                   [SubAck UnsubAck Disconnect];
    0x90 TopicNameInvalid                    "Topic Name invalid"                     [ConnAck PubAck PubRec Disconnect];
    0x91 PacketIdentifierInUse               "Packet Identifier in use"               [PubAck PubRec SubAck UnsubAck];
    0x92 PacketIdentifierNotFound            "Packet Identifier not found"            [PubRel PubComp];
    0x93 ReceiveMaximumExceeded              "Receive Maximum exceeded"               [Disconnect];
    0x94 TopicAliasInvalid                   "Topic Alias invalid"                    [Disconnect];
    0x95 PacketTooLarge                      "Packet too large"                       [ConnAck Disconnect];
    0x96 MessageRateTooHigh                  "Message rate too high"                  [Disconnect];
    0x97 QuotaExceeded                       "Quota exceeded"                         [ConnAck PubAck PubRec SubAck Disconnect];
    0x98 AdministrativeAction                "Administrative action"                  [Disconnect];
    0x99 PayloadFormatInvalid                "Payload format invalid"                 [ConnAck PubAck PubRec Disconnect];
    0x9a RetainNotSupported                  "Retain not supported"                   [ConnAck Disconnect];
    0x9b QoSNotSupported                     "QoS not supported"                      [ConnAck Disconnect];
    0x9c UseAnotherServer                    "Use another server"                     [ConnAck Disconnect];
    0x9d ServerMoved                         "Server moved"                           [ConnAck Disconnect];
    0x9e SharedSubscriptionsNotSupported     "Shared Subscriptions not supported"     [SubAck Disconnect];
    0x9f ConnectionRateExceeded              "Connection rate exceeded"               [ConnAck Disconnect];
    0xa0 MaximumConnectTime                  "Maximum connect time"                   [Disconnect];
    0xa1 SubscriptionIdentifiersNotSupported "Subscription Identifiers not supported" [SubAck Disconnect];
    0xa2 WildcardSubscriptionsNotSupported   "Wildcard Subscriptions not supported"   [SubAck Disconnect];
}

impl ReasonCode {
    /// Whether the operation failed: 0x80 and above.
    pub const fn is_failure(self) -> bool {
        self as u8 >= 0x80
    }

    /// Whether this code may stand in that packet (table 2-6).
    pub const fn allowed_in(self, place: Place) -> bool {
        self.places() & place.bit() != 0
    }

    /// The code a 5.0 packet carries, checked for the packet.
    pub(crate) fn decode(code: u8, place: Place) -> Result<Self> {
        let reason = ReasonCode::try_from(code)?;
        // [MQTT-3.2.2-8] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.9.3-2] [MQTT-3.11.3-2]
        // [MQTT-3.14.2-1] [MQTT-3.15.2-1]
        if reason.allowed_in(place) { Ok(reason) } else { Err(Malformed::ReasonCodeNotAllowedHere) }
    }

    /// The reason code for a CONNACK return code of 3.1 or 3.1.1 (3.1.1, table 3.1).
    ///
    /// # Errors
    /// `ReasonCodeUnknown` above 5.
    pub const fn from_v3_connack(code: u8) -> Result<Self> {
        Ok(match code {
            0 => Self::Success,
            1 => Self::UnsupportedProtocolVersion,
            2 => Self::ClientIdentifierNotValid,
            3 => Self::ServerUnavailable,
            4 => Self::BadUserNameOrPassword,
            5 => Self::NotAuthorized,
            _ => return Err(Malformed::ReasonCodeUnknown),
        })
    }

    /// The nearest CONNACK return code of 3.1 and 3.1.1; 3 ("server unavailable") where none is near.
    pub const fn to_v3_connack(self) -> u8 {
        match self {
            Self::UnsupportedProtocolVersion => 1,
            Self::ClientIdentifierNotValid => 2, // [3.1.1 MQTT-3.1.3-9]
            Self::BadUserNameOrPassword | Self::BadAuthenticationMethod => 4,
            Self::NotAuthorized | Self::Banned => 5,
            _ if self.is_failure() => 3,
            _ => 0,
        }
    }
}

impl core::fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

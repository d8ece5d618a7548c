//! What mqtt-packet 9.0.2, mqttbytes 0.6.0 and this codec see differently, each with who is right and why. A
//! disagreement that is not here fails the test, and so does a line that nothing needs any more.

/// Who is right by the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// This codec; what the other does is a defect, or checked above it.
    Martlet,
    /// The specification leaves it open, or contradicts itself.
    Open,
}
use Right::{Martlet, Open};

/// One kind of disagreement:
/// * `accepts RULE`: the other accepts what breaks the rule, a variant of `Malformed`;
/// * `refuses VERSION PACKET: MESSAGE`: the other alone refuses, in its words;
/// * `reads VERSION PACKET: FIELD`: both accept, and that field is not the same;
/// * `writes VERSION PACKET: RULE`: both accept, and the other writes it in a way that breaks the rule.
pub(crate) type Disagreement = (&'static str, Right, &'static str);

#[rustfmt::skip]
pub(crate) const MQTT_PACKET: &[Disagreement] = &[
    // Framing and data representations: mqtt-packet bounds few fields by the end of their packet.
    ("accepts Truncated",                     Martlet, "2.1.4: a field ends within its packet; missing integers are read as -1, missing strings of properties as null"),
    ("accepts TrailingBytes",                 Martlet, "2.1.4: no packet but PUBLISH has a rest; what follows the last field is dropped unread"),
    ("accepts VariableByteIntegerNotMinimal", Martlet, "MQTT-1.5.5-1; 3.1.1 table 2.4: two bytes begin at 128"),
    ("accepts Utf8",                          Martlet, "MQTT-1.5.4-1: ill-formed UTF-8 becomes U+FFFD"),
    ("accepts NullCharacter",                 Martlet, "MQTT-1.5.4-2"),
    ("accepts PacketIdZero",                  Martlet, "MQTT-2.2.1-3, 3.1.1 MQTT-2.3.1-1"),

    // Reason codes: mqtt-packet has no table for CONNACK and none of empty lists.
    ("accepts ReasonCodeUnknown",             Martlet, "3.2.2.2, 3.1.1 3.2.2.3: the codes of CONNACK beyond the table are reserved"),
    ("accepts ReasonCodeNotAllowedHere",      Martlet, "MQTT-3.2.2-8: CONNACK has one of the codes of its table"),
    ("accepts ReasonCodesEmpty",              Martlet, "MQTT-3.8.4-6, 3.1.1 MQTT-3.8.4-5: a code for each filter, of which there is at least one"),

    // Properties: mqtt-packet checks that the identifier exists, not where it stands, how often, nor its value.
    ("accepts PropertyNotAllowedHere",        Martlet, "2.2.2.2"),
    ("accepts PropertyDuplicate",             Martlet, "2.2.2.2, and the section of each property: a Protocol Error to include it more than once"),
    ("accepts AuthenticationDataWithoutMethod", Martlet, "3.1.2.11.10"),
    ("accepts AuthenticationMethodMissing",   Martlet, "3.15.2.2.2"),
    ("accepts PayloadFormatIndicatorInvalid", Martlet, "3.3.2.3.2: any byte but 0 is read as true"),
    ("accepts ResponseTopicInvalid",          Martlet, "MQTT-3.3.2-14"),
    ("accepts TopicAliasZero",                Martlet, "MQTT-3.3.2-8"),
    ("accepts SubscriptionIdentifierInvalid", Martlet, "3.8.2.1.2"),
    ("accepts RequestProblemInformationInvalid", Martlet, "3.1.2.11.7: any byte but 0 is read as true"),
    ("accepts RequestResponseInformationInvalid", Martlet, "3.1.2.11.6: any byte but 0 is read as true"),
    ("accepts ReceiveMaximumZero",            Martlet, "3.1.2.11.3"),
    ("accepts MaximumPacketSizeZero",         Martlet, "3.1.2.11.4"),
    ("accepts MaximumQoSInvalid",             Martlet, "3.2.2.3.4"),
    ("accepts RetainAvailableInvalid",        Martlet, "3.2.2.3.5"),
    ("accepts WildcardSubscriptionAvailableInvalid", Martlet, "3.2.2.3.11"),
    ("accepts SubscriptionIdentifierAvailableInvalid", Martlet, "3.2.2.3.12"),
    ("accepts SharedSubscriptionAvailableInvalid", Martlet, "3.2.2.3.13"),

    // CONNECT and CONNACK.
    ("accepts UnsupportedVersion",            Martlet, "MQTT-3.1.2-2: name and level belong together, and the bridges' bit is none of 5.0's"),
    ("accepts WillQoSInvalid",                Martlet, "MQTT-3.1.2-12, 3.1.1 MQTT-3.1.2-14"),
    ("accepts PasswordWithoutUserName",       Martlet, "3.1.1 MQTT-3.1.2-22"),
    ("refuses 3.1 Connect: Cannot parse username", Martlet, "3.1 section 3.1: flags may promise a user name that is left out at the end"),
    ("refuses 3.1 Connect: Cannot parse password", Martlet, "3.1 section 3.1: flags may promise a password that is left out at the end"),
    ("refuses 3.1 ConnAck: Invalid connack flags, bits 7-1 must be set to 0", Martlet, "3.1 section 3.2: the byte is not used"),
    ("reads 3.1 ConnAck: present",            Martlet, "3.1 section 3.2: the byte is not used, there is no Session Present"),

    // PUBLISH, topics, SUBSCRIBE: the grammar of topics is the caller's in mqtt-packet.
    ("accepts DupWithoutQoS",                 Martlet, "MQTT-3.3.1-2"),
    ("accepts TopicNameMissing",              Martlet, "3.3.2.1: an empty name needs a Topic Alias"),
    ("accepts TopicNameEmpty",                Martlet, "MQTT-4.7.3-1"),
    ("accepts TopicNameWildcard",             Martlet, "MQTT-3.3.2-2, MQTT-4.7.0-1"),
    ("accepts TopicFilterEmpty",              Martlet, "MQTT-4.7.3-1"),
    ("accepts MultiLevelWildcardNotLast",     Martlet, "MQTT-4.7.1-1"),
    ("accepts SingleLevelWildcardNotAlone",   Martlet, "MQTT-4.7.1-2"),
    ("accepts ShareNameEmpty",                Martlet, "MQTT-4.8.2-1"),
    ("accepts ShareNameWildcard",             Martlet, "MQTT-4.8.2-2"),
    ("accepts ShareFilterMissing",            Martlet, "MQTT-4.8.2-2"),
    ("accepts ShareNested",                   Open,    "4.8.2 does not say whether $share/a/$share/b/c is shared twice; nothing would match it"),
    ("accepts NoLocalOnShared",               Martlet, "MQTT-3.8.3-4"),
    ("accepts SubscribeEmpty",                Martlet, "MQTT-3.8.3-2, 3.1.1 MQTT-3.8.3-3"),
    ("accepts UnsubscribeEmpty",              Martlet, "MQTT-3.10.3-2"),

    // Flags and reason codes that mqtt-packet does not know.
    ("refuses 3.1 Connect: Connect flag bit 0 must be 0, but got 1", Martlet, "3.1 section 3.1: bit 0 is not used"),
    ("refuses 3.1 Connect: Will Retain Flag must be set to zero when Will Flag is set to 0", Martlet, "3.1 section 3.1: disregarded without the Will flag"),
    ("refuses 3.1 Subscribe: Invalid subscribe topic flag bits, bits 7-2 must be 0", Martlet, "3.1 section 3.8: the upper six bits are not used"),
    ("refuses 3.1 Connect: Invalid header flag bits, must be 0x0 for connect packet", Martlet, "3.1 section 3.1: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 ConnAck: Invalid header flag bits, must be 0x0 for connack packet", Martlet, "3.1 section 3.2: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 PubAck: Invalid header flag bits, must be 0x0 for puback packet", Martlet, "3.1 section 3.4: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 PubRec: Invalid header flag bits, must be 0x0 for pubrec packet", Martlet, "3.1 section 3.5: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 PubRel: Invalid header flag bits, must be 0x2 for pubrel packet", Martlet, "3.1 section 3.6: DUP may be set in what is sent again, RETAIN is not used"),
    ("refuses 3.1 PubComp: Invalid header flag bits, must be 0x0 for pubcomp packet", Martlet, "3.1 section 3.7: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 Subscribe: Invalid header flag bits, must be 0x2 for subscribe packet", Martlet, "3.1 section 3.8: DUP may be set in what is sent again, RETAIN is not used"),
    ("refuses 3.1 SubAck: Invalid header flag bits, must be 0x0 for suback packet", Martlet, "3.1 section 3.9: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 Unsubscribe: Invalid header flag bits, must be 0x2 for unsubscribe packet", Martlet, "3.1 section 3.10: DUP may be set in what is sent again, RETAIN is not used"),
    ("refuses 3.1 UnsubAck: Invalid header flag bits, must be 0x0 for unsuback packet", Martlet, "3.1 section 3.11: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 PingReq: Invalid header flag bits, must be 0x0 for pingreq packet", Martlet, "3.1 section 3.12: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 PingResp: Invalid header flag bits, must be 0x0 for pingresp packet", Martlet, "3.1 section 3.13: DUP, QoS and RETAIN are not used"),
    ("refuses 3.1 Disconnect: Invalid header flag bits, must be 0x0 for disconnect packet", Martlet, "3.1 section 3.14: DUP, QoS and RETAIN are not used"),
    ("refuses 5.0 Auth: Invalid auth reason code",             Martlet, "3.15.2.1: reason code and properties may be left out for Success"),
    ("refuses 5.0 Disconnect: Invalid disconnect reason code", Open,    "0x8C: table 2-6 of 2.4 has it in DISCONNECT, the table of 3.14.2.1 has not"),
];

#[rustfmt::skip]
pub(crate) const MQTTBYTES: &[Disagreement] = &[
    // Framing and data representations.
    ("accepts Truncated",                     Martlet, "2.2.2.1: the last property may run past the end of its block"),
    ("accepts TrailingBytes",                 Martlet, "2.1.4: no packet but PUBLISH has a rest; what follows the last field is dropped unread"),
    ("accepts VariableByteIntegerNotMinimal", Martlet, "MQTT-1.5.5-1; 3.1.1 table 2.4: two bytes begin at 128"),
    ("accepts NullCharacter",                 Martlet, "MQTT-1.5.4-2"),
    ("accepts PacketIdZero",                  Martlet, "MQTT-2.2.1-3, 3.1.1 MQTT-2.3.1-1: looked at in PUBLISH alone"),
    ("accepts ReservedFlags",                 Martlet, "MQTT-2.1.3-1, 3.1.1 MQTT-2.2.2-1: looked at in no packet"),

    // Properties: mqttbytes looks at identifiers and places, not at repetition nor at values.
    ("accepts PropertyUnknown",               Martlet, "2.2.2.2: a Subscription Identifier is counted one byte too long, what follows it can become payload"),
    ("accepts PropertyDuplicate",             Martlet, "2.2.2.2: the last one is kept"),
    ("accepts AuthenticationDataWithoutMethod", Martlet, "3.1.2.11.10"),
    ("accepts PayloadFormatIndicatorInvalid", Martlet, "3.3.2.3.2"),
    ("accepts ResponseTopicInvalid",          Martlet, "MQTT-3.3.2-14"),
    ("accepts TopicAliasZero",                Martlet, "MQTT-3.3.2-8"),
    ("accepts SubscriptionIdentifierInvalid", Martlet, "3.8.2.1.2"),
    ("accepts RequestProblemInformationInvalid", Martlet, "3.1.2.11.7"),
    ("accepts RequestResponseInformationInvalid", Martlet, "3.1.2.11.6"),
    ("accepts ReceiveMaximumZero",            Martlet, "3.1.2.11.3"),
    ("accepts MaximumPacketSizeZero",         Martlet, "3.1.2.11.4"),
    ("accepts MaximumQoSInvalid",             Martlet, "3.2.2.3.4"),
    ("accepts RetainAvailableInvalid",        Martlet, "3.2.2.3.5"),
    ("accepts WildcardSubscriptionAvailableInvalid", Martlet, "3.2.2.3.11"),
    ("accepts SubscriptionIdentifierAvailableInvalid", Martlet, "3.2.2.3.12"),
    ("accepts SharedSubscriptionAvailableInvalid", Martlet, "3.2.2.3.13"),

    // CONNECT and CONNACK.
    ("accepts ConnectReservedFlag",           Martlet, "MQTT-3.1.2-3"),
    ("accepts PasswordWithoutUserName",       Martlet, "3.1.1 MQTT-3.1.2-22"),
    ("accepts ConnAckFlags",                  Martlet, "MQTT-3.2.2-1, 3.1.1 section 3.2.2.1"),
    ("refuses 3.1 Connect: InvalidProtocol",  Martlet, "3.1 section 3.1: mqttbytes does not know that version"),
    ("refuses 3.1.1 Connect: InvalidProtocolLevel", Open, "no specification has the bit that bridges set in the level; brokers take it"),
    ("refuses 5.0 Connect: TopicNotUtf8",     Martlet, "3.1.3.6: Password is Binary Data"),
    ("writes 5.0 ConnAck: Truncated",         Martlet, "3.2.2.3.1: CONNACK has a Property Length, also of 0"),

    // PUBLISH, topics, SUBSCRIBE: the grammar of topics is the caller's in mqttbytes.
    ("accepts DupWithoutQoS",                 Martlet, "MQTT-3.3.1-2"),
    ("accepts TopicNameMissing",              Martlet, "3.3.2.1: an empty name needs a Topic Alias"),
    ("accepts TopicNameEmpty",                Martlet, "MQTT-4.7.3-1"),
    ("accepts TopicNameWildcard",             Martlet, "MQTT-3.3.2-2, MQTT-4.7.0-1"),
    ("accepts TopicFilterEmpty",              Martlet, "MQTT-4.7.3-1"),
    ("accepts MultiLevelWildcardNotLast",     Martlet, "MQTT-4.7.1-1"),
    ("accepts SingleLevelWildcardNotAlone",   Martlet, "MQTT-4.7.1-2"),
    ("accepts ShareNameEmpty",                Martlet, "MQTT-4.8.2-1"),
    ("accepts ShareNameWildcard",             Martlet, "MQTT-4.8.2-2"),
    ("accepts ShareFilterMissing",            Martlet, "MQTT-4.8.2-2"),
    ("accepts ShareNested",                   Open,    "4.8.2 does not say whether $share/a/$share/b/c is shared twice; nothing would match it"),
    ("accepts NoLocalOnShared",               Martlet, "MQTT-3.8.3-4"),
    ("accepts SubscriptionOptionsReserved",   Martlet, "MQTT-3.8.3-5, 3.1.1 MQTT-3.8.3-4"),
    ("accepts SubscribeEmpty",                Martlet, "MQTT-3.8.3-2, 3.1.1 MQTT-3.8.3-3"),
    ("accepts UnsubscribeEmpty",              Martlet, "MQTT-3.10.3-2"),

    // DISCONNECT and AUTH.
    ("refuses 5.0 Disconnect: PayloadRequired",          Martlet, "3.14.2.1: the reason code may be left out for Normal disconnection"),
    ("refuses 5.0 Disconnect: InsufficientBytes",        Martlet, "3.14.2.2.1: without a Property Length there are no properties"),
    ("refuses 5.0 Disconnect: InvalidConnectReturnCode", Open,    "0x8C: table 2-6 of 2.4 has it in DISCONNECT, the table of 3.14.2.1 has not"),
    ("refuses 5.0 Auth: InvalidPacketType",              Martlet, "3.15: mqttbytes does not know AUTH"),
];

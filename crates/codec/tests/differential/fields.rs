//! A packet as one line of text that holds each of its fields once, in the order of the wire. Text and binary data
//! are hexadecimal. Properties are sorted, because a peer that keeps them in a map has lost their order: by
//! identifier, and user properties by name; what has the same name stays in order.
use martlet_codec::{
    Connect, Packet, Properties, Property, Publish, ReasonCodes, SubscriptionOptions, Version,
};

pub(crate) fn fields(packet: &Packet<'_>, version: Version) -> String {
    let body = match packet {
        Packet::Connect(p) => connect(p),
        Packet::ConnAck(p) => {
            let mut bytes = Vec::new();
            packet.encode(version, &mut bytes);
            let code = if version.is_v5() { p.reason as u8 } else { bytes[3] };
            format!("present={} code={code} {}", u8::from(p.session_present), block(p.properties))
        }
        Packet::Publish(p) => publish(p),
        Packet::Ack(p) => format!("id={} code={} {}", p.packet_id, p.reason as u8, block(p.properties)),
        Packet::Subscribe(p) => {
            let filters =
                p.filters.iter().map(|s| format!("{}/{}", hex(s.filter.as_str()), options(s.options)));
            format!("id={} {} {}", p.packet_id, block(p.properties), join(filters))
        }
        Packet::SubAck(p) => format!("id={} {} {}", p.packet_id, block(p.properties), codes(p.reasons)),
        Packet::Unsubscribe(p) => {
            let filters = p.filters.iter().map(|filter| hex(filter.as_str()));
            format!("id={} {} {}", p.packet_id, block(p.properties), join(filters))
        }
        Packet::UnsubAck(p) => format!("id={} {} {}", p.packet_id, block(p.properties), codes(p.reasons)),
        Packet::PingReq | Packet::PingResp => String::new(),
        Packet::Disconnect(p) => format!("code={} {}", p.reason as u8, block(p.properties)),
        Packet::Auth(p) => format!("code={} {}", p.reason as u8, block(p.properties)),
    };
    let name = format!("{:?}", packet.kind()).to_lowercase();
    format!("{name} {body}").trim_end().to_owned()
}

fn connect(p: &Connect<'_>) -> String {
    let will = p.will.map_or("-".into(), |will| {
        let (topic, payload) = (hex(will.topic.as_str()), hex(will.payload));
        format!("{}{} {topic} {payload} {}", will.qos as u8, u8::from(will.retain), block(will.properties))
    });
    let option = |bytes: Option<&[u8]>| bytes.map_or("-".into(), |bytes| format!("={}", hex(bytes)));
    format!(
        "level={} bridge={} clean={} keep={} {} id={} will={will} user{} password{}",
        p.version as u8,
        u8::from(p.bridge),
        u8::from(p.clean_start),
        p.keep_alive,
        block(p.properties),
        hex(p.client_id),
        option(p.user_name.map(str::as_bytes)),
        option(p.password),
    )
}

fn publish(p: &Publish<'_>) -> String {
    format!(
        "dup={} qos={} retain={} id={} topic={} {} payload={}",
        u8::from(p.dup),
        p.qos.level() as u8,
        u8::from(p.retain),
        p.qos.packet_id().map_or(0, martlet_codec::PacketId::get),
        hex(p.topic.map_or("", martlet_codec::TopicName::as_str)),
        block(p.properties),
        hex(p.payload),
    )
}

fn options(o: SubscriptionOptions) -> String {
    let flags = (u8::from(o.no_local), u8::from(o.retain_as_published));
    format!("{}{}{}{}", o.maximum_qos as u8, flags.0, flags.1, o.retain_handling as u8)
}

fn codes(codes: ReasonCodes<'_>) -> String {
    join(codes.as_bytes().iter().map(u8::to_string))
}

fn block(properties: Properties<'_>) -> String {
    let mut all: Vec<(u8, String, String)> = properties
        .iter()
        .map(|property| {
            let (key, value) = value(property);
            (property.id(), key, value)
        })
        .collect();
    all.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1))); // stable
    format!("[{}]", join(all.iter().map(|(id, key, value)| format!("{id}:{key}{value}"))))
}

/// The name of a user property, and the value of any.
fn value(property: Property<'_>) -> (String, String) {
    use Property as P;
    let value = match property {
        P::PayloadFormatIndicator(n)
        | P::RequestProblemInformation(n)
        | P::RequestResponseInformation(n)
        | P::MaximumQoS(n)
        | P::RetainAvailable(n)
        | P::WildcardSubscriptionAvailable(n)
        | P::SubscriptionIdentifierAvailable(n)
        | P::SharedSubscriptionAvailable(n) => n.to_string(),
        P::ServerKeepAlive(n) | P::ReceiveMaximum(n) | P::TopicAliasMaximum(n) | P::TopicAlias(n) => {
            n.to_string()
        }
        P::MessageExpiryInterval(n)
        | P::SubscriptionIdentifier(n)
        | P::SessionExpiryInterval(n)
        | P::WillDelayInterval(n)
        | P::MaximumPacketSize(n) => n.to_string(),
        P::ContentType(text)
        | P::ResponseTopic(text)
        | P::AssignedClientIdentifier(text)
        | P::AuthenticationMethod(text)
        | P::ResponseInformation(text)
        | P::ServerReference(text)
        | P::ReasonString(text) => hex(text),
        P::CorrelationData(bytes) | P::AuthenticationData(bytes) => hex(bytes),
        P::UserProperty((name, value)) => return (format!("{}:", hex(name)), hex(value)),
    };
    (String::new(), value)
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

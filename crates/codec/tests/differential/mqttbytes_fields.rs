//! The fields of mqttbytes' packets by the names of `fields.rs`, as mqttbytes understood them: all but properties,
//! wills and return codes of CONNACK. The list at the end of SUBSCRIBE and SUBACK has no name.
use crate::fields::hex;
use ::mqttbytes::{v4, v5};

/// Names and values.
pub(crate) type Fields = Vec<(&'static str, String)>;

macro_rules! common_fields {
    ($module:ident, $packet:expr, $filter:expr, $code:expr) => {
        match $packet {
            $module::Packet::Connect(p) => vec![
                ("clean", u8::from(p.clean_session).to_string()),
                ("keep", p.keep_alive.to_string()),
                ("id", hex(&p.client_id)),
            ],
            $module::Packet::ConnAck(p) => vec![("present", u8::from(p.session_present).to_string())],
            $module::Packet::Publish(p) => vec![
                ("dup", u8::from(p.dup).to_string()),
                ("qos", (p.qos as u8).to_string()),
                ("retain", u8::from(p.retain).to_string()),
                ("id", p.pkid.to_string()),
                ("topic", hex(&p.topic)),
                ("payload", hex(&p.payload)),
            ],
            $module::Packet::PubAck(p) => vec![("id", p.pkid.to_string())],
            $module::Packet::PubRec(p) => vec![("id", p.pkid.to_string())],
            $module::Packet::PubRel(p) => vec![("id", p.pkid.to_string())],
            $module::Packet::PubComp(p) => vec![("id", p.pkid.to_string())],
            $module::Packet::Subscribe(p) => {
                let filters: Vec<String> = p.filters.iter().map($filter).collect();
                vec![("id", p.pkid.to_string()), ("", filters.join(","))]
            }
            $module::Packet::SubAck(p) => {
                let codes: Vec<String> = p.return_codes.iter().map($code).collect();
                vec![("id", p.pkid.to_string()), ("", codes.join(","))]
            }
            $module::Packet::Unsubscribe(p) => vec![("id", p.pkid.to_string())],
            $module::Packet::UnsubAck(p) => vec![("id", p.pkid.to_string())],
            _ => Vec::new(),
        }
    };
}

pub(crate) fn v4_fields(packet: &v4::Packet) -> Fields {
    let filter = |f: &v4::SubscribeFilter| format!("{}/{}000", hex(&f.path), f.qos as u8);
    let code = |code: &v4::SubscribeReasonCode| match code {
        v4::SubscribeReasonCode::Success(qos) => (*qos as u8).to_string(),
        v4::SubscribeReasonCode::Failure => "128".into(),
    };
    common_fields!(v4, packet, filter, code)
}

pub(crate) fn v5_fields(packet: &v5::Packet) -> Fields {
    let filter = |f: &v5::SubscribeFilter| {
        let flags = (u8::from(f.nolocal), u8::from(f.preserve_retain));
        let handling = f.retain_forward_rule.clone() as u8;
        format!("{}/{}{}{}{handling}", hex(&f.path), f.qos as u8, flags.0, flags.1)
    };
    let mut fields = common_fields!(v5, packet, filter, |code| (*code as u8).to_string());
    let code = match packet {
        v5::Packet::ConnAck(p) => p.code as u8,
        v5::Packet::PubAck(p) => p.reason as u8,
        v5::Packet::PubRec(p) => p.reason as u8,
        v5::Packet::PubRel(p) => p.reason as u8,
        v5::Packet::PubComp(p) => p.reason as u8,
        v5::Packet::Disconnect(p) => p.reason_code as u8,
        _ => return fields,
    };
    fields.push(("code", code.to_string()));
    fields
}

/// `line` with the values that stand in `fields`.
pub(crate) fn replaced(line: &str, fields: &Fields) -> String {
    let last = line.split(' ').count() - 1;
    let token = |(at, token): (usize, &str)| {
        let name = token.split_once('=').map(|(name, _)| name);
        let named = fields.iter().find(|(field, _)| Some(*field) == name);
        let list = fields.iter().find(|(field, _)| field.is_empty() && at == last);
        match (named, list) {
            (Some((name, value)), _) => format!("{name}={value}"),
            (None, Some((_, list))) => list.clone(),
            (None, None) => token.to_owned(),
        }
    };
    line.split(' ').enumerate().map(token).collect::<Vec<_>>().join(" ")
}

//! mqttbytes, the codec of rumqttc's beginnings: 3.1.1 and 5.0. Most fields are compared as it understood them
//! (`mqttbytes_fields.rs`), the others, properties above all, by what it writes of them and this codec reads: that
//! shows what it lost, not what it took for something else. A packet that it cannot write again has no fields.
use crate::compare::{Verdict, compare};
use crate::disagreements;
use crate::fields::fields;
use crate::mqttbytes_fields::{Fields, replaced, v4_fields, v5_fields};
use crate::samples::samples;
use crate::support::decode;
use ::mqttbytes::{Error, v4, v5};
use bytes::BytesMut;
use martlet_codec::{Frame, Split, Version, split_frame};
use std::panic::catch_unwind;

const MAXIMUM: usize = 1 << 20;

/// Writes the packet that is in one of the variants of a module.
macro_rules! write_packet {
    ($module:ident, $packet:expr, $out:ident, $disconnect:pat => $write_disconnect:expr) => {
        write_packet!($module, $packet, $out, $disconnect => $write_disconnect;
            Connect ConnAck Publish PubAck PubRec PubRel PubComp Subscribe SubAck Unsubscribe UnsubAck)
    };
    ($module:ident, $packet:expr, $out:ident, $disconnect:pat => $write_disconnect:expr; $($name:ident)*) => {
        match $packet {
            $($module::Packet::$name(packet) => packet.write(&mut $out),)*
            $module::Packet::PingReq => $module::PingReq.write(&mut $out),
            $module::Packet::PingResp => $module::PingResp.write(&mut $out),
            $disconnect => $write_disconnect,
        }
    };
}

/// Reads a frame and writes the packet again; what it understood.
fn again(version: Version, frame: &[u8]) -> Result<(BytesMut, Fields), Error> {
    let (mut bytes, mut out) = (BytesMut::from(frame), BytesMut::new());
    if version.is_v5() {
        let packet = v5::read(&mut bytes, MAXIMUM)?;
        let fields = v5_fields(&packet);
        write_packet!(v5, packet, out, v5::Packet::Disconnect(packet) => packet.write(&mut out))?;
        Ok((out, fields))
    } else {
        let packet = v4::read(&mut bytes, MAXIMUM)?;
        let fields = v4_fields(&packet);
        write_packet!(v4, packet, out, v4::Packet::Disconnect => v4::Disconnect.write(&mut out))?;
        Ok((out, fields))
    }
}

/// The version whose reader is asked: CONNECT brings its own.
fn reader(version: Version, frame: &[u8]) -> Version {
    match split_frame(frame, MAXIMUM as u32) {
        Ok(Split::Whole(Frame { first, body }, _)) if first >> 4 == 1 => match body.get(6) {
            Some(5) => Version::V5,
            _ => Version::V311,
        },
        _ => version,
    }
}

fn verdict(version: Version, frame: &[u8]) -> Verdict {
    let version = reader(version, frame);
    match catch_unwind(|| again(version, frame)) {
        Err(_) => Verdict::Refused("a panic".into()),
        Ok(Err(error)) => {
            let error = format!("{error:?}");
            Verdict::Refused(error.split('(').next().unwrap_or_default().into())
        }
        Ok(Ok((bytes, understood))) => match decode(version, &bytes) {
            Ok(packet) => Verdict::Packet(replaced(&fields(&packet, version), &understood)),
            Err(malformed) => Verdict::Unwritable(malformed.name()),
        },
    }
}

#[test]
fn mqttbytes_reads_the_same_or_is_explained() {
    let samples = samples().into_iter().filter(|(version, _)| *version != Version::V31);
    let samples: Vec<(Version, Vec<u8>)> = samples.collect();
    let verdicts: Vec<Verdict> = samples.iter().map(|(version, frame)| verdict(*version, frame)).collect();
    let alike = compare(&samples, &verdicts, disagreements::MQTTBYTES);
    assert!(alike > 1000, "only {alike} of {} frames were read by both: they are too wild", samples.len());
}

//! What a log says of a connection's end, word by word, and what it never says.

use super::common::*;
use martlet_codec::{Malformed, ReasonCode};
use martlet_protocol::Violation;
use martlet_shard::{Credentials, Loss};

#[test]
fn why_a_connection_ended() {
    for (why, words) in [
        (EndReason::ClientDisconnected(ReasonCode::Success), "client disconnected"),
        (EndReason::ClientDisconnected(ReasonCode::DisconnectWithWill), "client disconnected"),
        (EndReason::ClientDisconnected(ReasonCode::ServerBusy), "client disconnected: Server busy"),
        (EndReason::ConnectionLost(Loss::Closed), "connection closed by the client without DISCONNECT"),
        (EndReason::ConnectionLost(Loss::Failed), "connection failed"),
        (
            EndReason::Malformed(Malformed::PacketTooLarge),
            "Packet too large: the packet is larger than the maximum packet size",
        ),
        (EndReason::ConnectTimeout, "no CONNECT in time"),
        (EndReason::KeepAliveTimeout, "keep-alive timeout"),
        (EndReason::Refused(ReasonCode::ServerBusy), "refused: Server busy"),
        (EndReason::TakenOver, "session taken over by a newer connection"),
        (
            EndReason::NoRoom { bytes: 1309, memory_bytes_max: 65_536, waited_ms: 30_020, in_flight: 0 },
            "no room for a message that needs 1309 bytes: memory_bytes_max is reached (65536 bytes per shard); waited 30.0 s",
        ),
        (
            EndReason::NoRoom { bytes: 99, memory_bytes_max: 100, waited_ms: 250, in_flight: 3 },
            "no room for a message that needs 99 bytes: memory_bytes_max is reached (100 bytes per shard); waited 0.2 s, \
             3 deliveries to the client are not acknowledged",
        ),
        (EndReason::ShuttingDown, "broker shutting down"),
    ] {
        assert_eq!(why.to_string(), words);
    }
    let words = EndReason::Violation(Violation::ReceiveMaximumExceeded).to_string();
    assert!(words.starts_with("Receive Maximum exceeded: "), "{words}");
}

#[test]
fn secrets_are_not_among_the_words() {
    let credentials = Credentials {
        client_id: "me".into(),
        user_name: Some("my name".into()),
        password: Some((*b"sesame").into()),
        method: Some("riddle".into()),
        data: Some((*b"mellon").into()),
    };
    let words = format!("{credentials:?}");
    for said in ["me", "my name", "riddle"] {
        assert!(words.contains(&format!("{said:?}")), "{words}");
    }
    for secret in ["sesame", "mellon", "115, 101", "109, 101", "password", "data"] {
        assert!(!words.contains(secret), "{words}");
    }
}

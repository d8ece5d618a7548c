//! The broker's rules one by one, as stories of clients: what they say, what they hear. Most are told on one shard,
//! on two, and on two that read byte by byte. No sockets, no time of day.

#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen is")]

#[path = "../common/mod.rs"]
mod common;

mod admission;
mod auth;
mod bridges;
mod bursts;
mod connect;
mod control_characters;
mod counters_exact;
mod counting;
mod delivery;
mod fairness;
mod hard_answers;
mod hard_exchange;
mod hard_packets;
mod hard_sessions;
mod hard_subscriptions;
mod held_answers;
mod limits;
mod log_words;
mod memory_account;
mod own_copy;
mod pace;
mod prompt;
mod retained;
mod routes;
mod sessions;
mod shapes;
mod shared;
mod shared_returns;
mod slow_replay;
mod stream;
mod subscriptions;
mod transmit;
mod v31;
mod v311;
mod waiting;
mod watermarks;
mod weights;
mod wills;

//! A blocking MQTT client, and with the feature `async` one for tokio: thin drivers round
//! [`martlet_protocol::client::Connection`].
//!
//! No thread and no task: nothing happens behind the caller's back, and whatever waits is bounded.
//! What MQTT means is decided in `martlet-protocol`; here bytes are moved and a clock is read.
//!
//! ```no_run
//! use martlet_client::{Client, ConnectOptions, Event, Next, Version};
//! use std::time::Duration;
//!
//! let endpoint = "mqtt://127.0.0.1:1883".parse()?;
//! let options = ConnectOptions::new(Version::V5, "swift");
//! let (mut client, _welcome) = Client::connect(&endpoint, options, Duration::from_secs(10))?;
//! client.subscribe_one("nest/+", 1)?;
//! while let Next::Event(event) = client.next(None) {
//!     if let Event::Message(received) = event {
//!         println!("{}", received.publication.message().topic);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "async")]
mod async_client;
#[cfg(feature = "async")]
mod async_socket;
mod client;
mod fault;
mod link;

#[cfg(feature = "async")]
pub use async_client::AsyncClient;
pub use client::{Client, Interrupter, Next};
pub use fault::ConnectFault;
pub use martlet_codec::{
    Filters, FiltersBuf, FiltersIter, Malformed, PacketId, PacketType, Place, Properties, PropertiesBuf,
    PropertiesIter, Property, ProtocolName, QoS, QoSLevel, ReasonCode, RetainHandling, Share, Subscription,
    SubscriptionOptions, TopicFilter, TopicFilters, TopicFiltersBuf, TopicFiltersIter, TopicName, Version,
};
pub use martlet_net::{Address, BadUrl, Endpoint, Fault, FaultKind, Scheme, Url};
pub use martlet_protocol::client::{
    Authentication, ConnectOptions, Connection, End, Event, REQUESTS_MAX, Received, Refused, ServerLimits,
    Token, Welcome, WillRequest,
};
pub use martlet_protocol::{
    Fatal, Limits, Message, NEVER_EXPIRES, OtherProtocol, Parts, PeerLimits, Publication, SubscriptionIds,
    Time, Violation,
};

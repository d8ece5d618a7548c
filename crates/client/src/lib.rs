//! A blocking MQTT client, and with the feature `async` one for tokio: thin drivers round
//! [`martlet_protocol::client::Connection`].
//!
//! No thread and no task: nothing happens behind the caller's back, and whatever waits is bounded.
//! What MQTT means is decided in `martlet-protocol`; here bytes are moved and a clock is read.
//!
//! ```
//! use martlet_client::{Client, ConnectOptions, Endpoint, Event, Next, Version};
//! use std::time::Duration;
//!
//! # // A server of one connection: CONNACK, SUBACK, one message, the end.
//! # use std::io::{Read, Write};
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let url = format!("mqtt://{}", listener.local_addr()?);
//! # let server = std::thread::spawn(move || -> std::io::Result<()> {
//! #     let (mut stream, mut read) = (listener.accept()?.0, [0; 512]);
//! #     stream.read(&mut read)?;
//! #     stream.write_all(b"\x20\x03\x00\x00\x00")?;
//! #     stream.read(&mut read)?;
//! #     stream.write_all(&[0x90, 4, read[2], read[3], 0, 1])?;
//! #     stream.write_all(b"\x30\x0c\x00\x08nest/egg\x00!")
//! # });
//! # let print = |topic: &str| assert_eq!(topic, "nest/egg");
//! # let mut messages = 0;
//! # /*
//! let url = "mqtt://127.0.0.1:1883";
//! # */
//! let endpoint: Endpoint = url.parse()?;
//! let options = ConnectOptions::new(Version::V5, "swift");
//! let (mut client, _welcome) = Client::connect(&endpoint, options, Duration::from_secs(10))?;
//! client.subscribe_one("nest/+", 1)?;
//! while let Next::Event(event) = client.next(None) {
//!     if let Event::Message(received) = event {
//!         println!("{}", received.publication.message().topic);
//! #       print(received.publication.message().topic.as_str());
//! #       messages += 1;
//!     }
//! }
//! # server.join().expect("it does not panic")?;
//! # assert_eq!(messages, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything that a signature here has in it, down to [`ServerLimits`] and [`Publication`], has its name in this
//! crate: a program that uses it needs no other one of Martlet's.
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

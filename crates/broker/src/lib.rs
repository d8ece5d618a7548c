//! The broker as a program runs it: listeners, configuration, and one thread per shard round a poll loop.
//!
//! The only floor of the broker with sockets and clocks. What MQTT means is decided in `martlet-shard`; here
//! bytes are moved, in the order that [`martlet_shard::Input`] and [`martlet_shard::Effect`] lay down.
//!
//! ```no_run
//! let signals = martlet_broker::Signals::catch()?;
//! let broker = martlet_broker::Broker::start(martlet_broker::Config::default())?;
//! signals.control(broker.handle())?;
//! println!("listening on {}", broker.endpoints()[0]);
//! broker.join()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod broker;
mod clock;
mod config;
mod descriptors;
mod mailboxes;
mod parking;
mod reactor;
mod shared;
mod signals;
mod trim;
mod warning;

pub use broker::{Broker, Failure, Handle};
pub use config::{BadConfig, Config, ConfigFault, ListenerConfig, LoadFault};
pub use signals::Signals;

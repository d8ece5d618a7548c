//! Byte streams: the URLs that name them, the listeners that accept them, blocking streams for clients.
//!
//! Knows no MQTT beyond the names of URL schemes, starts no thread and reads no configuration. Sockets are
//! the standard library's, so any poll loop can take them over. What the world refuses is a [`Fault`]: one
//! line that says what was tried, what went wrong and what to do about it.

mod delay;
mod fault;
mod listener;
mod resolve;
mod stream;
mod unix;
mod url;

pub use delay::set_quick_ack;
pub use fault::{Fault, FaultKind};
pub use listener::{Listener, Socket};
pub use stream::Stream;
pub use unix::SocketFile;
pub use url::{Address, BadUrl, Endpoint, Scheme, Url};

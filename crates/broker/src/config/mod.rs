//! What a broker can be told: the defaults, and the rules between the parts. Reads no file by itself.

mod fault;
mod file;
mod options;
#[cfg(test)]
mod tests;

pub use fault::{BadConfig, ConfigFault, LoadFault};

use martlet_net::{Endpoint, Listener};
use martlet_shard::ShardId;
use std::path::Path;
use std::thread;

/// More shards than this do not fit the masks that say who is interested.
pub(crate) const SHARDS_MAX: u8 = 64;

/// Everything that a broker is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; at least one.
    pub listeners: Vec<ListenerConfig>,
    /// Threads, 1 to 64; `None` is one per core.
    pub shards: Option<u8>,
    /// Open connections over all shards; `None` is as many as the limit of open files allows.
    pub max_connections: Option<usize>,
    /// What the shards allow. Their numbers, their count and the seed are filled in when the broker starts;
    /// `memory_bytes_max` is for all of them together.
    pub shard: martlet_shard::Config,
}

/// A place to listen, and who comes in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Where.
    pub endpoint: Endpoint,
    /// Whether clients need no name; `None` is only on listeners of loopback addresses and Unix sockets.
    pub allow_anonymous: Option<bool>,
    /// Whether topics, client ids and user names may have control characters in them.
    pub allow_control_characters: bool,
    /// Permissions of a Unix socket's file: who may write to it may connect.
    pub mode: u32,
    /// Whether the broker starts without it when this machine has no such address.
    pub optional: bool,
}

impl ListenerConfig {
    /// A listener with the usual rules.
    pub fn new(endpoint: Endpoint) -> Self {
        ListenerConfig {
            endpoint,
            allow_anonymous: None,
            allow_control_characters: true,
            mode: Listener::UNIX_MODE,
            optional: false,
        }
    }
}

impl Default for Config {
    /// 127.0.0.1:1883 and, where the machine has IPv6, [::1]:1883.
    fn default() -> Self {
        let v6 = ListenerConfig { optional: true, ..ListenerConfig::new(Endpoint::tcp("::1", 1883)) };
        let listeners = vec![ListenerConfig::new(Endpoint::tcp("127.0.0.1", 1883)), v6];
        Config { listeners, shards: None, max_connections: None, shard: martlet_shard::Config::default() }
    }
}

impl Config {
    /// Reads a TOML file; what it does not mention stays as in [`Config::default`].
    ///
    /// # Errors
    /// The file cannot be read, or every fault that is in it.
    pub fn load(path: &Path) -> Result<Self, LoadFault> {
        let bytes = std::fs::read(path).map_err(|e| LoadFault::unreadable(path, e))?;
        let file = path.display().to_string();
        let text = str::from_utf8(&bytes).map_err(|bad| BadConfig::not_utf8(&file, &bytes, bad));
        text.and_then(|text| Self::from_toml(text, &file)).map_err(LoadFault::Bad)
    }

    /// Reads TOML that came from `file`, which is only a name for messages.
    ///
    /// # Errors
    /// Every fault that is in it.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, BadConfig> {
        file::read(text, file)
    }

    /// How many shards there will be.
    pub fn shard_count(&self) -> u8 {
        let cores =
            || thread::available_parallelism().map_or(1, |n| u8::try_from(n.get()).unwrap_or(SHARDS_MAX));
        self.shards.unwrap_or_else(cores).clamp(1, SHARDS_MAX)
    }

    pub(crate) fn shard(self, shard: ShardId, shards: u8, seed: u64) -> martlet_shard::Config {
        let memory_bytes_max = self.shard.memory_bytes_max / u64::from(shards);
        martlet_shard::Config { shard, shards, seed, memory_bytes_max, ..self.shard }
    }
}

//! The limit of open files: raised to what the system allows, and what it leaves for connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not connections: standard streams, log, listeners and poll handles of each shard.
const RESERVE: u64 = 32;
const RESERVE_PER_SHARD: u64 = 8;

/// Raises the soft limit to the hard one; the number of open files that this process may have.
pub(crate) fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current == limit.maximum {
        return limit.current;
    }
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            tracing::debug!(from = limit.current, to = limit.maximum, "raised the limit of open files");
            limit.maximum
        }
        Err(error) => {
            tracing::debug!(%error, limit = limit.current, "cannot raise the limit of open files");
            limit.current
        }
    }
}

/// How many connections fit under `limit` open files.
pub(crate) fn connections_max(limit: Option<u64>, shards: u8) -> usize {
    let reserve = RESERVE + RESERVE_PER_SHARD * u64::from(shards);
    let left = limit.unwrap_or(u64::MAX).saturating_sub(reserve).max(1);
    usize::try_from(left).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_kept() {
        assert_eq!(connections_max(Some(1024), 2), 1024 - 48);
        assert_eq!(connections_max(Some(10), 2), 1);
        assert_eq!(connections_max(None, 2), usize::MAX - 48);
    }
}

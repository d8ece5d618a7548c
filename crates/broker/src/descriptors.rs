//! The limit of open files: raised to what the system allows, and what it leaves for connections.

use martlet_net::Fault;
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

/// Standard streams and the pipe for signals.
const NEEDED: u64 = 6;
/// A poll, its waker, and a descriptor in reserve.
const NEEDED_PER_SHARD: u64 = 3;

/// Refuses to start what could not accept a single connection.
pub(crate) fn check(limit: Option<u64>, shards: u8, listeners: usize) -> Result<(), Fault> {
    let Some(limit) = limit else { return Ok(()) };
    let shards = u64::from(shards);
    let needed = NEEDED + shards * (NEEDED_PER_SHARD + listeners as u64) + 1;
    if limit >= needed {
        return Ok(());
    }
    let what = format!(
        "the limit of open files is {limit}, and {shards} shards with {listeners} listeners need at least {needed}"
    );
    Err(Fault::limit("start", what, "raise it (ulimit -n, LimitNOFILE= of systemd), or run fewer shards"))
}

/// How many connections there is room for, and why no more, for the log.
pub(crate) fn room(limit: Option<u64>, shards: u8, max_connections: Option<usize>, most: usize) -> String {
    let kept = reserve(shards);
    match limit {
        _ if max_connections == Some(most) => format!("room for {most} connections: max_connections"),
        None => "room for any number of connections: open files are not limited".to_owned(),
        Some(limit) if limit <= kept => format!(
            "room for {most} connection: the limit of open files is {limit}, and the broker itself may need {kept}"
        ),
        Some(limit) => format!(
            "room for {most} connections: the limit of open files is {limit}, of which {kept} are kept for the broker itself"
        ),
    }
}

/// How many connections fit under `limit` open files.
pub(crate) fn connections_max(limit: Option<u64>, shards: u8) -> usize {
    let left = limit.unwrap_or(u64::MAX).saturating_sub(reserve(shards)).max(1);
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// Descriptors that are kept for the broker itself.
fn reserve(shards: u8) -> u64 {
    RESERVE + RESERVE_PER_SHARD * u64::from(shards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_serve_anybody_does_not_start() {
        assert!(check(Some(17), 2, 2).is_ok());
        let fault = check(Some(16), 2, 2).expect_err("not one connection");
        assert!(fault.is_resource_limit());
        let text = fault.to_string();
        assert!(text.contains("open files is 16") && text.contains("need at least 17"), "{text}");
        assert!(check(None, 64, 100).is_ok());
    }

    #[test]
    fn the_room_is_explained_whatever_the_limit() {
        let told = |limit| room(Some(limit), 2, None, connections_max(Some(limit), 2));
        assert_eq!(
            told(64),
            "room for 16 connections: the limit of open files is 64, of which 48 are kept for the broker itself"
        );
        assert_eq!(
            told(16),
            "room for 1 connection: the limit of open files is 16, and the broker itself may need 48"
        );
    }

    #[test]
    fn a_reserve_is_kept() {
        assert_eq!(connections_max(Some(1024), 2), 1024 - 48);
        assert_eq!(connections_max(Some(10), 2), 1);
        assert_eq!(connections_max(None, 2), usize::MAX - 48);
    }
}

//! What the two directions between this replica and one peer share.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use quinn::Connection;
use tetrarch_types::Lane;
use tokio::{sync::Notify, time::Instant};

use super::queue::LaneQueue;
use crate::{backoff::Backoff, close::CloseCode, lock::locked};

/// The first and the longest time for which a misbehaving peer is not let in again.
const BAN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// After so long without misbehaviour it starts over.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// One peer.
#[derive(Debug)]
pub(crate) struct Link {
    votes: LaneQueue,
    bulk: LaneQueue,
    /// Whether the outgoing connection is up.
    pub(crate) connected: AtomicBool,
    /// The peer was just heard of: a good moment to dial it.
    pub(crate) heard: Notify,
    incoming: Mutex<Option<Connection>>,
    standing: Mutex<Standing>,
}

#[derive(Debug)]
struct Standing {
    ban: Backoff,
    /// Until when the peer is kept out, and when that was decided.
    banned: Option<(Instant, Instant)>,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self {
            votes: LaneQueue::of(Lane::Votes),
            bulk: LaneQueue::of(Lane::Bulk),
            connected: AtomicBool::new(false),
            heard: Notify::new(),
            incoming: Mutex::default(),
            standing: Mutex::new(Standing { ban: Backoff::new(BAN.0, BAN.1), banned: None }),
        }
    }

    /// The queue of a lane.
    pub(crate) fn queue(&self, lane: Lane) -> &LaneQueue {
        match lane {
            Lane::Votes => &self.votes,
            Lane::Bulk => &self.bulk,
        }
    }

    /// Queues a frame; returns how many older ones were dropped for it.
    pub(crate) fn push(&self, lane: Lane, frame: Bytes) -> u64 {
        self.queue(lane).push(frame)
    }

    /// Whether the outgoing connection is up.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Relaxed)
    }

    /// Makes this the incoming connection. An older one is closed.
    pub(crate) fn take_over(&self, connection: &Connection) {
        let older = locked(&self.incoming).replace(connection.clone());
        if let Some(older) = older {
            CloseCode::Replaced.close(&older, "a newer connection takes its place");
        }
    }

    /// Forgets an incoming connection that ended, unless a newer one took its place.
    pub(crate) fn let_go(&self, connection: &Connection) {
        let mut incoming = locked(&self.incoming);
        if incoming.as_ref().is_some_and(|current| current.stable_id() == connection.stable_id()) {
            *incoming = None;
        }
    }

    /// Forgets the incoming connection. A handle of it keeps its socket.
    pub(crate) fn clear(&self) {
        locked(&self.incoming).take();
    }

    /// Keeps the peer out for a while; longer each time, until it behaves for a minute. Returns for how long.
    pub(crate) fn misbehaved(&self) -> Duration {
        let now = Instant::now();
        let mut standing = locked(&self.standing);
        if standing.banned.is_some_and(|(_, since)| now.duration_since(since) > FORGIVEN_AFTER) {
            standing.ban.reset();
        }
        let pause = standing.ban.pause();
        standing.banned = Some((now + pause, now));
        pause
    }

    /// Whether the peer is kept out at the moment.
    pub(crate) fn is_banned(&self) -> bool {
        locked(&self.standing).banned.is_some_and(|(until, _)| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_peer_that_misbehaves_again_waits_longer() {
        let link = Link::new();
        assert!(!link.is_banned());
        assert_eq!(link.misbehaved(), BAN.0);
        assert!(link.is_banned());
        assert_eq!(link.misbehaved(), BAN.0 * 2);
        (0..10).for_each(|_| assert!(link.misbehaved() <= BAN.1));
    }
}

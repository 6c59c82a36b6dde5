//! What bounds the gateway. The store's own bounds are in [`tetrarch_kv::store::bounds`].

use std::time::Duration;

use tetrarch_kv::store::bounds::MAX_REQUEST_BYTES;

use crate::snapshot::Bounds;

/// A request message's bytes beyond which it is too large: etcd's default.
pub(crate) const MAX_MESSAGE_BYTES: usize = MAX_REQUEST_BYTES;

/// What is read of a message at all. Up to here a request that is too large is told so in etcd's words.
pub(crate) const MAX_DECODED_BYTES: usize = 4 * 1024 * 1024;

/// How long a call may wait for the cluster. Beyond that its effect is unknown, as in etcd.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the one message of a call may take to come, all of it: a call that never does would keep its place for ever.
pub(crate) const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause before replicas are asked again who leads, where the primary was asked to give way.
pub(crate) const MOVE_LOOK: Duration = Duration::from_millis(20);

/// How long a cluster may show no leader before whoever requires one is told that there is none. It is looked for every second, and a view change takes one or two.
pub(crate) const LEADER_PATIENCE: Duration = Duration::from_secs(5);

/// Requests that wait to be ordered. Whoever comes when all places are taken waits at the door.
pub(crate) const WAITING_REQUESTS: usize = 1_024;

/// The bytes of requests that wait or are under way. What does not fit waits at the door too.
pub(crate) const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Commands on their way at once.
pub(crate) const COMMANDS_UNDER_WAY: usize = 8;

/// How long requests wait for others to travel with: for those of callers that were just answered, and for anybody's beside commands that are
/// under way.
pub(crate) const GATHERING: Duration = Duration::from_millis(1);

/// Queries on their way at once.
pub(crate) const QUERIES_UNDER_WAY: usize = 256;

/// The bytes of keys and values in one answer that is put together from pages.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Pages of names in which the keys of a large range are counted.
pub(crate) const MAX_COUNT_PAGES: usize = 64;

/// Pages of one list of leases.
pub(crate) const MAX_LEASE_PAGES: usize = 20;

/// How often a page of a snapshot is asked for where replicas do not agree on it.
pub(crate) const PAGE_ATTEMPTS: usize = 8;

/// How often a range that comes in pages is begun, where the revision that is read is compacted meanwhile.
pub(crate) const RANGE_ATTEMPTS: usize = 8;

/// What a snapshot may hold. The bytes, which take room on disk, are what etcd advises as the most for a database; each record takes 24 bytes of
/// memory, and half as many again for a moment.
pub(crate) const SNAPSHOT_BOUNDS: Bounds =
    Bounds { records: 4 * 1024 * 1024, bytes: 8 * 1024 * 1024 * 1024, leases: 100_000 };

/// Snapshots under way at once.
pub(crate) const SNAPSHOTS_UNDER_WAY: usize = 1;

/// How long a caller may take for a snapshot before its first message, and beyond [`SNAPSHOT_PACE`] on the whole: it keeps others from theirs.
pub(crate) const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(60);

/// How long a caller may take for each message of a snapshot, 32 KiB: 64 KiB a second.
pub(crate) const SNAPSHOT_PACE: Duration = Duration::from_millis(500);

/// Keepalives of one stream under way at once.
pub(crate) const KEEPALIVES_UNDER_WAY: usize = 64;

/// Connections at once, 1 024 of one host.
pub(crate) const MAX_CONNECTIONS: usize = 1_280;

/// How long a TLS handshake may take.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take until it is known which HTTP it speaks. A connection on which nothing is said would keep its place for ever.
pub(crate) const OPENING_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection whose client takes nothing of what is written to it for so long is given up, whatever it speaks; whoever speaks HTTP/2 is by then, for
/// no ping comes back either.
pub(crate) const TAKING_TIMEOUT: Duration = Duration::from_secs(60);

/// Calls and streams of one connection at once.
pub(crate) const MAX_STREAMS: u32 = 1_024;

/// Calls of one connection that were cancelled before the gateway looked at them; with one more the connection is closed. A client that cancels all that it
/// asked at once has them come together, and its watches and leases are on the same connection: so it may be all that can be open. What such a
/// call costs until then is what an open one costs, so a flood of them takes twice the memory of as many calls that stay.
pub(crate) const MAX_CANCELLED_UNSEEN: usize = MAX_STREAMS as usize;

/// A connection on which nothing comes back for so long after a ping is given up.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What is still under way so long after the end was asked for is not waited for.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// The bytes of what happened last that all watches are served from. One revision may be more.
pub(crate) const LOG_BYTES: usize = 16 * 1024 * 1024;

/// The revisions of what happened last.
pub(crate) const LOG_REVISIONS: usize = 16_384;

/// Watches at once that are told of what lies further back: each follows the story on its own. The others wait for their turn.
pub(crate) const HISTORIES: usize = 10;

/// Those of one host.
pub(crate) const HISTORIES_OF_HOST: usize = 8;

/// How long a watch may be told of what lies further back before it gives way to others that wait for a place: then they take turns, however slowly any of
/// their clients reads.
pub(crate) const HISTORY_TURN: Duration = Duration::from_secs(2);

/// Watches at once, of all clients: 16 384 of one host.
pub(crate) const MAX_WATCHES: usize = 20_480;

/// A watch whose client does not read for so long lets go of what it is to be told, and finds it again when the client goes on. Of a response in
/// fragments that was begun it keeps the rest, but no place in the history.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(1);

/// Revisions in one response to a watch that began in the past: etcd's.
pub(crate) const MAX_BUNDLED_REVISIONS: usize = 1_000;

/// The bytes of events in one such response, beyond which it takes no further revision.
pub(crate) const MAX_BUNDLED_BYTES: usize = MAX_REQUEST_BYTES;

/// A response that is more than this comes in fragments, if the client takes them: etcd's.
pub(crate) const FRAGMENT_BYTES: usize = MAX_REQUEST_BYTES + 512 * 1024;

/// How often a quiet watch is told how far it is, if it asked for that: etcd's.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_secs(600);

/// The pause before the cluster is asked again for a place to begin with.
pub(crate) const HUB_PAUSE: Duration = Duration::from_secs(1);

/// How long a compaction waits for the watches to have heard of what it compacts.
pub(crate) const COMPACTION_PATIENCE: Duration = Duration::from_secs(1);

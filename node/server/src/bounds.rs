//! The size of every queue in a node, with its reason. The protocol's own limits are in [`tetrarch_types::limits`].

use std::time::Duration;

/// Inputs of one turn: one fsync serves them all, and a turn of votes stays below ten milliseconds.
pub(crate) const TURN_INPUTS: usize = 512;

/// Votes of one turn. The rest of the turn belongs to bulk and clients, so that a flood of votes cannot starve proposals.
pub(crate) const TURN_VOTES: usize = 384;

/// Bulk messages of one turn, at most: those of peers must not starve what clients send, either.
pub(crate) const TURN_BULK: usize = 96;

/// Bytes of one turn's inputs: about the largest batch, so that records of one turn stay within a few megabytes.
pub(crate) const TURN_BYTES: usize = 4 * 1024 * 1024;

/// Verified votes of one peer that wait for the driver, in bytes: twice a whole default window of three phases.
pub(crate) const INBOX_VOTES_BYTES: usize = 512 * 1024;

/// Verified bulk messages of one peer that wait for the driver, in bytes: two turns of them, or one message that is larger.
pub(crate) const INBOX_BULK_BYTES: usize = 8 * 1024 * 1024;

/// Verified transactions that wait for the driver, in bytes. The pool behind it is far larger; this only bridges a turn.
pub(crate) const INBOX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// Votes that the transport hands over and nobody has looked at yet.
pub(crate) const VOTES_CHANNEL: usize = 4_096;

/// One peer's votes that wait for verification: several times what a start says, or an answer to a status. What comes beyond is dropped: peers
/// repeat what somebody lacks, and a flood costs its sender only.
pub(crate) const PEER_VOTES: usize = 4_096;

/// Bulk messages that the transport hands over. Each may have 16 MiB; they are sorted into the peers' own queues at once.
pub(crate) const BULK_CHANNEL: usize = 8;

/// One peer's bulk messages that wait for verification: enough for a view change and the proposals behind it.
pub(crate) const PEER_BULK_MESSAGES: usize = 256;

/// One peer's bulk messages that wait for verification, in bytes: two maximal frames. What does not fit is dropped: the
/// replica asks again for what it lacks, and a flood costs its sender only.
pub(crate) const PEER_BULK_BYTES: usize = 32 * 1024 * 1024;

/// Client requests that the transport hands over and nobody has looked at yet.
pub(crate) const CLIENT_CHANNEL: usize = 1_024;

/// Transactions that wait for verification, half of them those of one host. At 25 µs a signature that half is a tenth of a second of work.
pub(crate) const UNVERIFIED_TRANSACTIONS: usize = 8_192;

/// Transactions that wait for verification, in bytes; half of them those of one host.
pub(crate) const UNVERIFIED_BYTES: usize = 64 * 1024 * 1024;

/// Signatures checked together at most: beyond it a batch gains little and delays the first of them.
pub(crate) const CHUNK_SIGNATURES: usize = 256;

/// How long what a peer or a client's host signed is checked apart after one of its signatures did not hold: until then each of them would
/// cost everybody's batch a search.
pub(crate) const DISTRUST: Duration = Duration::from_secs(10);

/// Hosts that are checked apart at most: more cannot have connections for long.
pub(crate) const DISTRUSTED: usize = 1_024;

/// Client signatures checked together: a smaller chunk, because proposals share these workers and wait for the chunk's end.
pub(crate) const CLIENT_CHUNK: usize = 64;

/// Decided batches that wait for execution. The replica's pipeline is eight; a catching-up one may run ahead a little. The
/// driver waits when it is full, and the executor never waits for the driver.
pub(crate) const EXECUTOR_QUEUE: usize = 32;

/// Results and refusals that wait for egress.
pub(crate) const EGRESS_QUEUE: usize = 1_024;

/// Batches whose signed result root egress keeps, for answers from the reply cache.
pub(crate) const SIGNED_RESULTS: usize = 1_024;

/// Clients that wait for a result, in total: as many as the pool holds transactions. Half of them those of one host.
pub(crate) const WAITERS: usize = 32_768;

/// Clients that wait for the same transaction: a client and a few impatient retransmissions.
pub(crate) const WAITERS_PER_TRANSACTION: usize = 8;

/// How long a client may wait before it is forgotten. It asks again long before.
pub(crate) const WAITER_LIFE: Duration = Duration::from_secs(120);

/// How often forgotten waiters are swept out.
pub(crate) const WAITER_SWEEP: Duration = Duration::from_secs(5);

/// Queries that run at once, each on a thread of the blocking pool.
pub(crate) const QUERIES: usize = 32;

/// Queries that wait until one of those is done, each of at most [`MAX_QUESTION_BYTES`](tetrarch_types::limits::MAX_QUESTION_BYTES), half of them
/// those of one host; one more is answered with "busy", and its client asks again a tenth of a second later.
pub(crate) const QUERIES_IN_LINE: usize = 2_048;

/// How long a question waits for its turn at most. Clients that waited as long ask again, and what nobody waits for must not be worked on.
pub(crate) const TURN_WITHIN: Duration = Duration::from_secs(1);

/// Queries of those who follow the state that run at once, of the queries above.
pub(crate) const FOLLOWERS_ANSWERED: usize = QUERIES / 2;

/// Reads that wait until something more is executed, half of them those of one host, and as many that wait for what clients were told of. Each costs a place in memory, and a query's
/// place when its time has come.
pub(crate) const PARKED: usize = 4_096;

/// How long such a read waits at most: then it is answered with what there is, so that a client knows that the replica is alive.
pub(crate) const PARKED_FOR: Duration = Duration::from_secs(10);

/// How long a read waits at most for a batch of which clients were told before it was decided (rule X-4). That takes as long as one message; where
/// it takes longer than this, a view is changing or this node is cut off, and who reads asks again.
pub(crate) const TOLD_FOR: Duration = Duration::from_secs(1);

/// Questions for a node's status that run at once, half of them those of one host.
pub(crate) const STATUS_QUERIES: usize = 8;

/// Bytes of a supply that a peer may have in a second: after each it rests until they are paid for. A quarter of a gigabit link.
pub(crate) const SUPPLY_BYTES_A_SECOND: u64 = 32 * 1024 * 1024;

/// How many times as long as it took to serve a peer that peer then rests: what is expensive to read and short to tell has its price
/// too. Half of the one thread that serves is the most that a peer can have.
pub(crate) const SUPPLY_REST: u32 = 1;

/// The least time between two supplies to one peer, whatever they cost: with 64 batches each, 6400 batches a second.
pub(crate) const SUPPLY_INTERVAL: Duration = Duration::from_millis(10);

/// The same for parts of a state, of which a supply holds fewer.
pub(crate) const STATE_INTERVAL: Duration = Duration::from_millis(5);

/// What one peer may lack at once: a transfer asks each peer four times ahead.
pub(crate) const PEER_WISHES: usize = 8;

/// Times that a running node starts anew to repair what is damaged; a disk that goes on losing bytes is not for a program to mend.
pub(crate) const REPAIRS: usize = 3;

/// Proofs of equivocation kept for one replica: one convicts it, a few more tell its manner.
pub(crate) const EVIDENCE_PER_REPLICA: usize = 16;

/// How long a shutdown waits for each part before it goes on without it.
pub(crate) const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(10);

/// How often a shutdown looks whether its ports are free again.
pub(crate) const RELEASE_POLL: Duration = Duration::from_millis(5);

/// How long the driver sleeps when the replica's deadline has passed but brought no effect: never a busy loop.
pub(crate) const IDLE_STEP: Duration = Duration::from_millis(1);

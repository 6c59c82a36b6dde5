//! The envelope's own tables, and typed rows in them.

use tetrarch_storage::{Reader, StoreError, Table, WriteBatch};
use tetrarch_types::{SeqNum, Timestamp, encode};

use super::StateMachine;
use crate::tables::{Overlay, corrupt, row};

/// What every reserved table's name begins with.
pub(super) const RESERVED_PREFIX: &str = "execution.";

/// Public key → [`Sender`](tetrarch_types::Sender).
pub(super) const SENDERS: Table = Table::new("execution.senders");
/// Batch, part → the replies of that part, as [`CachedReply`](super::replies::CachedReply)s.
pub(super) const REPLIES: Table = Table::new("execution.replies");
/// One row: [`Progress`].
pub(super) const PROGRESS: Table = Table::new("execution.progress");
/// One row: [`Configuration`](super::chain::Configuration).
pub(super) const CONFIGURATION: Table = Table::new("execution.configuration");

/// The envelope's share of what stands under the state root.
pub(super) const ROOTED: [Table; 4] = [SENDERS, REPLIES, PROGRESS, CONFIGURATION];

/// Everything under the state root: the machine's tables and the envelope's.
pub(crate) fn rooted<M: StateMachine>(machine: &M) -> Vec<Table> {
    [machine.tables(), &ROOTED].concat()
}

/// Agreed time of last use, by the minute, public key → nothing: the order in which idle senders are dropped.
pub(super) const IDLE: Table = Table::new("execution.idle");
/// Transaction id, place of its reply → nothing.
pub(super) const ANSWERS: Table = Table::new("execution.answers");
/// Public key, nonce, place of the reply → the id of the transaction that spent it.
pub(super) const NONCES: Table = Table::new("execution.nonces");

/// What follows from the rooted rows. Every row of it belongs to one reply or one sender, so it can be made from that alone.
pub(super) const INDEXES: [Table; 3] = [IDLE, ANSWERS, NONCES];

/// This node's own: genesis digest, format, checkpoint roots, the ledger's size, an installation under way.
pub(super) const LOCAL: Table = Table::new("execution.local");
/// Sequence number → the batch and its certificate.
pub(super) const LEDGER: Table = Table::new("execution.ledger");
/// Sequence number, index → the transactions from there on, about 16 KiB of them.
pub(super) const BODIES: Table = Table::new("execution.bodies");
/// Transaction id → where it stands in `BODIES`.
pub(super) const PLACES: Table = Table::new("execution.places");

/// What is not part of the state that replicas agree on.
pub(super) const NODE_LOCAL: [Table; 4] = [LOCAL, LEDGER, BODIES, PLACES];

/// The key of [`PROGRESS`]'s row.
pub(super) const PROGRESS_KEY: &[u8] = b"progress";

/// The bytes of a key at most, in any table of the envelope or of a machine.
const MAX_ROW_KEY_BYTES: usize = 8_192;

/// How far execution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Progress {
    pub(super) executed: SeqNum,
    pub(super) agreed_time: Timestamp,
    pub(super) cache: Extent,
}

/// How much the reply cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Extent {
    /// Replies.
    pub(super) replies: u64,
    /// The bytes of the rows that hold them, keys apart.
    pub(super) reply_bytes: u64,
    /// The oldest batch that still has replies; 0 before the first that had any.
    pub(super) oldest_reply: SeqNum,
}

impl Progress {
    /// A chain starts with this row, so that one without it is seen to be damaged, and not taken for a new one.
    pub(super) fn read(reader: &dyn Reader) -> Result<Self, StoreError> {
        row(reader, PROGRESS, PROGRESS_KEY)?.ok_or_else(|| corrupt(PROGRESS, "it is missing"))
    }

    pub(super) fn put(&self, state: &mut Overlay<'_>) {
        state.put(PROGRESS, PROGRESS_KEY, encode(self));
    }
}

/// The key of a row that belongs to a batch; such rows are in the batches' order.
pub(super) fn seq_key(seq: SeqNum) -> Vec<u8> {
    seq.get().to_be_bytes().to_vec()
}

/// Empties whole tables without reading them: what is damaged goes as well.
pub(super) fn empty(batch: &mut WriteBatch, tables: &[Table]) {
    for table in tables {
        batch.delete_range(*table, [], [u8::MAX; MAX_ROW_KEY_BYTES + 1]);
    }
}

//! The envelope's own tables, and typed rows in them.

use serde::{Serialize, de::DeserializeOwned};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::{SeqNum, Timestamp, decode, encode};

use super::Overlay;

/// What every reserved table's name begins with.
pub(super) const RESERVED_PREFIX: &str = "execution.";

/// Public key → [`Sender`](tetrarch_types::Sender).
pub(super) const SENDERS: Table = Table::new("execution.senders");
/// Agreed time of last use, public key → nothing: the order in which idle senders are dropped.
pub(super) const IDLE: Table = Table::new("execution.idle");
/// Transaction id → [`StoredReply`](super::StoredReply).
pub(super) const REPLIES: Table = Table::new("execution.replies");
/// Public key, nonce → the id of the transaction that spent it.
pub(super) const NONCES: Table = Table::new("execution.nonces");
/// One row: [`Progress`].
pub(super) const PROGRESS: Table = Table::new("execution.progress");

/// The envelope's share of the replicated state.
pub(super) const REPLICATED: [Table; 5] = [SENDERS, IDLE, REPLIES, NONCES, PROGRESS];

/// What of it stands under the state root. The reply cache and the indexes are left out: they follow from the same batches, each
/// reply is certified by its batch's results, and hashing a quarter of a million cached replies would take most of a second.
pub(super) const ROOTED: [Table; 2] = [SENDERS, PROGRESS];

/// This node's own: genesis digest, format, checkpoint roots.
pub(super) const LOCAL: Table = Table::new("execution.local");
/// Sequence number → the batch and its certificate.
pub(super) const LEDGER: Table = Table::new("execution.ledger");
/// Sequence number, index → the transaction.
pub(super) const BODIES: Table = Table::new("execution.bodies");
/// Transaction id → where it stands in `BODIES`.
pub(super) const PLACES: Table = Table::new("execution.places");

/// What is not part of the state that replicas agree on.
pub(super) const NODE_LOCAL: [Table; 4] = [LOCAL, LEDGER, BODIES, PLACES];

/// The key of [`PROGRESS`]'s row.
const PROGRESS_KEY: &[u8] = b"progress";
/// The row of `LOCAL` that holds the latest checkpoints' roots.
pub(super) const CHECKPOINTS_KEY: &[u8] = b"checkpoints";
/// The row of `LOCAL` that holds the chain's genesis digest.
pub(super) const GENESIS_KEY: &[u8] = b"genesis";
/// The row of `LOCAL` that holds the version of all these tables.
pub(super) const FORMAT_KEY: &[u8] = b"format";

/// How far execution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Progress {
    pub(super) executed: SeqNum,
    pub(super) agreed_time: Timestamp,
}

impl Progress {
    pub(super) fn read(reader: &dyn Reader) -> Result<Self, StoreError> {
        Ok(row(reader, PROGRESS, PROGRESS_KEY)?.unwrap_or_default())
    }

    pub(super) fn put(&self, state: &mut Overlay<'_>) {
        state.put(PROGRESS, PROGRESS_KEY, encode(self));
    }
}

/// The roots at the latest checkpoints, ascending.
pub(super) fn checkpoints(reader: &dyn Reader) -> Result<Vec<(SeqNum, Digest)>, StoreError> {
    Ok(row(reader, LOCAL, CHECKPOINTS_KEY)?.unwrap_or_default())
}

/// Reads a typed row.
pub(crate) fn row<T>(reader: &dyn Reader, table: Table, key: &[u8]) -> Result<Option<T>, StoreError>
where
    T: Serialize + DeserializeOwned,
{
    reader.get(table, key)?.map(|bytes| value(table, &bytes)).transpose()
}

/// Decodes a row's value. Nothing but damage makes it unreadable, because it was written here.
pub(crate) fn value<T: Serialize + DeserializeOwned>(table: Table, bytes: &[u8]) -> Result<T, StoreError> {
    decode(bytes, usize::MAX).map_err(|error| corrupt(table, &error.to_string()))
}

/// The error for a row that was not written like this.
pub(super) fn corrupt(table: Table, reason: &str) -> StoreError {
    StoreError::Corrupt { place: format!("A row of the table {:?}", table.name()), reason: reason.to_owned() }
}

/// Reads fixed bytes out of a key or value, which must have exactly `N` of them.
pub(super) fn fixed<const N: usize>(table: Table, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| corrupt(table, &format!("it has {} bytes where {N} are due", bytes.len())))
}

/// The first key behind this one.
pub(crate) fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

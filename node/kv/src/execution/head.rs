//! Where execution stands, as kept in memory.

use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError, WriteBatch};
use tetrarch_types::{SeqNum, encode};

use super::chain::Condition;
use super::folding::Folding;
use super::ledger::{self, Kept};
use super::rows::{LOCAL, Progress};
use crate::tables::Overlay;
use crate::tables::{row, unless_damaged};

/// Checkpoint roots that are remembered.
const CHECKPOINTS_KEPT: usize = 4;

/// The row of `LOCAL` that holds the latest checkpoints' roots.
const CHECKPOINTS_KEY: &[u8] = b"checkpoints";

/// The end of what is executed.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) condition: Condition,
    pub(super) progress: Progress,
    /// The roots at the latest checkpoints, ascending.
    pub(super) checkpoints: Vec<(SeqNum, Digest)>,
    /// How much the ledger holds.
    pub(super) ledger: Kept,
    /// How what changed gets into the tree.
    pub(super) folding: Folding,
}

impl Head {
    /// The head as the store has it. One that cannot be read is damage too, and means nothing.
    pub(super) fn read(reader: &dyn Reader, condition: Condition) -> Result<Self, StoreError> {
        let read = || {
            let progress = Progress::read(reader)?;
            let checkpoints = row(reader, LOCAL, CHECKPOINTS_KEY)?.unwrap_or_default();
            let ledger = ledger::kept(reader, progress.executed)?;
            Ok(Self { condition: Condition::Whole, progress, checkpoints, ledger, folding: Folding::default() })
        };
        Ok(match (unless_damaged(read())?, condition) {
            (Some(head), condition) => Self { condition, ..head },
            (None, Condition::Whole) => Self::unknown(Condition::Damaged(None)),
            (None, condition) => Self::unknown(condition),
        })
    }

    /// Whether the state is that of no batch.
    pub(super) const fn is_damaged(&self) -> bool {
        matches!(self.condition, Condition::Damaged(_))
    }

    /// Remembers a checkpoint's root beside the latest others.
    pub(super) fn remember(&mut self, state: &mut Overlay<'_>, root: Digest) {
        self.checkpoints.push((self.progress.executed, root));
        let surplus = self.checkpoints.len().saturating_sub(CHECKPOINTS_KEPT);
        self.checkpoints.drain(..surplus);
        state.put(LOCAL, CHECKPOINTS_KEY, encode(&self.checkpoints));
    }

    fn unknown(condition: Condition) -> Self {
        let ledger = Kept::from(SeqNum::ZERO.next());
        Self { condition, progress: Progress::default(), checkpoints: Vec::new(), ledger, folding: Folding::default() }
    }
}

/// Writes down a checkpoint as the only one that is known.
pub(super) fn put_only_checkpoint(batch: &mut WriteBatch, seq: SeqNum, root: Digest) {
    batch.put(LOCAL, CHECKPOINTS_KEY, encode(&vec![(seq, root)]));
}

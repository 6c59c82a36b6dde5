//! When what changed is folded into the state tree.
//!
//! Nobody is answered while the tree is folded, so that must never be much at once; and what is folded together shares pages, so it must
//! not be little either. So much is taken up together, and folded a share with each batch; the nearer a checkpoint, the sooner that begins, and
//! little is left for the batch that waits for the root. Each node's own affair: the root at a checkpoint is the same.

use tetrarch_crypto::Digest;
use tetrarch_storage::StoreError;
use tetrarch_types::SeqNum;

use crate::tables::Overlay;
use crate::tree::{self, Pass};

/// Changes that are worth a pass of their own where the next checkpoint is a whole interval away; where it is nearer, so many fewer.
const WORTH_A_PASS: u64 = 8_192;

/// A pass takes up what that many batches like the latest one changed, at least.
const BATCHES: u64 = 4;

/// For each change that a batch brings it folds so many, and so a pass ends before there is enough for another.
const PACE: usize = 2;

/// How far away the next checkpoint is.
#[derive(Clone, Copy)]
pub(super) struct Until {
    batches: u64,
    interval: u64,
}

impl Until {
    pub(super) fn next(executed: SeqNum, interval: u64) -> Self {
        let interval = interval.max(1);
        Self { batches: interval - executed.get() % interval, interval }
    }
}

/// How far folding has come, as kept in memory: in the store are the changes that are not folded, all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Folding {
    /// Changes noted since the last pass began, or since this node opened the store.
    noted: u64,
    pass: Option<Pass>,
}

impl Folding {
    /// What a batch folds that changed so many rows.
    pub(super) fn go_on(&mut self, state: &mut Overlay<'_>, changed: usize, until: Until) -> Result<(), StoreError> {
        self.noted = self.noted.saturating_add(changed as u64);
        if self.pass.is_none() && self.is_worth_a_pass(changed, until) {
            self.pass = Some(Pass::begin(state)?);
            self.noted = 0;
        }
        if let Some(pass) = &mut self.pass
            && pass.advance(state, changed.saturating_mul(PACE))?
        {
            self.pass = None;
        }
        Ok(())
    }

    fn is_worth_a_pass(&self, changed: usize, until: Until) -> bool {
        let enough = WORTH_A_PASS.saturating_mul(until.batches) / until.interval;
        self.noted >= enough.max((changed as u64).saturating_mul(BATCHES)).max(1)
    }

    /// Folds all that is left, and returns the state's root.
    pub(super) fn finish(self, state: &mut Overlay<'_>) -> Result<Digest, StoreError> {
        match self.pass {
            Some(pass) => pass.finish(state),
            None => tree::fold(state),
        }
    }
}

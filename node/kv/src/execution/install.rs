//! Replacing a state by that of a checkpoint (rule S-4).
//!
//! ```text
//!   begin_install ─── note, synced ───▶ rows, in any order and any number of writes ───▶ finish_install: one synced write
//!                                       nothing executes, nothing is answered            note and ledger go, the root stays
//! ```

use tetrarch_crypto::mutated;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_storage::{Durability, Store, StoreError, WriteBatch};
use tetrarch_types::{Applied, CheckpointCertificate};

use super::chain::{self, Condition};
use super::head::{self, Head};
use super::ledger::Kept;
use super::rows::{Progress, empty};
use super::{Execution, InstallError, StateMachine, index, ledger};
use crate::tables::Overlay;
use crate::transfer::{Local, Placed};
use crate::tree;

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Notes durably that the state here is that of no batch from now on, and which checkpoint's will take its place; `None` if
    /// none is known yet. Another target may be named at any time. Waits for a batch that executes, and for whoever asks.
    ///
    /// # Errors
    /// If the note cannot be written; then nothing may be replaced.
    pub fn begin_install(&self, target: Option<&CheckpointCertificate>) -> Result<(), StoreError> {
        let _turn = self.turn();
        *self.tentative() = None;
        let mut head = self.head_mut();
        let mut batch = WriteBatch::new();
        chain::put_note(&mut batch, target);
        self.store.write(batch, Durability::Synced)?;
        head.condition = Condition::Damaged(target.cloned().map(Box::new));
        Ok(())
    }

    /// Notes durably that the state here is damaged, and builds its tree anew from the rows that can be read: what differs from the
    /// state of a checkpoint can then be told, and fetched. The indexes are built anew when the installation ends.
    ///
    /// # Errors
    /// What the store says, except that a row is damaged.
    pub fn give_up(&self) -> Result<(), StoreError> {
        self.begin_install(None)?;
        let _turn = self.turn();
        tree::rebuild(&self.store, &self.setup.rooted, &mut |_| {}).map(|_| ())
    }

    /// Makes the tree that of the rows in place, for a transfer to compare: what changed since the last checkpoint is folded in, and a
    /// tree that cannot be folded is built anew.
    ///
    /// # Errors
    /// What the store says, except that something is damaged.
    pub(crate) fn make_comparable(&self) -> Result<(), StoreError> {
        let _turn = self.turn();
        let mut state = Overlay::new(&self.store, &self.setup.tables);
        match tree::fold(&mut state) {
            Ok(_) => self.store.write(state.into_batch()?, Durability::Buffered),
            Err(StoreError::Corrupt { .. }) => tree::rebuild(&self.store, &self.setup.rooted, &mut |_| {}).map(|_| ()),
            Err(error) => Err(error),
        }
    }

    /// The checkpoint whose state takes the place of the one here, as far as it is known; also after a restart.
    pub fn install_target(&self) -> Option<CheckpointCertificate> {
        match &self.head().condition {
            Condition::Damaged(target) => target.as_deref().cloned(),
            Condition::Whole => None,
        }
    }

    /// Ends an installation: the rows in place are the state of the certificate's checkpoint, and execution goes on behind it. The
    /// caller has checked the certificate's votes. Indexes that are not right are built anew; the ledger starts anew, and of the snapshots
    /// that of this checkpoint.
    ///
    /// # Errors
    /// [`InstallError`], if the rows in place are not that state, or nothing was begun; nothing has changed then. After
    /// [`InstallError::Store`] snapshots may be gone, and the installation may have ended when the store is opened again.
    pub fn finish_install(&self, certificate: &CheckpointCertificate) -> Result<Applied, InstallError> {
        let _turn = self.turn();
        self.check_installed(certificate)?;
        if !index::check(&self.machine, &self.store)? {
            index::rebuild(&self.machine, &self.store)?;
        }
        let mut batch = WriteBatch::new();
        ledger::put_empty(&mut batch);
        head::put_only_checkpoint(&mut batch, certificate.seq, certificate.state_root);
        chain::put_identity(&mut batch, &self.setup.configuration);
        chain::remove_note(&mut batch);
        let applied = self.begin_anew(batch)?;
        // Without a snapshot this replica serves no proofs and no parts of this checkpoint: a lack, and no danger.
        self.store.take_snapshot(certificate.seq.get()).ok();
        Ok(applied)
    }

    /// Makes the store the start of the chain again, for a damaged state of a chain that has no stable checkpoint yet. What was
    /// executed is executed again.
    ///
    /// # Errors
    /// [`InstallError::NotBegun`] if the state is whole, [`InstallError::Store`] for what the disk says.
    pub fn restart_from_genesis(&self) -> Result<Applied, InstallError> {
        let _turn = self.turn();
        self.check_begun()?;
        let mut batch = WriteBatch::new();
        empty(&mut batch, &self.setup.tables);
        chain::put_start(&mut batch, &self.setup.configuration);
        self.begin_anew(batch)
    }

    /// Writes the end of an installation, and reads anew where execution stands. Nobody sees the one without the other. The snapshots of
    /// the state that was here go before: one of the same checkpoint would pass for that of the new state, though it may be what was wrong.
    fn begin_anew(&self, end: WriteBatch) -> Result<Applied, InstallError> {
        self.store.remove_snapshots()?;
        let mut head = self.head_mut();
        self.store.write(end, Durability::Synced)?;
        self.replace(&mut head, Head::read(&self.store, Condition::Whole)?);
        Ok(self.applied_at(&head)?)
    }

    /// Begins the ledger anew behind the last batch that was executed. Peers that lag further than that ask others, or fetch a state.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn forget_ledger(&self) -> Result<(), StoreError> {
        let _turn = self.turn();
        let mut head = self.head_mut();
        let mut batch = WriteBatch::new();
        ledger::put_empty(&mut batch);
        self.store.write(batch, Durability::Synced)?;
        head.ledger = Kept::from(head.progress.executed.next());
        Ok(())
    }

    fn check_begun(&self) -> Result<(), InstallError> {
        if self.head().is_damaged() { Ok(()) } else { Err(InstallError::NotBegun) }
    }

    fn check_installed(&self, certificate: &CheckpointCertificate) -> Result<(), InstallError> {
        self.check_begun()?;
        let executed = Progress::read(&self.store)?.executed;
        if executed != certificate.seq {
            return Err(InstallError::OtherBatch { due: certificate.seq, executed });
        }
        if chain::stored_configuration(&self.store)?.as_ref() != Some(&self.setup.configuration) {
            return Err(InstallError::OtherChain);
        }
        let (due, found) = (certificate.state_root, tree::root(&self.store)?);
        if found == due || mutated!(StateNotVerified) { Ok(()) } else { Err(InstallError::OtherRoot { due, found }) }
    }
}

/// The state here, as a transfer compares and writes it. Only behind the note of an installation.
impl<M: StateMachine, S: Store> Local for Execution<M, S> {
    fn branch_at(&self, place: &Prefix) -> Result<Branch, StoreError> {
        tree::branch_at(&self.store, place)
    }

    fn install(&self, places: &[Placed]) -> Result<(), StoreError> {
        let _turn = self.turn();
        let mut state = Overlay::new(&self.store, &self.setup.tables);
        tree::fold(&mut state)?;
        for (place, rows) in places {
            for change in tree::replace_folded(&mut state, &self.setup.rooted, place, rows)? {
                // What an unreadable old row leaves in the indexes is found when the installation ends.
                let _in_step = index::apply(&self.machine, &mut state, &change)?;
            }
        }
        self.store.write(state.into_batch()?, Durability::Buffered)
    }
}

//! The envelope around a state machine: opening and executing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tetrarch_crypto::{Digest, mutated};
use tetrarch_storage::{Durability, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{Applied, CommittedBatch, Membership, SeqNum, Timestamp};

use super::batch::{Executed, Placed, Setup, effect};
use super::chain;
use super::head::Head;
use super::ledger::Keep;
use super::replies::Bounds;
use super::rows::{ANSWERS, INDEXES, NODE_LOCAL, NONCES, RESERVED_PREFIX, empty, rooted};
use super::snapshots::Leases;
use super::tentative::Tentative;
use super::{ExecuteError, OpenError, Retention, StateMachine, senders};
use crate::tables::Overlay;
use crate::tree;

/// The part of an interval that lies between a checkpoint and the store's being told of it.
const SNAPSHOT_EXPECTED: u64 = 8;

/// A state machine over a store, with what makes it replicated. `Send` and `Sync` when machine and store are.
///
/// One thread at a time executes; others may ask meanwhile. An answer is always that of the state behind a whole batch, and a
/// question waits for an execution only while that writes.
pub struct Execution<M, S> {
    pub(super) machine: M,
    pub(super) store: S,
    pub(super) setup: Setup,
    /// Held by whoever executes or installs.
    turn: Mutex<()>,
    /// Changed, together with the store, under the write lock only.
    pub(super) head: RwLock<Head>,
    /// The head's last batch, for those who must not wait while one is written.
    executed: AtomicU64,
    pub(super) leases: Mutex<Leases>,
    /// The effect of the batch that may be next. Whatever changes the state otherwise takes it out.
    tentative: Mutex<Option<Tentative>>,
}

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Every table that the store must be opened with: the machine's and the envelope's.
    pub fn tables(machine: &M) -> Vec<Table> {
        let indexes: Vec<Table> = machine.indexes().iter().map(|index| index.table).collect();
        [rooted(machine).as_slice(), &indexes, &INDEXES, &tree::TABLES, &NODE_LOCAL].concat()
    }

    /// Of these, the ones that stand under the state root: every replica has the same rows in them behind the same batch.
    pub fn rooted_tables(machine: &M) -> Vec<Table> {
        rooted(machine)
    }

    /// Makes an empty store the start of a chain. Once in a node's life: a store that should hold a chain and does not must be
    /// noticed, so [`open`](Self::open) never does this by itself.
    ///
    /// # Errors
    /// [`OpenError::AlreadyInitialised`] if the store holds a chain, [`OpenError::Store`] for what the disk says.
    pub fn init(store: &S, membership: &Membership) -> Result<(), OpenError> {
        if let Some(chain) = chain::held(store)? {
            return Err(OpenError::AlreadyInitialised { chain });
        }
        let mut batch = WriteBatch::new();
        chain::put_start(&mut batch, &chain::configuration(membership));
        Ok(store.write(batch, Durability::Synced)?)
    }

    /// Opens a chain's state where execution left it. A state that is seen to be damaged, or that was being replaced, is opened too:
    /// [`applied`](Self::applied) says so, and it must be replaced before anything executes. Only the few rows that
    /// say where execution stands are looked at.
    ///
    /// # Errors
    /// [`OpenError`], if the store holds no chain, another chain, or one written by a version that this one cannot read.
    pub fn open(machine: M, store: S, membership: &Membership, retain: Retention) -> Result<Self, OpenError> {
        check_tables(&machine)?;
        if mutated!(RepliesLostOnRestart) {
            let mut forgotten = WriteBatch::new();
            empty(&mut forgotten, &[ANSWERS, NONCES]);
            store.write(forgotten, Durability::Buffered)?;
        }
        let configuration = chain::configuration(membership);
        let condition = chain::examine(&store, &configuration)?;
        let head = Head::read(&store, condition)?;
        let setup = Setup {
            configuration,
            keep: Keep { retain, wanted_after: None, floor: membership.parameters().window.saturating_mul(2) },
            bounds: Bounds::PROTOCOL,
            rooted: rooted(&machine),
            own: machine.own_tables(),
            tables: Self::tables(&machine),
        };
        let leases = Leases::new(membership.weak_quorum());
        Ok(Self {
            machine,
            store,
            setup,
            turn: Mutex::new(()),
            executed: AtomicU64::new(head.progress.executed.get()),
            head: RwLock::new(head),
            leases: Mutex::new(leases),
            tentative: Mutex::default(),
        })
    }

    /// Executes the next batch: one atomic write of state, progress, nonces, replies, agreed time, ledger entry and, at a
    /// checkpoint, the root. The write is not synced; the module's documentation says why it need not be.
    ///
    /// # Errors
    /// [`ExecuteError::NotNext`] and [`ExecuteError::WrongBodies`] for a batch that must not be executed now, and
    /// [`ExecuteError::Damaged`] if none can be. After [`ExecuteError::Store`] it is not known whether the batch will be there when
    /// the store is opened again.
    pub fn execute(&self, committed: &CommittedBatch) -> Result<Executed, ExecuteError> {
        self.execute_as(committed, Durability::Buffered)
    }

    /// The same, and the write is synced before anybody sees what it brought: for a batch that no record on this disk tells of.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn execute_durably(&self, committed: &CommittedBatch) -> Result<Executed, ExecuteError> {
        self.execute_as(committed, Durability::Synced)
    }

    fn execute_as(&self, committed: &CommittedBatch, durability: Durability) -> Result<Executed, ExecuteError> {
        let _turn = self.turn();
        let (placed, head) = (Placed::from(committed), self.head().clone());
        placed.check(&head)?;
        let effect = match self.tentative().take().and_then(|tentative| tentative.effect_of(placed)) {
            Some(effect) => effect,
            None => effect(&self.machine, &self.setup, &self.store, &head, placed)?,
        };
        let wanted = self.leases().oldest();
        let (writes, head, executed) = effect.decided(&self.setup, &self.store, committed, wanted)?;
        let mut current = self.head_mut();
        self.store.write(writes, durability)?;
        self.replace(&mut current, head);
        drop(current);
        self.with_snapshot(executed)
    }

    /// Rule S-0: at a checkpoint the store is frozen, before the next batch changes it. Some batches before it can prepare for that. What is frozen is
    /// durable; where it cannot be frozen the checkpoint itself is made so, since peers will forget what led to it.
    fn with_snapshot(&self, executed: Executed) -> Result<Executed, ExecuteError> {
        let (_, _, parameters) = &self.setup.configuration;
        let lead = parameters.checkpoint_interval / SNAPSHOT_EXPECTED;
        if lead > 0 && executed.seq.get().saturating_add(lead).is_multiple_of(parameters.checkpoint_interval) {
            self.store.expect_snapshot();
        }
        let take = |_| self.store.take_snapshot(executed.seq.get()).and_then(|()| self.bound_snapshots());
        let snapshot_error = executed.checkpoint.map(take).and_then(Result::err);
        if snapshot_error.is_some() {
            self.sync()?;
        }
        Ok(Executed { snapshot_error, ..executed })
    }

    /// Everything written so far is durable once this returns: it is in front of a row that is written as it is.
    fn sync(&self) -> Result<(), StoreError> {
        let mut same = Overlay::new(&self.store, &self.setup.tables);
        self.head().progress.put(&mut same);
        self.store.write(same.into_batch()?, Durability::Synced)
    }

    /// Whether the store holds nothing at all, not even the start of a chain: it was never initialised, or wiped.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_empty(store: &S) -> Result<bool, StoreError> {
        Ok(chain::held(store)?.is_none() && !chain::is_begun(store)?)
    }

    /// The machine that it was opened with.
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// Whether the state here is that of no batch.
    pub fn is_damaged(&self) -> bool {
        self.head().is_damaged()
    }

    /// What agreement must know to go on from here. Of a damaged state it is told nothing but that.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn applied(&self) -> Result<Applied, StoreError> {
        self.applied_at(&self.head())
    }

    /// The last batch executed; means nothing while the state is damaged. Does not wait while one is written: that one is not seen yet, and
    /// whoever has seen one finds it here.
    pub fn executed(&self) -> SeqNum {
        SeqNum::new(self.executed.load(Ordering::Acquire))
    }

    /// Agreed time; means nothing while the state is damaged.
    pub fn agreed_time(&self) -> Timestamp {
        self.head().progress.agreed_time
    }

    /// The last checkpoint and its root; 0 and a zero root before the first.
    pub fn last_checkpoint(&self) -> (SeqNum, Digest) {
        self.head().checkpoints.last().copied().unwrap_or_default()
    }

    pub(super) fn applied_at(&self, head: &Head) -> Result<Applied, StoreError> {
        if head.is_damaged() {
            return Ok(Applied { damaged: true, ..Applied::default() });
        }
        Ok(Applied {
            executed: head.progress.executed,
            agreed_time: head.progress.agreed_time,
            alarm: self.machine.alarm(&self.store)?,
            senders: senders::all(&self.store)?,
            damaged: false,
            checkpoints: head.checkpoints.clone(),
        })
    }

    /// The lock guards nothing but the turn itself, so one that a panic left behind is as good as new.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds is replaced as a whole.
    pub(super) fn tentative(&self) -> MutexGuard<'_, Option<Tentative>> {
        self.tentative.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head is replaced as a whole, so a panic elsewhere cannot have left half of one.
    pub(super) fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Execution stands somewhere else, as the store does. What is seen behind the lock is seen of the number as well.
    pub(super) fn replace(&self, current: &mut Head, head: Head) {
        self.executed.store(head.progress.executed.get(), Ordering::Release);
        *current = head;
    }

    /// Waits for whoever asks.
    pub(super) fn head_mut(&self) -> RwLockWriteGuard<'_, Head> {
        self.head.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_tables<M: StateMachine>(machine: &M) -> Result<(), OpenError> {
    match machine.own_tables().iter().find(|table| table.name().starts_with(RESERVED_PREFIX)) {
        Some(table) => Err(OpenError::ReservedTable { table: table.name() }),
        None => Ok(()),
    }
}

impl Placed<'_> {
    /// Whether it may be executed behind `head`.
    pub(super) fn check(self, head: &Head) -> Result<(), ExecuteError> {
        let (executed, offered) = (head.progress.executed, self.seq);
        let (named, bodies) = (self.batch.transactions.len(), self.transactions.len());
        if head.is_damaged() {
            Err(ExecuteError::Damaged { offered })
        } else if offered.get().checked_sub(1) != Some(executed.get()) {
            Err(ExecuteError::NotNext { executed, offered })
        } else if named != bodies {
            Err(ExecuteError::WrongBodies { seq: offered, named, bodies })
        } else {
            Ok(())
        }
    }
}

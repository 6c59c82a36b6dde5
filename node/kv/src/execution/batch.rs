//! One batch: from what was decided to what is to be written.

use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError, Table, WriteBatch};
use tetrarch_types::{Batch, CommittedBatch, Outcome, SeqNum, Timestamp, Transaction, TransactionId, View, limits};

use super::chain::Configuration;
use super::folding::Until;
use super::head::Head;
use super::ledger::Keep;
use super::replies::{self, Bounds, Settled, StoredReply};
use super::rows::Progress;
use super::senders::{self, Senders};
use super::{Context, StateMachine};
use crate::tables::Overlay;
use crate::tree;

/// Once the results of a batch have these bytes, its further results must be small ones: a thousand large reads in one batch must
/// not fill a replica's memory. Part of the protocol.
const MAX_BATCH_RESULT_BYTES: usize = 16 * 1024 * 1024;

/// A result of at most these bytes is small, and never suffers from its neighbours. Part of the protocol.
const SMALL_RESULT_BYTES: usize = 4 * 1024;

/// What executing a batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The batch.
    pub seq: SeqNum,
    /// The root over its results, for the replica to sign.
    pub results_root: Digest,
    /// A reply for each transaction that was not skipped, in order.
    pub replies: Vec<StoredReply>,
    /// The agreed time that the machine waits for now (rule T-3).
    pub alarm: Option<Timestamp>,
    /// The view that the machine wants left, by this batch (rule V-10).
    pub leaves: Option<View>,
    /// The state root, if a checkpoint is due at this number.
    pub checkpoint: Option<Digest>,
    /// Why there is no snapshot of that checkpoint, if there is none: a lack, and no danger, since what was executed was synced instead.
    pub snapshot_error: Option<StoreError>,
}

/// What does not change from batch to batch.
pub(super) struct Setup {
    pub(super) configuration: Configuration,
    pub(super) keep: Keep,
    pub(super) bounds: Bounds,
    /// Everything under the state root: the machine's tables and the envelope's.
    pub(super) rooted: Vec<Table>,
    /// The machine's tables and indexes: all that it may touch.
    pub(super) own: Vec<Table>,
    /// Those, the indexes and this node's own.
    pub(super) tables: Vec<Table>,
}

/// What executing a batch follows from, beside the state: its place in the order and what stands there.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) seq: SeqNum,
    pub(super) batch: &'a Batch,
    pub(super) transactions: &'a [Transaction],
}

impl<'a> From<&'a CommittedBatch> for Placed<'a> {
    fn from(committed: &'a CommittedBatch) -> Self {
        let CommittedBatch { seq, batch, transactions, .. } = committed;
        Self { seq: *seq, batch, transactions }
    }
}

/// A batch's effect, not yet written: all of it but the ledger's entry, which has the proof that the batch is decided.
pub(super) struct Effect {
    writes: WriteBatch,
    head: Head,
    pub(super) executed: Executed,
}

/// Works out the effect of the batch that follows `head`.
pub(super) fn effect<'s, M: StateMachine>(
    machine: &M,
    setup: &'s Setup,
    store: &'s dyn Reader,
    head: &Head,
    placed: Placed<'_>,
) -> Result<Effect, StoreError> {
    let mut state = Overlay::new(store, &setup.tables);
    let (seq, mut head) = (placed.seq, head.clone());
    head.progress.executed = seq;
    // An empty batch that is no gap filler moves time (rule T-3).
    let (results_root, replies) = if placed.batch.is_noop() {
        (replies::build(seq, Vec::new()).0, Vec::new())
    } else {
        carry_out(machine, setup, &mut state, placed, &mut head.progress)?
    };
    head.progress.put(&mut state);
    let noted = tree::note(&mut state, &setup.rooted, seq);
    let checkpoint = keep_tree(setup, &mut state, &mut head, noted)?;
    let (alarm, leaves) = (machine.alarm(&state)?, machine.leaves(seq, &state)?);
    let executed = Executed { seq, results_root, replies, alarm, leaves, checkpoint, snapshot_error: None };
    Ok(Effect { writes: state.into_batch()?, head, executed })
}

impl Effect {
    /// With the ledger's entry, all that is to be written, where execution stands then, and what it came to. Peers that fetch a state will want
    /// the batches behind it.
    pub(super) fn decided(
        self,
        setup: &Setup,
        store: &dyn Reader,
        committed: &CommittedBatch,
        wanted_after: Option<SeqNum>,
    ) -> Result<(WriteBatch, Head, Executed), StoreError> {
        let Self { mut writes, mut head, executed } = self;
        let mut ledger = Overlay::new(store, &setup.tables);
        head.ledger.append(&mut ledger, committed, &Keep { wanted_after, ..setup.keep })?;
        writes.append(ledger.into_batch()?);
        Ok((writes, head, executed))
    }
}

/// All that a batch that is no gap filler does to the replicated state.
fn carry_out<'s, M: StateMachine>(
    machine: &M,
    setup: &'s Setup,
    state: &mut Overlay<'s>,
    Placed { seq, batch, transactions }: Placed<'_>,
    progress: &mut Progress,
) -> Result<(Digest, Vec<StoredReply>), StoreError> {
    let time = progress.agreed_time.max(batch.timestamp);
    progress.agreed_time = time;
    let mut turn = Turn { machine, own: &setup.own, state, senders: Senders::default(), result_bytes: 0 };
    turn.begin(time)?;
    let mut settled = Vec::with_capacity(transactions.len());
    let bodies = batch.transactions.iter().zip(transactions);
    for (index, (id, transaction)) in (0_u32..).zip(bodies) {
        settled.extend(turn.settle(&Context { seq, index, time }, *id, transaction)?);
    }
    turn.senders.flush(state);
    senders::drop_idle(state, time, batch.transactions.len())?;
    let (results_root, replies) = replies::build(seq, settled);
    replies::cache(state, &mut progress.cache, &setup.bounds, seq, &replies)?;
    Ok((results_root, replies.into_iter().map(|cached| cached.reply).collect()))
}

/// A batch while its transactions are carried out.
struct Turn<'a, 'o, M> {
    machine: &'a M,
    own: &'o [Table],
    state: &'a mut Overlay<'o>,
    senders: Senders,
    /// What the results so far have.
    result_bytes: usize,
}

impl<M: StateMachine> Turn<'_, '_, M> {
    /// What time does of itself.
    fn begin(&mut self, time: Timestamp) -> Result<(), StoreError> {
        self.state.within(self.own, |state| self.machine.begin_batch(time, state))
    }

    /// One transaction; nothing comes of it when its nonce is spent.
    fn settle(
        &mut self,
        context: &Context,
        id: TransactionId,
        transaction: &Transaction,
    ) -> Result<Option<Settled>, StoreError> {
        let body = &transaction.body;
        if !self.senders.spend(self.state, body.sender, body.nonce, context.time)? {
            return Ok(None);
        }
        let outcome = if body.valid_until < context.time {
            Outcome::Expired
        } else if body.valid_until > context.time.plus(limits::MAX_VALIDITY) {
            Outcome::ValidTooLong
        } else {
            Outcome::Executed(self.run(context, &body.command)?)
        };
        Ok(Some(Settled { transaction: id, sender: body.sender, nonce: body.nonce, outcome }))
    }

    /// The machine's turn, kept away from the envelope's tables.
    fn run(&mut self, context: &Context, command: &[u8]) -> Result<Vec<u8>, StoreError> {
        let attempt = self.state.attempt();
        let result = self.state.within(self.own, |state| self.machine.execute(context, command, state))?;
        if result.len() > self.largest_result() {
            self.state.undo(attempt);
            return Ok(Vec::new());
        }
        self.state.keep(attempt);
        self.result_bytes += result.len();
        Ok(result)
    }

    const fn largest_result(&self) -> usize {
        if self.result_bytes < MAX_BATCH_RESULT_BYTES { limits::MAX_RESULT_BYTES } else { SMALL_RESULT_BYTES }
    }
}

/// Folds what changed into the tree, all of it where a checkpoint is due, else a share; the state root, if it is due, remembered beside
/// the latest others.
fn keep_tree(
    setup: &Setup,
    state: &mut Overlay<'_>,
    head: &mut Head,
    noted: usize,
) -> Result<Option<Digest>, StoreError> {
    let (_, _, parameters) = &setup.configuration;
    let (executed, interval) = (head.progress.executed, parameters.checkpoint_interval);
    if !executed.is_multiple_of(interval) {
        head.folding.go_on(state, noted, Until::next(executed, interval))?;
        return Ok(None);
    }
    let root = std::mem::take(&mut head.folding).finish(state)?;
    head.remember(state, root);
    Ok(Some(root))
}

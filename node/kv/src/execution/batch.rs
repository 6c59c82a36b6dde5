//! One batch: from what was decided to what is to be written.

use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError, Table, WriteBatch};
use tetrarch_types::{CommittedBatch, Outcome, SeqNum, Timestamp, Transaction, TransactionId, encode, limits};

use super::replies::{self, Settled, StoredReply};
use super::root::state_root;
use super::rows::{CHECKPOINTS_KEY, LOCAL, Progress};
use super::senders::{self, Senders};
use super::{Context, Overlay, Retention, StateMachine, ledger};

/// Checkpoint roots that are remembered.
const CHECKPOINTS_KEPT: usize = 4;

/// What executing a batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The batch.
    pub seq: SeqNum,
    /// The root over its results, for the replica to sign.
    pub results_root: Digest,
    /// A reply for each transaction that was not skipped, in order.
    pub replies: Vec<StoredReply>,
    /// The state root, if a checkpoint is due at this number.
    pub checkpoint: Option<Digest>,
}

/// What does not change from batch to batch.
pub(super) struct Setup {
    pub(super) checkpoint_interval: u64,
    pub(super) retain: Retention,
    /// Everything under the state root: the machine's tables and the envelope's.
    pub(super) rooted: Vec<Table>,
    /// Those and this node's own.
    pub(super) tables: Vec<Table>,
}

/// Where execution stands, as kept in memory.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) progress: Progress,
    /// The roots at the latest checkpoints, ascending.
    pub(super) checkpoints: Vec<(SeqNum, Digest)>,
    /// The oldest batch in the ledger.
    pub(super) oldest: SeqNum,
}

/// A batch's whole effect, not yet written.
pub(super) struct Effect {
    pub(super) writes: WriteBatch,
    pub(super) head: Head,
    pub(super) executed: Executed,
}

/// Works out the effect of the batch that follows `head`.
pub(super) fn effect<M: StateMachine>(
    machine: &M,
    setup: &Setup,
    store: &dyn Reader,
    head: &Head,
    committed: &CommittedBatch,
) -> Result<Effect, StoreError> {
    let mut state = Overlay::new(store, &setup.tables);
    let mut head = head.clone();
    head.progress.executed = committed.seq;
    let (results_root, replies) = if committed.transactions.is_empty() {
        replies::build(committed.seq, Vec::new(), &mut state)
    } else {
        head.progress.agreed_time = head.progress.agreed_time.max(committed.batch.timestamp);
        carry_out(machine, &mut state, committed, head.progress.agreed_time)?
    };
    head.progress.put(&mut state);
    ledger::append(&mut state, committed);
    head.oldest = ledger::trim(&mut state, head.oldest, committed.seq, setup.retain)?;
    let checkpoint = checkpoint(setup, &mut state, &mut head)?;
    let executed = Executed { seq: committed.seq, results_root, replies, checkpoint };
    Ok(Effect { writes: state.into_batch()?, head, executed })
}

/// All that a batch with transactions does to the replicated state.
fn carry_out<M: StateMachine>(
    machine: &M,
    state: &mut Overlay<'_>,
    committed: &CommittedBatch,
    time: Timestamp,
) -> Result<(Digest, Vec<StoredReply>), StoreError> {
    let mut senders = Senders::default();
    let mut settled = Vec::with_capacity(committed.transactions.len());
    let bodies = committed.batch.transactions.iter().zip(&committed.transactions);
    for (index, (id, transaction)) in (0_u32..).zip(bodies) {
        let context = Context { seq: committed.seq, index, time };
        settled.extend(settle(machine, state, &mut senders, &context, *id, transaction)?);
    }
    let built = replies::build(committed.seq, settled, state);
    senders.flush(state)?;
    senders::drop_idle(state, time)?;
    Ok(built)
}

/// One transaction; nothing comes of it when its nonce is spent.
fn settle<M: StateMachine>(
    machine: &M,
    state: &mut Overlay<'_>,
    senders: &mut Senders,
    context: &Context,
    id: TransactionId,
    transaction: &Transaction,
) -> Result<Option<Settled>, StoreError> {
    let body = &transaction.body;
    if !senders.spend(state, body.sender, body.nonce, context.time)? {
        return Ok(None);
    }
    let outcome = if body.valid_until < context.time {
        Outcome::Expired
    } else if body.valid_until > context.time.plus(limits::MAX_VALIDITY) {
        Outcome::ValidTooLong
    } else {
        Outcome::Executed(run(machine, state, context, &body.command)?)
    };
    Ok(Some(Settled { transaction: id, sender: body.sender, nonce: body.nonce, outcome }))
}

/// The machine's turn, on an overlay of its own, so that it cannot touch the envelope's tables.
fn run<M: StateMachine>(
    machine: &M,
    state: &mut Overlay<'_>,
    context: &Context,
    command: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let mut own = Overlay::new(state, machine.tables());
    let result = machine.execute(context, command, &mut own);
    let changes = own.into_changes()?;
    if result.len() > limits::MAX_RESULT_BYTES {
        return Ok(Vec::new());
    }
    state.absorb(changes);
    Ok(result)
}

/// The state root if one is due, remembered beside the latest others.
fn checkpoint(setup: &Setup, state: &mut Overlay<'_>, head: &mut Head) -> Result<Option<Digest>, StoreError> {
    let seq = head.progress.executed;
    if !seq.is_multiple_of(setup.checkpoint_interval) {
        return Ok(None);
    }
    let root = state_root(state, &setup.rooted)?;
    head.checkpoints.push((seq, root));
    let surplus = head.checkpoints.len().saturating_sub(CHECKPOINTS_KEPT);
    head.checkpoints.drain(..surplus);
    state.put(LOCAL, CHECKPOINTS_KEY, encode(&head.checkpoints));
    Ok(Some(root))
}

//! The replica's one door: inputs go in, effects come out, in order.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_crypto::{Digest, Signature};
use tetrarch_types::{
    Applied, Batch, CheckpointCertificate, CommittedBatch, Message, NewView, Payload, PreparedCertificate, Refusal,
    ReplicaId, SeqNum, Signed, Supply, Timestamp, Transaction, TransactionId, Verified, View,
};

use crate::Event;

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The node is up: say where we stand, and what recovery left half said.
    Start,
    /// The instant of [`Replica::deadline`](crate::Replica::deadline) has come. Given behind the other inputs of a turn, so that
    /// what arrived together is ordered together.
    Deadline,
    /// A client's transaction.
    Request(Verified<Transaction>),
    /// A message of a peer, or this replica's own coming back after its records became durable.
    Message(Verified<Message>),
    /// A batch given out by [`Effect::Execute`] is executed.
    Executed {
        /// Which.
        seq: SeqNum,
        /// The agreed time that the machine waits for, behind this batch (rule T-3).
        alarm: Option<Timestamp>,
        /// The view whose primary this batch asks to give way (rule V-10).
        leaves: Option<View>,
    },
    /// Execution reached a checkpoint and computed its root; follows the `Executed` of the same number.
    Snapshotted {
        /// Where.
        seq: SeqNum,
        /// The root of the replicated state.
        state_root: Digest,
    },
    /// The state that [`Effect::FetchState`] asked for is in place, whole and durable.
    StateInstalled {
        /// The target.
        certificate: CheckpointCertificate,
        /// What agreement must know of it.
        applied: Box<Applied>,
    },
    /// No peer that answers holds the state at this checkpoint: a later one has to be the target.
    StateGone {
        /// The target.
        checkpoint: SeqNum,
    },
}

/// Something to be done outside. Effects run in order; what stands behind a [`Effect::Persist`] must not leave the node before
/// that record is durable (law 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Append to the journal and make it durable.
    Persist(Record),
    /// Sign and send.
    Send {
        /// To whom.
        to: Recipients,
        /// What.
        payload: Payload,
    },
    /// Execute; batches come in order, without gaps.
    Execute {
        /// The batch.
        batch: CommittedBatch,
        /// Whether a record of this replica has it prepared. Where none does, what it comes to must be durable before anybody sees it: after a
        /// power failure nothing would tell this replica that it is behind what it has shown (rule X-4).
        prepared: bool,
    },
    /// Work out what executing a batch would come to, behind all that was given out for execution, and change nothing. It is not durable yet that
    /// the batch is prepared: nobody may be told.
    ExecuteTentatively(PreparedBatch),
    /// Now it is: tell the clients that wait (rule X-2). Follows the [`Effect::ExecuteTentatively`] of the same view and number.
    ReplyTentatively {
        /// The view in which it is prepared.
        view: View,
        /// Where.
        seq: SeqNum,
    },
    /// Answer a peer that lacks decided batches, from the ledger, within the limits of one supply.
    SendCommitted {
        /// Who lacks them.
        to: ReplicaId,
        /// The last one it has.
        after: SeqNum,
    },
    /// Fetch the state at a stable checkpoint and put it in the place of the one here (rule S-1). A later one replaces the target of
    /// an earlier one. Nothing is handed to execution until [`Input::StateInstalled`].
    FetchState(CheckpointCertificate),
    /// A peer sent parts of the state that is being fetched, or says that it does not hold it. Not believed by anyone yet.
    StateArrived {
        /// Who.
        from: ReplicaId,
        /// A [`Supply::State`] or [`Supply::NoState`] of the target.
        supply: Supply,
    },
    /// Answer a peer that asks for parts of the state at a stable checkpoint.
    SendState {
        /// Who asks.
        to: ReplicaId,
        /// Which checkpoint.
        checkpoint: SeqNum,
        /// Which places.
        parts: Vec<Prefix>,
        /// How many bytes of rows it takes for one place, instead of a page.
        rows_up_to: u32,
    },
    /// Tell the client that waits for this transaction, if one does.
    Refuse {
        /// Which transaction.
        transaction: TransactionId,
        /// Why.
        refusal: Refusal,
    },
    /// Journal records about sequence numbers up to this one are no longer needed.
    Discard {
        /// The stable checkpoint.
        through: SeqNum,
    },
    /// For metrics, logs, coverage, checkers and traces; nothing else may depend on it (law 7).
    Observe(Event),
}

/// A batch that is prepared, with its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedBatch {
    /// The view in which it is.
    pub view: View,
    /// Its place in the order, if it is decided.
    pub seq: SeqNum,
    /// The batch.
    pub batch: Batch,
    /// The bodies, in the batch's order.
    pub transactions: Vec<Transaction>,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recipients {
    /// Every member, this replica too: the message comes back as an input.
    Everyone,
    /// Every other member.
    Others,
    /// One member.
    One(ReplicaId),
}

/// What must survive the power failing, to keep the promises that messages make (rules D-1 to D-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// This replica, as primary, assigned a batch; before its PRE-PREPARE.
    Proposed {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// The batch.
        batch: Batch,
        /// Its bodies, in order.
        transactions: Vec<Transaction>,
    },
    /// This replica, as backup, accepted an assignment; before its PREPARE.
    Accepted {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// The primary's signature on the PRE-PREPARE.
        pre_prepare: Signature,
        /// The batch.
        batch: Batch,
        /// Its bodies, in order.
        transactions: Vec<Transaction>,
    },
    /// A batch is prepared; before its COMMIT.
    Prepared(PreparedCertificate),
    /// This replica gave up the views below this one; before its VIEW-CHANGE.
    ViewChanging {
        /// The view it moves to.
        view: View,
    },
    /// This replica, as primary, starts a view with these VIEW-CHANGEs; before its NEW-VIEW.
    Starting(Payload),
    /// This replica entered a view; before anything it says in it.
    Entered(Signed<NewView>),
    /// A checkpoint is stable.
    Stable(CheckpointCertificate),
    /// Records of this replica's votes are gone: it is silent until it is cured (rule A-2).
    Lost,
    /// Nothing that it may have forgotten can still be decided: it votes again (rule A-3).
    Cured,
    /// What the primary of a view is about to propose, as a draft showed it (rule D-7); before a PREPARE for it. It stands for an `Accepted`
    /// without the primary's signature.
    Drafted {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// The batch.
        batch: Batch,
        /// Its bodies, in order.
        transactions: Vec<Transaction>,
    },
}

impl Record {
    /// The sequence number that the record is about; none for records about views.
    pub const fn seq(&self) -> Option<SeqNum> {
        match self {
            Self::Proposed { seq, .. } | Self::Accepted { seq, .. } | Self::Drafted { seq, .. } => Some(*seq),
            Self::Prepared(certificate) => Some(certificate.seq),
            Self::ViewChanging { .. }
            | Self::Starting(_)
            | Self::Entered(_)
            | Self::Stable(_)
            | Self::Lost
            | Self::Cured => None,
        }
    }

    /// Whether it is enough that this record is durable: of what was executed before it, it says nothing. A stable checkpoint does, as a
    /// state below one counts as lost; and what is said of views is rare.
    pub const fn stands_alone(&self) -> bool {
        self.seq().is_some()
    }
}

/// Effects in the order they must run.
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// No effects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes all effects out, leaving none.
    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    pub(crate) fn persist(&mut self, record: Record) {
        self.push(Effect::Persist(record));
    }

    pub(crate) fn send(&mut self, to: Recipients, payload: Payload) {
        self.push(Effect::Send { to, payload });
    }

    pub(crate) fn observe(&mut self, event: Event) {
        self.push(Effect::Observe(event));
    }
}

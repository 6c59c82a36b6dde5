//! What a replica lets others observe: the only source of metrics, logs, coverage, checks and traces.

use tetrarch_crypto::Digest;
use tetrarch_types::{Evidence, MessageKind, ReplicaId, SeqNum, TransactionId, View};

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message changed nothing.
    Ignored {
        /// Whose.
        from: ReplicaId,
        /// Its kind.
        kind: MessageKind,
        /// Why.
        reason: Ignored,
    },
    /// A replica signed two messages of which an honest one signs at most one.
    Equivocation(Box<Evidence>),
    /// A backup refused a proposal as a whole (rule N-3).
    ProposalRefused {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// Why.
        reason: ProposalFault,
    },
    /// This replica, as primary, proposed a batch.
    Proposed {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// How many transactions.
        transactions: usize,
    },
    /// A batch is prepared here.
    Prepared {
        /// The view.
        view: View,
        /// Where.
        seq: SeqNum,
        /// The batch.
        digest: Digest,
    },
    /// A batch is committed here, and will execute in order.
    Committed {
        /// Where.
        seq: SeqNum,
        /// The batch.
        digest: Digest,
    },
    /// A batch is handed to execution.
    Executing {
        /// Where.
        seq: SeqNum,
        /// The batch.
        digest: Digest,
    },
    /// This replica gives up on the views below.
    ViewChangeStarted {
        /// The view it moves to.
        view: View,
        /// Why.
        reason: ViewChangeReason,
    },
    /// This replica entered a view.
    ViewEntered {
        /// The view.
        view: View,
        /// Its primary.
        primary: ReplicaId,
    },
    /// A NEW-VIEW does not follow from the VIEW-CHANGEs it carries: its primary lies.
    NewViewRefused {
        /// The view.
        view: View,
        /// Who sent it.
        from: ReplicaId,
    },
    /// A checkpoint is stable.
    Stable {
        /// Where.
        seq: SeqNum,
        /// The agreed root.
        state_root: Digest,
    },
    /// This replica's state differs from what a quorum agreed on: it stops voting until it has fetched that state.
    Diverged {
        /// The checkpoint.
        seq: SeqNum,
        /// The root here.
        own: Digest,
        /// The agreed root.
        agreed: Digest,
    },
    /// Records of this replica's own votes are gone: it is silent from here on (rule A-2).
    RecordsLost,
    /// It stays silent until a checkpoint at or above this one is stable (rule A-3).
    Silent {
        /// That checkpoint.
        until: SeqNum,
    },
    /// It votes from here on.
    Voting,
    /// A whole state is fetched.
    Transferring {
        /// The checkpoint it is of.
        checkpoint: SeqNum,
    },
    /// A whole state is in place.
    StateInstalled {
        /// The checkpoint it is of.
        checkpoint: SeqNum,
    },
    /// Something missing was asked of a peer.
    Fetching {
        /// Who is asked.
        from: ReplicaId,
        /// What for.
        what: Missing,
    },
    /// A client's transaction entered the pool.
    Pooled {
        /// Which.
        transaction: TransactionId,
    },
}

impl Event {
    /// A message of `from` changed nothing.
    pub(crate) const fn ignored(from: ReplicaId, kind: MessageKind, reason: Ignored) -> Self {
        Self::Ignored { from, kind, reason }
    }
}

/// Why a message changed nothing. Most of these happen to honest replicas too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ignored {
    /// Below the stable checkpoint, or above the high watermark.
    OutsideWindow,
    /// For a view that is over.
    OldView,
    /// A NEW-VIEW for the view this replica is already in.
    SameView,
    /// During a view change nothing but view changes counts.
    ChangingView,
    /// The same message again.
    Duplicate,
    /// Conflicts with an earlier message of the same replica, which stands.
    Conflicting,
    /// The answer to nothing that was asked.
    Unasked,
}

/// What is wrong with a proposal, in the eyes of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProposalFault {
    /// Another batch is decided at this number.
    Decided,
    /// Nothing in it: only a new view fills gaps, and the machine does not wait for its stamp (rule T-3).
    Empty,
    /// Bodies larger together than a batch may be.
    TooLarge,
    /// The stamp is not later than the one before.
    StampNotLater,
    /// The stamp is far from this replica's clock.
    StampOffClock,
    /// A transaction is expired at the stamp, or valid for too long after it.
    Validity,
    /// A transaction's nonce is executed, or in flight at a lower number.
    NonceSpent,
    /// Another batch may have been prepared here before a restart: its draft was written down (rule D-7).
    OtherDraft,
}

/// Why a view change started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewChangeReason {
    /// Requests wait and nothing was executed for the timeout (rule V-1).
    NoProgress,
    /// A request waits while later ones execute (rule V-2).
    Censorship,
    /// A quorum complains of a slow primary (rule V-9).
    SlowPrimary,
    /// What was executed asks the primary to give way (rule V-10).
    Asked,
    /// f + 1 replicas moved on (rule V-4).
    Joined,
    /// The new view did not start in time (rule V-7).
    NewViewTimeout,
    /// The new view's primary sent a NEW-VIEW that does not hold.
    BadNewView,
}

/// What is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// Bodies of a proposal.
    Transactions,
    /// A batch that a new view re-proposes.
    Batch,
    /// Decided batches.
    Committed,
}

//! Plain counts of what a node did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Declares the counts once, so that names cannot fall behind the enum.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)+) => {
        /// Something that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Count {
            $($(#[$doc])* $name,)+
        }

        const ALL: &[(Count, &str)] = &[$((Count::$name, $text),)+];
    };
}

counts! {
    /// Turns of the driver.
    Turns => "turns",
    /// Inputs that the replica was given.
    Inputs => "inputs",
    /// Records made durable.
    Records => "records",
    /// Journal writes, each with one fsync.
    JournalWrites => "journal_writes",
    /// Messages sent, each counted once however many recipients it has.
    MessagesSent => "messages_sent",
    /// Peers' messages refused by the verifier.
    MessagesRejected => "messages_rejected",
    /// COMMITs let go of unread, to what was decided already.
    LateCommits => "late_commits",
    /// Peers' votes dropped because more of their sender waited than may.
    VotesDropped => "votes_dropped",
    /// Peers' bulk messages dropped because their sender's queue was full.
    BulkDropped => "bulk_dropped",
    /// Clients' transactions refused by the verifier.
    TransactionsRejected => "transactions_rejected",
    /// Clients' requests answered with "busy".
    Busy => "busy",
    /// Replies to clients.
    Replies => "replies",
    /// Batches executed.
    BatchesExecuted => "batches_executed",
    BatchesToldEarly => "batches_told_early",
    /// Transactions executed.
    TransactionsExecuted => "transactions_executed",
    /// Supplies of decided batches sent to peers.
    Supplies => "supplies",
    /// Parts of a state, asked of peers.
    StateFetches => "state_fetches",
    /// Peers that sent a part of a state which is not what a quorum signed.
    StateLiars => "state_liars",
    /// Parts of a state, sent to peers.
    StateSupplies => "state_supplies",
    /// State transfers begun, or begun anew towards a later checkpoint.
    Transfers => "state_transfers",
    /// States that were fetched and are in place.
    Installed => "states_installed",
    /// Times that this replica began or ceased to be silent.
    Standings => "standings",
    /// Messages that the replica ignored.
    Ignored => "ignored",
    /// Proposals that the replica refused.
    ProposalsRefused => "proposals_refused",
    /// Proposals of this replica.
    Proposed => "proposed",
    /// Batches prepared.
    Prepared => "prepared",
    /// Batches committed.
    Committed => "committed",
    /// Batches handed to execution.
    Dispatched => "dispatched",
    /// View changes started.
    ViewChanges => "view_changes",
    /// Views entered.
    ViewsEntered => "views_entered",
    /// NEW-VIEWs refused.
    NewViewsRefused => "new_views_refused",
    /// Checkpoints that became stable.
    StableCheckpoints => "stable_checkpoints",
    /// Things fetched from peers.
    Fetches => "fetches",
    /// Transactions that entered the pool.
    Pooled => "pooled",
    /// Equivocations seen, kept or not.
    Equivocations => "equivocations",
    /// Times that this replica's state differed from an agreed one.
    Divergences => "divergences",
}

/// All counts of one node; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Counts(Arc<[AtomicU64]>);

impl Counts {
    pub(crate) fn new() -> Self {
        Self(ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }

    pub(crate) fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    pub(crate) fn add_many(&self, count: Count, many: usize) {
        if let Some(counter) = self.0.get(count as usize) {
            counter.fetch_add(many as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        let read = |(count, name): &(Count, &'static str)| {
            (*name, self.0.get(*count as usize).map_or(0, |counter| counter.load(Ordering::Relaxed)))
        };
        ALL.iter().map(read).collect()
    }
}

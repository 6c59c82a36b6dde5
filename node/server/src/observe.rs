//! What the replica lets be observed, as log lines, counts and kept evidence. Nothing else depends on it (law 7).

use tetrarch_replica::Event;
use tetrarch_storage::{Store, StoreError};
use tetrarch_types::Evidence;

use crate::counters::{Count, Counts};
use crate::evidence::Dossier;

/// Logs, counts and keeps.
pub(crate) struct Observer<S> {
    counts: Counts,
    dossier: Dossier<S>,
}

impl<S: Store> Observer<S> {
    pub(crate) const fn new(counts: Counts, dossier: Dossier<S>) -> Self {
        Self { counts, dossier }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// If evidence could not be written.
    pub(crate) fn see(&mut self, event: &Event) -> Result<(), StoreError> {
        self.counts.add(count_of(event));
        log(event);
        match event {
            Event::Equivocation(evidence) => self.convict(evidence),
            _ => Ok(()),
        }
    }

    fn convict(&mut self, evidence: &Evidence) -> Result<(), StoreError> {
        // A liar can contradict itself a thousand times a second: what is not kept is not logged either.
        if self.dossier.keep(evidence)? {
            let accused = evidence.accused();
            tracing::warn!(%accused, ?evidence, "equivocation: a replica signed two statements that contradict each other");
        }
        Ok(())
    }
}

const fn count_of(event: &Event) -> Count {
    match event {
        Event::Ignored { .. } => Count::Ignored,
        Event::Equivocation(_) => Count::Equivocations,
        Event::ProposalRefused { .. } => Count::ProposalsRefused,
        Event::Proposed { .. } => Count::Proposed,
        Event::Prepared { .. } => Count::Prepared,
        Event::Committed { .. } => Count::Committed,
        Event::Executing { .. } => Count::Dispatched,
        Event::ViewChangeStarted { .. } => Count::ViewChanges,
        Event::ViewEntered { .. } => Count::ViewsEntered,
        Event::NewViewRefused { .. } => Count::NewViewsRefused,
        Event::Stable { .. } => Count::StableCheckpoints,
        Event::Diverged { .. } => Count::Divergences,
        Event::Fetching { .. } => Count::Fetches,
        Event::Pooled { .. } => Count::Pooled,
        Event::RecordsLost | Event::Silent { .. } | Event::Voting => Count::Standings,
        Event::Transferring { .. } => Count::Transfers,
        Event::StateInstalled { .. } => Count::Installed,
    }
}

fn log(event: &Event) {
    match event {
        Event::Ignored { from, kind, reason } => tracing::trace!(%from, ?kind, ?reason, "message ignored"),
        Event::Equivocation(_) => {}
        Event::ProposalRefused { view, seq, reason } => tracing::warn!(%view, %seq, ?reason, "proposal refused"),
        Event::Proposed { view, seq, transactions } => tracing::debug!(%view, %seq, transactions, "proposed"),
        Event::Prepared { view, seq, .. } => tracing::debug!(%view, %seq, "prepared"),
        Event::Committed { seq, .. } => tracing::debug!(%seq, "committed"),
        Event::Executing { seq, .. } => tracing::trace!(%seq, "executing"),
        Event::ViewChangeStarted { view, reason } => tracing::info!(%view, ?reason, "view change started"),
        Event::ViewEntered { view, primary } => tracing::info!(%view, %primary, "view entered"),
        Event::NewViewRefused { view, from } => {
            tracing::warn!(%view, %from, "new view refused: it does not follow from what it carries")
        }
        Event::Stable { seq, state_root } => tracing::info!(%seq, %state_root, "checkpoint stable"),
        Event::Diverged { seq, own, agreed } => {
            tracing::error!(%seq, %own, %agreed, "the state here differs from the agreed one: this replica stops voting until it has fetched that");
        }
        Event::Fetching { from, what } => tracing::debug!(%from, ?what, "fetching"),
        Event::RecordsLost => tracing::error!(
            "the other replicas hold votes of this one that its journal does not show: its directory is not the one that it voted with"
        ),
        Event::Silent { until } => {
            tracing::warn!(%until, "this replica lost records of its votes: it executes, but votes only from this stable checkpoint on");
        }
        Event::Voting => tracing::info!("this replica votes"),
        Event::Transferring { checkpoint } => tracing::info!(%checkpoint, "fetching the state at a stable checkpoint"),
        Event::StateInstalled { checkpoint } => tracing::info!(%checkpoint, "goes on from the fetched state"),
        Event::Pooled { transaction } => tracing::trace!(%transaction, "transaction pooled"),
    }
}

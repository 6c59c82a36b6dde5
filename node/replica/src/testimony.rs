//! Which of this replica's votes its own records explain (rule A-1).

use std::collections::BTreeSet;

use tetrarch_crypto::Digest;
use tetrarch_types::{HeldVote, NewView, Payload, ReplicaId, SeqNum, Signed, View};

use crate::Record;

/// A vote: in which view, for which number, for which batch.
type Place = (View, SeqNum, Digest);

/// The votes that this replica's own records explain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Testimony {
    accepted: BTreeSet<Place>,
    prepared: BTreeSet<Place>,
    /// The highest view that this replica may have asked for.
    view: View,
}

impl Testimony {
    /// Notes what a record explains. `own` says whose records these are: a NEW-VIEW explains proposals of its primary only.
    pub(crate) fn note(&mut self, own: ReplicaId, record: &Record) {
        match record {
            Record::Proposed { view, seq, batch, .. }
            | Record::Accepted { view, seq, batch, .. }
            | Record::Drafted { view, seq, batch, .. } => {
                self.accepted.insert((*view, *seq, batch.digest()));
            }
            Record::Prepared(it) => {
                self.prepared.insert((it.view, it.seq, it.digest));
            }
            Record::Starting(Payload::NewView { proposals, .. }) => {
                self.accepted.extend(proposals.iter().map(|it| (it.view, it.seq, it.digest)));
            }
            Record::ViewChanging { view } => self.view = self.view.max(*view),
            Record::Entered(new_view) => self.note_view(own, new_view),
            _ => {}
        }
    }

    /// A view entered settles the way there, and its primary's proposals.
    fn note_view(&mut self, own: ReplicaId, new_view: &Signed<NewView>) {
        self.view = self.view.max(new_view.payload.view);
        if new_view.signer == own {
            let proposals = new_view.payload.proposals.iter().map(|it| &it.payload);
            self.accepted.extend(proposals.map(|it| (it.view, it.seq, it.digest)));
        }
    }

    /// Whether a vote follows from what was noted. An assignment in a view that was left always does: what a primary proposes again
    /// stands in its NEW-VIEW alone, whose record goes when a later view is entered. Nothing more is assigned there.
    pub(crate) fn explains(&self, vote: &HeldVote) -> bool {
        match vote {
            HeldVote::PrePrepare(it) if it.payload.view < self.view => true,
            HeldVote::PrePrepare(it) => self.accepted.contains(&(it.payload.view, it.payload.seq, it.payload.digest)),
            HeldVote::Prepare(it) => self.accepted.contains(&(it.payload.view, it.payload.seq, it.payload.digest)),
            HeldVote::Commit(it) => self.prepared.contains(&(it.payload.view, it.payload.seq, it.payload.digest)),
        }
    }

    /// Whether a VIEW-CHANGE to this view follows from what was noted.
    pub(crate) fn explains_move(&self, to: View) -> bool {
        to <= self.view
    }

    /// How many votes it explains.
    pub(crate) fn len(&self) -> usize {
        self.accepted.len() + self.prepared.len()
    }

    /// Votes for numbers through this one no longer matter.
    pub(crate) fn forget_through(&mut self, seq: SeqNum) {
        self.accepted.retain(|(_, of, _)| *of > seq);
        self.prepared.retain(|(_, of, _)| *of > seq);
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_types::Batch;

    use super::*;

    /// What explains votes is as much as the window's numbers times the views since the last stable checkpoint, and no more.
    #[test]
    fn a_stable_checkpoint_bounds_the_testimony() {
        let window = 8;
        let mut testimony = Testimony::default();
        for number in 1..=10_000 {
            let seq = SeqNum::new(number);
            let (batch, transactions) = (Batch::noop(), Vec::new());
            testimony.note(ReplicaId::ZERO, &Record::Proposed { view: View::ZERO, seq, batch, transactions });
            testimony.prepared.insert((View::ZERO, seq, Digest::ZERO));
            testimony.forget_through(SeqNum::new(number.saturating_sub(window)));
            assert!(testimony.accepted.len() as u64 <= window && testimony.prepared.len() as u64 <= window);
        }
    }
}

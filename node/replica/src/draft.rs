//! Drafts: what a primary is about to propose, shown to the backups while it writes that down (rule D-7).
//!
//! ```text
//!   without          primary  ── write ──┐ PRE-PREPARE                with   primary  ┬─ write ──┐ PRE-PREPARE
//!                    backup              └── write ──┐ PREPARE               backup   └─ write ──┴┐ PREPARE
//! ```
//!
//! A draft binds nobody. Whoever may be asked to prepare what it shows writes that down, so that its PREPARE need not wait for its disk once the
//! PRE-PREPARE is there. Nothing is said earlier than rule D-1 allows: the PRE-PREPARE leaves when it is durable at the primary, the PREPARE
//! follows a PRE-PREPARE and what is durable at the backup.

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Now, Payload, ReplicaId, SeqNum, Supply, View};

use crate::content::Content;
use crate::{Effects, Recipients, Record, Replica};

/// What was written down of a primary's draft for one sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drafted {
    pub(crate) view: View,
    pub(crate) digest: Digest,
    /// The journal told of it: whether a PREPARE followed is not known.
    pub(crate) recalled: bool,
}

impl Replica {
    /// Shows the backups a batch that is about to be proposed, if nothing else is in flight: else a batch's way to the disk is not what everybody
    /// waits for.
    pub(crate) fn show_draft(&self, seq: SeqNum, batch: &Batch, effects: &mut Effects) {
        if self.unexecuted_below(seq) == 0 {
            let draft = Supply::Draft { view: self.view, seq, batch: batch.clone() };
            effects.send(Recipients::Others, Payload::Supply(draft));
        }
    }

    /// The primary's draft: written down if its proposal would be accepted as things stand. What lacks a body waits for the PRE-PREPARE. Of each number
    /// one draft a view is taken, so that a liar fills the journal with no more than twice what it may propose. Returns whether
    /// it may come at all: one that comes too late, or finds a body missing, is no offence.
    pub(crate) fn on_draft(
        &mut self,
        now: Now,
        from: ReplicaId,
        (view, seq): (View, SeqNum),
        batch: Batch,
        effects: &mut Effects,
    ) -> bool {
        let is_expected = from == self.config.membership.primary(view) && from != self.config.id;
        if is_expected
            && self.may_vote_in(view)
            && self.may_draft(seq)
            && let Some(content) = self.content_from_pool(batch)
            && !self.awaits_execution(seq, &content)
            && self.may_prepare(now, seq, &content).is_ok()
        {
            self.write_down(view, seq, content, effects);
        }
        is_expected
    }

    fn write_down(&mut self, view: View, seq: SeqNum, content: Content, effects: &mut Effects) {
        let digest = content.batch.digest();
        let transactions = content.bodies().cloned().collect();
        self.log.slot(seq).draft = Some(Drafted { view, digest, recalled: false });
        self.promise_in(Record::Drafted { view, seq, batch: content.batch, transactions }, effects);
    }

    fn may_draft(&self, seq: SeqNum) -> bool {
        let is_free = self.log.get(seq).is_none_or(|slot| {
            slot.assignment.is_none() && slot.commit.is_none() && slot.draft.is_none_or(|it| it.view < self.view)
        });
        is_free && self.log.in_window(seq) && seq > self.view_start && self.may_begin(seq)
    }

    fn content_from_pool(&self, batch: Batch) -> Option<Content> {
        let ids = batch.transactions.clone();
        let bodies: Option<Vec<_>> = ids.iter().map(|id| self.pool.get(id).cloned()).collect();
        Some(Content::complete(batch, bodies?))
    }

    /// Whether what a PREPARE for this batch depends on is written down already.
    pub(crate) fn is_drafted(&self, view: View, seq: SeqNum, digest: &Digest) -> bool {
        self.draft_in(view, seq).is_some_and(|it| it.digest == *digest)
    }

    /// Whether this replica may have prepared another batch here, before its power failed. Then it prepares none, not even one that was decided
    /// meanwhile.
    pub(crate) fn may_have_prepared_other(&self, view: View, seq: SeqNum, digest: &Digest) -> bool {
        self.draft_in(view, seq).is_some_and(|it| it.recalled && it.digest != *digest)
    }

    fn draft_in(&self, view: View, seq: SeqNum) -> Option<Drafted> {
        self.log.get(seq)?.draft.filter(|it| it.view == view)
    }
}

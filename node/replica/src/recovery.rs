//! Coming back: the replica that its journal and the executed state describe (rules D-1 to D-5).

use tetrarch_crypto::{Digest, mutated};
use tetrarch_types::{
    Applied, Batch, CheckpointCertificate, NewView, Payload, PrePrepare, PreparedCertificate, SeqNum, Signed,
    Transaction, View,
};

use crate::content::Content;
use crate::draft::Drafted;
use crate::replica::Corrupt;
use crate::slot::{Assignment, Phase, Slot};
use crate::{Config, Record, Replica};

impl Replica {
    /// Rebuilds a replica from what is durable: execution's state and the journal's records in order.
    ///
    /// # Errors
    /// [`Corrupt`] when the records contradict each other: no run of this replica wrote them.
    pub fn recover(
        config: Config,
        applied: Applied,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Self, Corrupt> {
        let records: Vec<Record> = records.into_iter().collect();
        // The last stable checkpoint first: it decides which records still matter.
        let stable = records.iter().rev().find_map(|record| match record {
            Record::Stable(certificate) => Some(certificate.clone()),
            _ => None,
        });
        let mut replica = Self::new(config, applied, stable.unwrap_or_else(CheckpointCertificate::genesis));
        for record in &records {
            replica.replay_standing(record);
        }
        // Then the view: the records that led to it may be written again behind the votes given in it (rule D-5).
        for (position, record) in records.iter().enumerate() {
            replica.replay_view(record).map_err(|what| Corrupt { position, what })?;
        }
        replica.replay_reproposals();
        for (position, record) in records.into_iter().enumerate() {
            replica.replay_vote(record).map_err(|what| Corrupt { position, what })?;
        }
        replica.finish_recovery();
        Ok(replica)
    }

    /// What explains this replica's votes, and whether any of that is missing (rules ).
    fn replay_standing(&mut self, record: &Record) {
        self.standing.testimony.note(self.config.id, record);
        match record {
            Record::Lost => self.standing.lost = true,
            Record::Cured => self.standing.lost = false,
            _ => {}
        }
    }

    fn replay_view(&mut self, record: &Record) -> Result<(), &'static str> {
        match record {
            Record::ViewChanging { view } if *view > self.view => {
                self.view = *view;
                self.changing = true;
                self.starting = None;
            }
            Record::Entered(new_view) if self.is_news(new_view.payload.view) => {
                let stable = new_view.payload.view_changes.iter().map(|it| it.payload.stable.seq).max();
                self.adopt_view(new_view, stable.unwrap_or_default());
            }
            Record::Entered(new_view) if self.has_entered_above(new_view.payload.view) => {
                return Err("a view entered behind a later one");
            }
            Record::Entered(new_view) if self.has_entered_otherwise(new_view) => {
                return Err("a view entered by two NEW-VIEWs");
            }
            // Written again at a checkpoint, below a view change that had begun.
            Record::Entered(new_view) => self.new_view = Some(new_view.clone()),
            Record::Starting(payload) => return self.replay_starting(payload),
            _ => {}
        }
        Ok(())
    }

    fn is_news(&self, entered: View) -> bool {
        entered > self.view || (entered == self.view && self.changing)
    }

    /// What is written again at a checkpoint is the last view entered, never an earlier one: its proposals and their signatures would
    /// pass for those of the view that goes on.
    fn has_entered_above(&self, view: View) -> bool {
        self.new_view.as_ref().is_some_and(|held| held.payload.view > view)
    }

    /// Nobody enters a view twice: a second NEW-VIEW of a view, whoever signed both, would bring proposals that this replica never took.
    fn has_entered_otherwise(&self, new_view: &Signed<NewView>) -> bool {
        self.new_view.as_ref().is_some_and(|held| held.payload.view == new_view.payload.view && held != new_view)
    }

    /// A view is started while it is moved to, and once: what is written again at a checkpoint is the same.
    fn replay_starting(&mut self, payload: &Payload) -> Result<(), &'static str> {
        let Payload::NewView { view, .. } = payload else { return Err("a view started without a NEW-VIEW") };
        if *view != self.view || !self.changing {
            return Err("a view started that was not being moved to");
        }
        match self.starting.replace(payload.clone()) {
            Some(before) if before != *payload => Err("a view started by two NEW-VIEWs"),
            _ => Ok(()),
        }
    }

    /// As when the view was entered; an assignment waits until its record shows that it was accepted.
    fn replay_reproposals(&mut self) {
        let proposals = self.new_view.as_ref().filter(|_| !self.changing).map(|it| it.payload.proposals.clone());
        for Signed { payload: PrePrepare { seq, digest, .. }, signature, .. } in proposals.unwrap_or_default() {
            if self.log.in_window(seq) {
                self.assign(seq, digest, signature);
                self.learn_noop(seq, &digest);
            }
        }
    }

    fn replay_vote(&mut self, record: Record) -> Result<(), &'static str> {
        match record {
            Record::Proposed { view, seq, batch, transactions } => self.replay_proposed(view, seq, batch, transactions),
            Record::Accepted { view, seq, pre_prepare, batch, transactions } => {
                let digest = self.replay_content(seq, batch, transactions);
                self.replay_phase(view, seq, Assignment { digest, signature: pre_prepare, phase: Phase::Accepted })
            }
            Record::Drafted { view, seq, batch, transactions } => {
                let digest = self.replay_content(seq, batch, transactions);
                self.replay_draft(view, seq, digest)
            }
            Record::Prepared(certificate) => self.replay_prepared(certificate),
            _ => Ok(()),
        }
    }

    fn learn_noop(&mut self, seq: SeqNum, digest: &Digest) {
        let noop = Batch::noop();
        if noop.digest() == *digest {
            self.log.slot(seq).contents.insert(*digest, Content::new(noop));
        }
    }

    fn replay_content(&mut self, seq: SeqNum, batch: Batch, bodies: Vec<Transaction>) -> Digest {
        let digest = batch.digest();
        self.last_stamp = self.last_stamp.max(batch.timestamp);
        if self.log.in_window(seq) {
            self.log.slot(seq).contents.insert(digest, Content::complete(batch, bodies));
        }
        digest
    }

    fn replay_proposed(
        &mut self,
        view: View,
        seq: SeqNum,
        batch: Batch,
        bodies: Vec<Transaction>,
    ) -> Result<(), &'static str> {
        let digest = self.replay_content(seq, batch.clone(), bodies);
        if !self.is_current(view)? || !self.log.in_window(seq) {
            return Ok(());
        }
        self.next_seq = self.next_seq.max(seq.next());
        let assignment = PrePrepare { view, seq, digest };
        match self.own_proposals.insert(seq, Payload::PrePrepare { assignment, batch }) {
            Some(Payload::PrePrepare { assignment: before, .. }) if before != assignment => {
                Err("two proposals for one sequence number in one view")
            }
            _ => Ok(()),
        }
    }

    fn replay_prepared(&mut self, certificate: PreparedCertificate) -> Result<(), &'static str> {
        let PreparedCertificate { view, seq, digest, pre_prepare: signature, .. } = certificate;
        if !self.log.in_window(seq) {
            return Ok(());
        }
        self.replay_phase(view, seq, Assignment { digest, signature, phase: Phase::Prepared })?;
        let slot = self.log.slot(seq);
        // Nothing is written of what clients were told: they may have been (rule X-4).
        slot.told = !mutated!(ToldForgotten);
        let held = &mut slot.prepared;
        if held.as_ref().is_none_or(|held| held.view < view) {
            *held = Some(certificate);
        }
        Ok(())
    }

    /// A PREPARE for the batch may have been said, for no other one in this view; the PRE-PREPARE comes again.
    fn replay_draft(&mut self, view: View, seq: SeqNum, digest: Digest) -> Result<(), &'static str> {
        if self.is_current(view)? && self.log.in_window(seq) {
            self.log.slot(seq).draft = Some(Drafted { view, digest, recalled: true });
        }
        Ok(())
    }

    /// Sets how far an assignment of the current view had come; those of earlier views are over.
    fn replay_phase(&mut self, view: View, seq: SeqNum, assignment: Assignment) -> Result<(), &'static str> {
        if !self.is_current(view)? || !self.log.in_window(seq) {
            return Ok(());
        }
        let held = &mut self.log.slot(seq).assignment;
        if held.as_ref().is_some_and(|held| held.digest != assignment.digest) {
            return Err("two batches accepted for one sequence number in one view");
        }
        *held = Some(assignment);
        // As primary it assigns no number a second time, whichever record tells of the first.
        self.next_seq = self.next_seq.max(seq.next());
        Ok(())
    }

    /// Whether a vote belongs to the view that goes on. What is still being moved to was not entered, and nothing was said there.
    fn is_current(&self, view: View) -> Result<bool, &'static str> {
        if view > self.view || (view == self.view && self.changing) {
            return Err("a vote in a view that was never entered");
        }
        Ok(view == self.view)
    }

    fn finish_recovery(&mut self) {
        // A state below the stable checkpoint was there once and is lost, as is a damaged one: another has to be fetched.
        self.damaged |= self.dispatched < self.checkpoints.stable.seq;
        if self.damaged {
            self.dispatched = SeqNum::ZERO;
            self.executed = SeqNum::ZERO;
            self.checkpoints.roots.clear();
        }
        let view_bound = self.view_start.max(self.checkpoints.stable.seq).next();
        self.next_seq = self.next_seq.max(view_bound);
        for seq in self.assigned() {
            self.own_proposals.remove(&seq);
        }
        let in_flight =
            self.log.iter().filter_map(|(seq, slot)| Some((seq, self.content_in_flight(seq, slot)?.clone())));
        for (seq, content) in in_flight.collect::<Vec<_>>() {
            self.place(seq, &content);
        }
        // How many views failed before is forgotten; the doubling starts from here.
        self.progress_view = self.view;
    }

    /// The batch that is accepted in the current view, or that this replica proposed and has to see come back.
    fn content_in_flight<'a>(&self, seq: SeqNum, slot: &'a Slot) -> Option<&'a Content> {
        slot.accepted().or_else(|| match self.own_proposals.get(&seq)? {
            Payload::PrePrepare { assignment, .. } => slot.complete(&assignment.digest),
            _ => None,
        })
    }

    /// Slots whose assignment of the current view is known with its signature: their proposals need not come back signed.
    fn assigned(&self) -> Vec<SeqNum> {
        self.log.iter().filter(|(_, slot)| slot.assignment.is_some()).map(|(seq, _)| seq).collect()
    }
}

//! Answers before the decision (rules X-2 to X-4): tentative execution, as in section 5.1 of Castro and Liskov's TOCS paper.
//!
//! ```text
//!   prepared ──▶ ExecuteTentatively   worked out beside the fsync, kept in memory
//!            ──▶ Persist              the prepared certificate (rule D-2)
//!            ──▶ COMMIT, ReplyTentatively                                      clients wait for q of one view
//!   decided  ──▶ Execute              written now; who waits still is told
//! ```
//!
//! q such replies are as good as a decision, and for the same reason as q COMMITs: behind each honest one of them is a prepared certificate on a
//! disk, every NEW-VIEW is made from the certificates of q replicas, and one of these is among them. Nothing is ever taken back here, because
//! nothing is changed: what is not decided was worked out in vain.

use tetrarch_types::{PreparedCertificate, SeqNum};

use crate::{PreparedBatch, Replica};

impl Replica {
    /// The batch of a prepared certificate, if its clients may be told what it comes to: it is behind all that is executed, so that its results
    /// depend on nothing that is not decided.
    pub(crate) fn tellable(&self, certificate: &PreparedCertificate) -> Option<PreparedBatch> {
        let PreparedCertificate { view, seq, digest, .. } = *certificate;
        // A replica alone decides without a message: nobody would be told sooner.
        if self.config.membership.quorum() == 1 {
            return None;
        }
        let is_next = self.may_execute() && self.has_executed_all() && seq == self.executed.next();
        let slot = self.log.get(seq).filter(|slot| is_next && slot.commit.is_none())?;
        let content = slot.complete(&digest).filter(|content| !content.batch.transactions.is_empty())?;
        let transactions = content.bodies().cloned().collect();
        Some(PreparedBatch { view, seq, batch: content.batch.clone(), transactions })
    }

    /// Rule X-4: the last batch that a client may believe to be executed, or have seen, although it is not here; 0 if there is none. What a later view does
    /// not propose again no client believes: of q who would have told it, one would have been among the q that the view was made from.
    pub(crate) fn told(&self) -> SeqNum {
        let stands = |seq: SeqNum, certificate: &PreparedCertificate| {
            self.changing || certificate.view == self.view || seq <= self.view_start
        };
        let told = self.log.above(self.executed).filter(|(_, slot)| slot.told);
        let told = told.filter(|(seq, slot)| slot.prepared.as_ref().is_some_and(|it| stands(*seq, it)));
        let told = told.map(|(seq, _)| seq).next_back().unwrap_or_default();
        // Behind a state that took the place of a later one.
        if self.shown > self.executed { told.max(self.shown) } else { told }
    }
}

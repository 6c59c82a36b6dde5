//! What may be voted for: every condition that a PREPARE or a COMMIT depends on is in this file.

use std::collections::BTreeSet;

use tetrarch_crypto::mutated;
use tetrarch_types::{Now, PreparedCertificate, SeqNum, Timestamp, Transaction, View, limits};

use crate::content::Content;
use crate::slot::{Assignment, Phase, Slot};
use crate::{ProposalFault, Replica};

/// A backup's judgement of a proposal that it holds whole.
pub(crate) type Judgement = Result<(), ProposalFault>;

impl Replica {
    /// Whether the assignment of a slot may be accepted, and a backup's PREPARE sent (rule N-3). Not before the whole content is
    /// held; re-proposals of the new view were recomputed (rule V-6) and are not judged again.
    pub(crate) fn may_prepare(&self, now: Now, seq: SeqNum, content: &Content) -> Judgement {
        let slot = self.log.get(seq);
        if let Some(decided) = slot.and_then(|slot| slot.commit.as_ref()) {
            return if decided.digest == content.batch.digest() { Ok(()) } else { Err(ProposalFault::Decided) };
        }
        if content.batch.transactions.is_empty() {
            self.judge_empty(seq, content.batch.timestamp)?;
        }
        if content.bodies().map(Transaction::cost).sum::<usize>() > limits::MAX_BATCH_BYTES {
            return Err(ProposalFault::TooLarge);
        }
        self.judge_stamp(now, seq, content.batch.timestamp)?;
        self.judge_transactions(seq, content)
    }

    /// Rule T-1: later than every stamp below, and near this replica's own clock.
    fn judge_stamp(&self, now: Now, seq: SeqNum, stamp: Timestamp) -> Judgement {
        let below = self.log.above(self.dispatched).take_while(|(other, _)| *other < seq);
        let latest = below.filter_map(|(_, slot)| slot.accepted()).map(|content| content.batch.timestamp).max();
        if stamp <= latest.unwrap_or_default().max(self.agreed_time) {
            return Err(ProposalFault::StampNotLater);
        }
        if stamp.distance(now.clock) > self.config.clock_bound {
            return Err(ProposalFault::StampOffClock);
        }
        Ok(())
    }

    fn judge_transactions(&self, seq: SeqNum, content: &Content) -> Judgement {
        let mut seen = BTreeSet::new();
        let stamp = content.batch.timestamp;
        for transaction in content.bodies() {
            if !is_valid_at(transaction, stamp) {
                return Err(ProposalFault::Validity);
            }
            let place = (transaction.body.sender, transaction.body.nonce);
            let below = self.in_flight.get(&place).is_some_and(|other| *other < seq);
            if below || !seen.insert(place) || self.spent.will_contain(&place.0, place.1, stamp) {
                return Err(ProposalFault::NonceSpent);
            }
        }
        Ok(())
    }

    /// The prepared certificate, once a slot's assignment is accepted and q − 1 backups prepare it (rule N-4).
    pub(crate) fn prepared_certificate(&self, seq: SeqNum) -> Option<PreparedCertificate> {
        let view = self.voting_view();
        if !self.may_vote_in(view) || !self.may_begin(seq) {
            return None;
        }
        let slot = self.log.get(seq)?;
        let assignment = slot.assignment.as_ref().filter(|it| it.phase == Phase::Accepted)?;
        let prepares = self.backups_of(view, slot, assignment);
        let need = self.config.membership.quorum() - 1 - usize::from(mutated!(PrepareQuorumTooSmall));
        (prepares.len() >= need).then_some(PreparedCertificate {
            view,
            seq,
            digest: assignment.digest,
            pre_prepare: assignment.signature,
            prepares,
        })
    }

    fn backups_of(&self, view: View, slot: &Slot, assignment: &Assignment) -> tetrarch_types::Votes {
        let mut votes = slot.prepares.matching(|vote| vote.is_for(view, &assignment.digest));
        let primary = self.config.membership.primary(view);
        votes.retain(|(member, _)| *member != primary || mutated!(PrimaryCountedTwice));
        votes
    }

    /// How many matching COMMITs decide (rule N-6).
    pub(crate) fn commit_quorum(&self) -> usize {
        self.config.membership.quorum() - usize::from(mutated!(CommitQuorumTooSmall))
    }

    /// The view that is voted in: the one that this replica is in, or moves to and says nothing in before it starts.
    pub(crate) fn voting_view(&self) -> View {
        let left = || self.new_view.as_ref().map_or(View::ZERO, |entered| entered.payload.view);
        if mutated!(VotesWhileChanging) && self.changing { left() } else { self.view }
    }

    /// Whether anything may be said in this view: not while it is being left, and not by a replica that may have forgotten what it
    /// said before (rule A-2), or whose state is not the agreed one (rule C-4).
    pub(crate) fn may_vote_in(&self, view: View) -> bool {
        self.votes() && self.is_in(view)
    }

    /// Rule A-4: whether anything new may be said about this number. What was said before is repeated all the same (rule L-2).
    pub(crate) fn may_begin(&self, seq: SeqNum) -> bool {
        self.standing.shown.as_ref().is_none_or(|shown| seq > shown.seq)
    }

    /// Whether this is the view that the replica is in: what is proposed there is noted, even while it must not vote.
    pub(crate) fn is_in(&self, view: View) -> bool {
        (!self.changing || mutated!(VotesWhileChanging)) && view == self.voting_view()
    }
}

/// Whether a transaction may execute at this agreed time (rule R-3).
pub(crate) fn is_valid_at(transaction: &Transaction, stamp: Timestamp) -> bool {
    let until = transaction.body.valid_until;
    stamp <= until && until <= stamp.plus(limits::MAX_VALIDITY)
}

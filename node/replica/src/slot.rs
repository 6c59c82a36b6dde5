//! One sequence number in agreement: what was assigned to it, what was voted, what is decided.

use std::collections::BTreeMap;

use tetrarch_crypto::{Digest, Signature, mutated};
use tetrarch_types::{
    Commit, CommitCertificate, HeldVote, Membership, PrePrepare, Prepare, PreparedCertificate, ReplicaId, SeqNum,
    Signed, View, Votes,
};

use crate::content::Content;
use crate::draft::Drafted;

/// How far an assignment of the current view has come here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Known, not yet judged: the batch or bodies of it are missing.
    Waiting,
    /// Refused as a whole (rule N-3). It stays known, so that a second assignment is noticed.
    Refused,
    /// Accepted and durable; a backup has sent its PREPARE.
    Accepted,
    /// Prepared and durable; the COMMIT is sent.
    Prepared,
}

/// The primary's assignment in the current view.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) digest: Digest,
    /// The primary's signature on the PRE-PREPARE.
    pub(crate) signature: Signature,
    pub(crate) phase: Phase,
}

/// One member's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) view: View,
    pub(crate) digest: Digest,
    pub(crate) signature: Signature,
}

impl Vote {
    /// Whether it is for this batch, in this view.
    pub(crate) fn is_for(&self, view: View, digest: &Digest) -> bool {
        self.view == view && (self.digest == *digest || mutated!(DigestNotCompared))
    }
}

/// What became of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    New,
    Duplicate,
    /// A vote for a later view stands.
    Old,
    /// The member voted otherwise in the same view: this is the vote that stands.
    Conflict(Vote),
}

/// Votes of one kind: one a member, the one for its highest view (rule B-1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Ballot {
    votes: BTreeMap<ReplicaId, Vote>,
    /// Votes counted again, by the mutant `VotesNotDeduplicated`.
    #[cfg(feature = "mutants")]
    again: Vec<(ReplicaId, Vote)>,
}

impl Ballot {
    pub(crate) fn count_in(&mut self, member: ReplicaId, vote: Vote) -> Counted {
        #[cfg(feature = "mutants")]
        if mutated!(VotesNotDeduplicated) && self.votes.get(&member) == Some(&vote) {
            self.again.push((member, vote));
            return Counted::New;
        }
        match self.votes.get(&member) {
            Some(held) if held.view > vote.view => Counted::Old,
            Some(held) if held.view == vote.view && held.digest == vote.digest => Counted::Duplicate,
            Some(held) if held.view == vote.view => Counted::Conflict(*held),
            _ => {
                self.votes.insert(member, vote);
                Counted::New
            }
        }
    }

    /// What a member voted.
    pub(crate) fn of(&self, member: ReplicaId) -> Option<Vote> {
        self.votes.get(&member).copied()
    }

    /// How many votes are held.
    pub(crate) fn len(&self) -> usize {
        self.votes.len()
    }

    /// The signatures of all members whose vote counts, ascending by member.
    pub(crate) fn matching(&self, counts: impl Fn(&Vote) -> bool) -> Votes {
        let votes = self.votes.iter().map(|(member, vote)| (*member, *vote));
        #[cfg(feature = "mutants")]
        let votes = votes.chain(self.again.iter().copied());
        votes.filter(|(_, vote)| counts(vote)).map(|(member, vote)| (member, vote.signature)).collect()
    }
}

/// A sequence number in agreement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// Of the current view.
    pub(crate) assignment: Option<Assignment>,
    /// Of the latest view whose primary showed one here.
    pub(crate) draft: Option<Drafted>,
    /// Of the highest view in which it prepared here.
    pub(crate) prepared: Option<PreparedCertificate>,
    /// Whether clients may have been told, in that view or one before, what it comes to if it is decided (rule X-2).
    pub(crate) told: bool,
    /// The decision.
    pub(crate) commit: Option<CommitCertificate>,
    /// Batches that were assigned or decided here, by digest: at most one for each view since the stable checkpoint, kept because
    /// a later view may propose any of them again.
    pub(crate) contents: BTreeMap<Digest, Content>,
    pub(crate) prepares: Ballot,
    pub(crate) commits: Ballot,
}

impl Slot {
    /// The content that has to be had next: of the decision, else of the assignment.
    pub(crate) fn wanted(&self) -> Option<Digest> {
        let assigned = self.assignment.as_ref().filter(|it| it.phase != Phase::Refused).map(|it| it.digest);
        self.commit.as_ref().map(|commit| commit.digest).or(assigned)
    }

    pub(crate) fn complete(&self, digest: &Digest) -> Option<&Content> {
        self.contents.get(digest).filter(|content| content.is_complete())
    }

    /// Whether the bodies of this batch are more than a batch may have.
    pub(crate) fn is_oversize(&self, digest: &Digest) -> bool {
        self.contents.get(digest).is_some_and(|content| !content.is_complete() && content.is_oversize())
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.assignment.as_ref().is_some_and(|assignment| assignment.phase == Phase::Waiting)
    }

    /// Whether it is neither decided nor assigned this batch, as far as is known here.
    pub(crate) fn lacks_assignment_of(&self, digest: &Digest) -> bool {
        self.commit.is_none() && self.assignment.as_ref().is_none_or(|it| it.digest != *digest)
    }

    /// Whether something wanted is not held.
    pub(crate) fn lacks_content(&self) -> bool {
        self.wanted().is_some_and(|digest| self.complete(&digest).is_none() && !self.is_oversize(&digest))
    }

    /// The batch that is accepted in the current view, with its content.
    pub(crate) fn accepted(&self) -> Option<&Content> {
        let assignment = self.assignment.as_ref().filter(|it| it.phase >= Phase::Accepted)?;
        self.complete(&assignment.digest)
    }
}

/// What is held here of a member's votes (rule A-1).
impl Slot {
    /// Its assignments, its PREPARE and its COMMIT, at most four in all: for each kind what was voted last, else what a certificate
    /// shows.
    pub(crate) fn votes_of(
        &self,
        member: ReplicaId,
        view: View,
        seq: SeqNum,
        membership: &Membership,
    ) -> Vec<HeldVote> {
        let assigned = self.assignment.as_ref().map(|it| Vote { view, digest: it.digest, signature: it.signature });
        let prepared = self.prepared.as_ref();
        let proposed = prepared.map(|it| Vote { view: it.view, digest: it.digest, signature: it.pre_prepare });
        let is_primary = |vote: &Vote| membership.primary(vote.view) == member;
        let assignments = [assigned, proposed].into_iter().flatten().filter(is_primary);
        let prepare = self.prepares.of(member).or_else(|| {
            let it = prepared?;
            Some(Vote { view: it.view, digest: it.digest, signature: signature_of(&it.prepares, member)? })
        });
        let commit = self.commits.of(member).or_else(|| {
            let it = self.commit.as_ref()?;
            Some(Vote { view: it.view, digest: it.digest, signature: signature_of(&it.commits, member)? })
        });
        let mut votes: Vec<HeldVote> = assignments
            .map(|Vote { view, digest, signature }| {
                HeldVote::PrePrepare(Signed { payload: PrePrepare { view, seq, digest }, signer: member, signature })
            })
            .collect();
        votes.extend(prepare.map(|Vote { view, digest, signature }| {
            HeldVote::Prepare(Signed { payload: Prepare { view, seq, digest }, signer: member, signature })
        }));
        votes.extend(commit.map(|Vote { view, digest, signature }| {
            HeldVote::Commit(Signed { payload: Commit { view, seq, digest }, signer: member, signature })
        }));
        votes
    }
}

fn signature_of(votes: &Votes, member: ReplicaId) -> Option<Signature> {
    votes.iter().find(|(signer, _)| *signer == member).map(|(_, signature)| *signature)
}

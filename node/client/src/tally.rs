//! Counting what replicas answer. Pure: the network is elsewhere.

use std::collections::BTreeMap;

use tetrarch_types::{
    ReplicaId, Reply, ReplyCertificate, Response, SignedResults, TentativeVotes, Transaction, TransactionId, Verifier,
    Votes,
};

use crate::Trouble;

/// Each replica's answer about one transaction, at most one a replica. A reply to what is decided stands; a tentative one (rule X-2) until the
/// replica says something else.
pub(crate) struct Tally<'a> {
    verifier: &'a Verifier,
    transaction: TransactionId,
    replies: BTreeMap<ReplicaId, Reply>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(verifier: &'a Verifier, transaction: TransactionId) -> Self {
        Self { verifier, transaction, replies: BTreeMap::new(), troubles: BTreeMap::new() }
    }

    /// Takes one replica's answer. A reply that holds stays; everything else is replaced by what the replica says next. That it says nothing, or
    /// that it is busy, takes nothing back.
    pub(crate) fn admit(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        if self.is_settled(from) {
            return;
        }
        match self.judge(from, answer) {
            Ok(reply) => {
                self.troubles.remove(&from);
                self.replies.insert(from, reply);
            }
            Err(trouble) => {
                tracing::debug!(replica = %from, transaction = %self.transaction, %trouble, "an answer does not count");
                if matches!(&trouble, Trouble::Refused(refusal) if Trouble::is_final(refusal)) {
                    self.replies.remove(&from);
                }
                if !self.replies.contains_key(&from) {
                    self.troubles.insert(from, trouble);
                }
            }
        }
    }

    fn judge(&self, from: ReplicaId, answer: Result<Response, Trouble>) -> Result<Reply, Trouble> {
        let reply = match answer? {
            Response::Reply(reply) => reply,
            other => return Err(Trouble::of(Ok(other))),
        };
        let signer = reply.results.signer();
        if signer != from {
            return Err(Trouble::Invalid(format!("signed as replica {signer}")));
        }
        if reply.transaction != self.transaction {
            return Err(Trouble::Invalid("a reply to another transaction".into()));
        }
        let reply = self.verifier.reply(reply).map_err(|rejection| Trouble::Invalid(rejection.to_string()))?;
        Ok(reply.into_inner())
    }

    /// The replies of `need` or more distinct replicas that state the same, if there are as many: those of them that are tentative all of one
    /// view (rule X-3).
    pub(crate) fn matching(&self, need: usize) -> Option<Matching<'_>> {
        self.replies.values().find_map(|one| {
            let same: Matching = self.replies.iter().filter(|(_, other)| is_backed_by(one, other)).collect();
            (same.len() >= need).then_some(same)
        })
    }

    /// The replies of `need` or more distinct replicas that state the same of what is decided.
    pub(crate) fn decided(&self, need: usize) -> Option<Matching<'_>> {
        let decided = || self.replies.iter().filter(|(_, reply)| reply.results.tentative_in().is_none());
        decided().find_map(|(_, one)| {
            let same: Matching = decided().filter(|(_, other)| is_backed_by(one, other)).collect();
            (same.len() >= need).then_some(same)
        })
    }

    /// Whether the replica's answer stands, so that it need not be asked again.
    pub(crate) fn is_settled(&self, replica: ReplicaId) -> bool {
        self.replies.get(&replica).is_some_and(|reply| reply.results.tentative_in().is_none())
    }

    /// Those whose replies hold, agreeing or not.
    pub(crate) fn replied(&self) -> Vec<ReplicaId> {
        self.replies.keys().copied().collect()
    }

    /// What is the matter with the others so far.
    pub(crate) const fn troubles(&self) -> &BTreeMap<ReplicaId, Trouble> {
        &self.troubles
    }
}

/// Matching replies, by replica.
pub(crate) type Matching<'a> = BTreeMap<&'a ReplicaId, &'a Reply>;

/// Whether another replica states what this one does: about what is decided, or prepared in the same view. In different views different batches
/// may be prepared, one after the other, and replies from several of them prove nothing.
fn is_backed_by(one: &Reply, other: &Reply) -> bool {
    let (ours, theirs) = (&one.results, &other.results);
    let is_same = (ours.seq(), ours.root(), &one.outcome) == (theirs.seq(), theirs.root(), &other.outcome);
    is_same && theirs.tentative_in().is_none_or(|view| ours.tentative_in() == Some(view))
}

/// The proof that matching replies make together: of a quorum, or of the `weak_quorum` among them that state what is decided.
pub(crate) fn certificate(
    transaction: &Transaction,
    matching: &Matching,
    weak_quorum: usize,
) -> Option<ReplyCertificate> {
    let reply = *matching.values().next()?;
    let signed = |is_kind: fn(&SignedResults) -> bool| -> Votes {
        let of_kind = matching.iter().filter(|(_, reply)| is_kind(&reply.results));
        of_kind.map(|(replica, reply)| (**replica, reply.results.signature())).collect()
    };
    let votes = signed(|results| results.tentative_in().is_none());
    let view = matching.values().find_map(|reply| reply.results.tentative_in());
    let tentative = view.filter(|_| votes.len() < weak_quorum);
    let tentative =
        tentative.map(|view| TentativeVotes { view, votes: signed(|results| results.tentative_in().is_some()) });
    Some(ReplyCertificate {
        transaction: transaction.clone(),
        outcome: reply.outcome.clone(),
        seq: reply.results.seq(),
        path: reply.path.clone(),
        votes,
        tentative,
    })
}

//! Counting what replicas answer. Pure: the network is elsewhere.

use std::collections::BTreeMap;

use tetrarch_types::{ReplicaId, Reply, ReplyCertificate, Response, Transaction, TransactionId, Verifier, Votes};

use crate::Trouble;

/// Each replica's answer about one transaction, at most one a replica.
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

    /// Takes one replica's answer. A reply that holds stays; everything else is replaced by what the replica says next.
    pub(crate) fn admit(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        if self.replies.contains_key(&from) {
            return;
        }
        match self.judge(from, answer) {
            Ok(reply) => {
                self.troubles.remove(&from);
                self.replies.insert(from, reply);
            }
            Err(trouble) => {
                tracing::debug!(replica = %from, transaction = %self.transaction, %trouble, "an answer does not count");
                self.troubles.insert(from, trouble);
            }
        }
    }

    fn judge(&self, from: ReplicaId, answer: Result<Response, Trouble>) -> Result<Reply, Trouble> {
        let reply = match answer? {
            Response::Reply(reply) => reply,
            other => return Err(Trouble::of(Ok(other))),
        };
        if reply.results.signer != from {
            return Err(Trouble::Invalid(format!("signed as replica {}", reply.results.signer)));
        }
        if reply.transaction != self.transaction {
            return Err(Trouble::Invalid("a reply to another transaction".into()));
        }
        let reply = self.verifier.reply(reply).map_err(|rejection| Trouble::Invalid(rejection.to_string()))?;
        Ok(reply.into_inner())
    }

    /// The replies of `need` or more distinct replicas that state the same, if there are as many.
    pub(crate) fn matching(&self, need: usize) -> Option<Matching<'_>> {
        self.replies.values().find_map(|one| {
            let same: Matching = self.replies.iter().filter(|(_, other)| is_same(one, other)).collect();
            (same.len() >= need).then_some(same)
        })
    }

    /// Whether the replica's answer stands, so that it need not be asked again.
    pub(crate) fn is_settled(&self, replica: ReplicaId) -> bool {
        self.replies.contains_key(&replica)
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

fn is_same(one: &Reply, other: &Reply) -> bool {
    one.results.payload == other.results.payload && one.outcome == other.outcome
}

/// The proof that matching replies make together.
pub(crate) fn certificate(transaction: &Transaction, matching: &Matching) -> Option<ReplyCertificate> {
    let reply = *matching.values().next()?;
    let votes: Votes = matching.iter().map(|(replica, reply)| (**replica, reply.results.signature)).collect();
    Some(ReplyCertificate {
        transaction: transaction.clone(),
        outcome: reply.outcome.clone(),
        seq: reply.results.payload.seq,
        path: reply.path.clone(),
        votes,
    })
}

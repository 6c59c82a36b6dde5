//! What one round's answers amount to. Pure.

use std::collections::BTreeMap;

use tetrarch_client::Trouble;
use tetrarch_kv::QueryResult;
use tetrarch_types::{Membership, Refusal, ReplicaId, Response, nth_largest};

use crate::{BackendError, Told};

/// The answers of one round, one a replica.
#[derive(Debug)]
pub(super) struct Ballot {
    n: usize,
    quorum: usize,
    faults: usize,
    /// How many have to say the same.
    need: usize,
    /// The revision that an answer has to know of; then the answers alone are compared. None: revisions have to be the same too.
    pinned: Option<u64>,
    told: BTreeMap<ReplicaId, Told>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

impl Ballot {
    pub(super) fn new(membership: &Membership, need: usize, pinned: Option<u64>) -> Self {
        Self {
            n: membership.size(),
            quorum: membership.quorum(),
            faults: membership.faults(),
            need,
            pinned,
            told: BTreeMap::new(),
            troubles: BTreeMap::new(),
        }
    }

    /// Takes what a replica says; the first answer that counts stays.
    ///
    /// # Errors
    /// The answer of a replica that does not know of the pinned revision yet.
    pub(super) fn hear(&mut self, from: ReplicaId, said: Result<Response, Trouble>) -> Result<(), Told> {
        match said.and_then(told) {
            Ok(told) if self.pinned.is_some_and(|pinned| told.result.revision < pinned) => return Err(told),
            Ok(told) => {
                self.troubles.remove(&from);
                self.told.entry(from).or_insert(told);
            }
            Err(trouble) => drop(self.troubles.insert(from, trouble)),
        }
        Ok(())
    }

    /// What enough replicas say alike.
    pub(super) fn agreed(&self) -> Option<QueryResult> {
        let largest = self.largest();
        let one = largest.first().filter(|_| largest.len() >= self.need)?;
        Some(match self.pinned {
            None => (*one).clone(),
            // What is compacted is not compared: of those who agree, f + 1 have compacted at least so much.
            Some(revision) => {
                let compacted = nth_largest(largest.iter().map(|result| result.compacted), self.faults + 1);
                QueryResult { revision, compacted: compacted.unwrap_or_default(), answer: one.answer.clone() }
            }
        })
    }

    /// Whether so many have answered that no acknowledged write can be unknown to all of them.
    pub(super) fn has_quorum(&self) -> bool {
        self.told.len() >= self.quorum
    }

    /// Whether there is nobody left to hear, or those who are left could not make enough answers alike.
    pub(super) fn is_split(&self) -> bool {
        let silent = self.n.saturating_sub(self.told.len());
        self.has_quorum() && self.largest().len() + silent < self.need
    }

    pub(super) fn has_all(&self) -> bool {
        self.told.len() == self.n
    }

    /// A revision that knows of everything that was acknowledged before the question; for a linearizable read.
    ///
    /// What is acknowledged was executed by q replicas, or is before they answer (rule X-4), of which q − f at least are honest. Of those,
    /// n − m at most are missing among m answers.
    /// So the (q − f − (n − m))-th largest revision is as high as theirs. When all answer it is one that an honest replica has, whatever f
    /// liars say; with fewer it may be a liar's, and then it is waited for in vain, and the read is ordered.
    pub(super) fn floor(&self) -> Option<u64> {
        let rank = (self.quorum + self.told.len()).checked_sub(self.n + self.faults)?;
        nth_largest(self.revisions(), rank)
    }

    /// The highest revision that f + 1 replicas claim, so that an honest one has it; for a serializable read.
    pub(super) fn vouched(&self) -> Option<u64> {
        nth_largest(self.revisions(), self.faults + 1)
    }

    /// The highest batch that f + 1 claim to have executed.
    pub(super) fn executed(&self) -> Option<u64> {
        nth_largest(self.told.values().map(|told| told.executed.get()), self.faults + 1)
    }

    /// Why there is no answer, once the time is up.
    pub(super) fn failure(&self) -> BackendError {
        match self.refusal() {
            Some(refusal) => BackendError::Refused(refusal.to_string()),
            None if self.has_quorum() => BackendError::Disagree,
            None => BackendError::Unavailable(unanswered(self.need, self.n, self.told.len(), &self.troubles)),
        }
    }

    /// What f + 1 refuse alike, if waiting changes nothing about it.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        let refusals = self.troubles.values().filter_map(|trouble| match trouble {
            Trouble::Refused(refusal @ (Refusal::Malformed(_) | Refusal::TooLarge { .. })) => Some(refusal),
            _ => None,
        });
        let is_common = |one: &&Refusal| refusals.clone().filter(|other| other == one).count() > self.faults;
        refusals.clone().find(is_common)
    }

    fn revisions(&self) -> impl Iterator<Item = u64> {
        self.told.values().map(|told| told.result.revision)
    }

    /// The largest set of answers that are alike.
    fn largest(&self) -> Vec<&QueryResult> {
        let alike = |one: &QueryResult| -> Vec<&QueryResult> {
            let is_same = |other: &&QueryResult| match self.pinned {
                None => *other == one,
                Some(_) => other.answer == one.answer,
            };
            self.told.values().map(|told| &told.result).filter(is_same).collect()
        };
        self.told.values().map(|told| alike(&told.result)).max_by_key(Vec::len).unwrap_or_default()
    }
}

/// A sentence about those who do not answer.
pub(super) fn unanswered(need: usize, n: usize, answered: usize, troubles: &BTreeMap<ReplicaId, Trouble>) -> String {
    let reasons: Vec<String> = troubles.iter().map(|(replica, trouble)| format!("{replica}: {trouble}")).collect();
    format!("{need} of {n} replicas are needed and {answered} answered in time ({})", reasons.join("; "))
}

/// An answer's bytes, read within bounds.
pub(super) fn told(response: Response) -> Result<Told, Trouble> {
    let Response::Answer(answer) = response else { return Err(Trouble::of(Ok(response))) };
    let result = QueryResult::decode(&answer.bytes).map_err(|error| Trouble::Invalid(error.to_string()))?;
    Ok(Told { executed: answer.executed, result })
}

#[cfg(test)]
mod tests;

//! Rows of the state with their proofs.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::Ed25519;
use tetrarch_types::{Query, ReplicaId, Request, Response, StateProof};
use tokio::time::Instant;

use crate::asks::Listener;
use crate::queries::{Heard, believed_refusal};
use crate::{Client, ClientError, Trouble};

/// How long other replicas may take to bring a newer proof than the first that holds.
const GRACE: Duration = Duration::from_millis(300);

impl Client {
    /// A row of the state, or its absence, at the latest stable checkpoint, with a proof that was checked. Every replica is asked; of
    /// the proofs that hold, the one of the highest checkpoint counts, until q have answered or 300 ms after the first.
    ///
    /// # Errors
    /// [`Refusal::NoCheckpoint`](tetrarch_types::Refusal::NoCheckpoint) if f + 1 replicas say that no checkpoint is stable yet;
    /// [`ClientError::NoProof`] if replicas answer and not one of their proofs holds; else if nobody answers in time.
    pub async fn prove(&self, table: &str, key: &[u8]) -> Result<StateProof, ClientError> {
        let (started, deadline) = (Instant::now(), self.deadline());
        let request = Request::Query(Query::Prove { table: table.to_owned(), key: key.to_vec() });
        let mut survey = self.survey(&request);
        let mut hearing = Hearing::new(self, table, key);
        if let Some(Verdict::Refused(refused)) = survey.run(&mut hearing, deadline).await {
            return Err(refused);
        }
        hearing.is_waiting_for_more = true;
        if !hearing.proofs.is_empty() {
            let grace = Instant::now().checked_add(GRACE).map_or(deadline, |grace| grace.min(deadline));
            let _enough = survey.run(&mut hearing, grace).await;
        }
        match hearing.newest() {
            Some(proof) => Ok(proof),
            None => Err(self.unproven(&hearing, started).await),
        }
    }

    async fn unproven(&self, hearing: &Hearing<'_>, started: Instant) -> ClientError {
        if hearing.troubles.values().any(|trouble| matches!(trouble, Trouble::Invalid(_))) {
            let troubles = hearing.troubles.iter().map(|(replica, trouble)| (*replica, trouble.clone()));
            return ClientError::NoProof(troubles.collect());
        }
        self.undecided(&hearing.troubles, hearing, 1, started).await
    }
}

enum Verdict {
    /// There is a proof; or, when more of them are waited for, there are enough answers.
    Heard,
    Refused(ClientError),
    /// Everybody answered, and nothing holds.
    Hopeless,
}

/// What the replicas bring, one proof each.
struct Hearing<'a> {
    client: &'a Client,
    table: &'a str,
    key: &'a [u8],
    is_waiting_for_more: bool,
    proofs: BTreeMap<ReplicaId, StateProof>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

impl<'a> Hearing<'a> {
    const fn new(client: &'a Client, table: &'a str, key: &'a [u8]) -> Self {
        Self { client, table, key, is_waiting_for_more: false, proofs: BTreeMap::new(), troubles: BTreeMap::new() }
    }

    fn judge(&self, answer: Result<Response, Trouble>) -> Result<StateProof, Trouble> {
        let proof = match answer? {
            Response::Proof(proof) => *proof,
            other => return Err(Trouble::of(Ok(other))),
        };
        if proof.table != self.table || proof.key != self.key {
            return Err(Trouble::Invalid("a proof of another row".into()));
        }
        match proof.verify(&self.client.membership, &Ed25519) {
            Ok(()) => Ok(proof),
            Err(error) => Err(Trouble::Invalid(error.to_string())),
        }
    }

    fn newest(&self) -> Option<StateProof> {
        self.proofs.values().max_by_key(|proof| proof.certificate.seq).cloned()
    }

    fn answers(&self) -> usize {
        self.proofs.len() + self.troubles.values().filter(|trouble| trouble.is_its_word()).count()
    }

    fn is_hopeless(&self) -> bool {
        let invalid = self.troubles.values().filter(|trouble| matches!(trouble, Trouble::Invalid(_)));
        invalid.count() >= self.client.membership.size()
    }
}

impl Listener for Hearing<'_> {
    type Verdict = Verdict;

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        if self.proofs.contains_key(&from) {
            return;
        }
        match self.judge(answer) {
            Ok(proof) => {
                self.troubles.remove(&from);
                self.proofs.insert(from, proof);
            }
            Err(trouble) => {
                tracing::debug!(replica = %from, %trouble, "its proof does not count");
                self.troubles.insert(from, trouble);
            }
        }
    }

    fn is_settled(&self, replica: ReplicaId) -> bool {
        self.proofs.contains_key(&replica)
    }

    /// A proof outweighs every refusal: only the replicas' own state could have led to it.
    fn verdict(&self) -> Option<Verdict> {
        if !self.proofs.is_empty() {
            let is_enough = !self.is_waiting_for_more || self.answers() >= self.client.membership.quorum();
            return is_enough.then_some(Verdict::Heard);
        }
        if let Some(refusal) = believed_refusal(self.client, &self.troubles) {
            return Some(Verdict::Refused(ClientError::Refused(refusal)));
        }
        self.is_hopeless().then_some(Verdict::Hopeless)
    }
}

impl Heard for Hearing<'_> {
    fn counted(&self) -> Vec<ReplicaId> {
        self.proofs.keys().copied().collect()
    }

    fn trouble(&self, replica: ReplicaId) -> Option<&Trouble> {
        self.troubles.get(&replica)
    }
}

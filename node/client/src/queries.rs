//! Questions about senders, transactions and replicas.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::PublicKey;
use tetrarch_transport::Connector;
use tetrarch_types::{
    NodeStatus, Outcome, Query, Refusal, ReplicaId, ReplyCertificate, Request, Response, SeqNum, Transaction,
    TransactionId, Verifier,
};
use tokio::time::Instant;

use crate::asks::{self, Listener};
use crate::nonces::believable;
use crate::tally::{Tally, certificate};
use crate::{Client, ClientError, NoQuorum, Trouble};

/// The longest wait for replicas' statuses when an error is to say who is alive.
const LAST_LOOK: Duration = Duration::from_millis(500);

/// What was heard when the time was up: enough to say why nothing was decided.
pub(crate) trait Heard {
    /// Replicas whose answers count.
    fn counted(&self) -> Vec<ReplicaId>;

    /// What is the matter with another one.
    fn trouble(&self, replica: ReplicaId) -> Option<&Trouble>;
}

/// What f + 1 replicas say came of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What came of it.
    pub outcome: Outcome,
    /// Where in the order.
    pub seq: SeqNum,
    /// Who says so, ascending.
    pub replicas: Vec<ReplicaId>,
}

impl Client {
    /// The highest nonce executed for a sender: the (f + 1)-th largest that q replicas name, so that one at least as high is an
    /// honest replica's word.
    ///
    /// # Errors
    /// If fewer than q replicas answer in time.
    pub async fn nonce(&self, sender: PublicKey) -> Result<Option<u64>, ClientError> {
        self.highest_nonce(sender, self.deadline()).await
    }

    /// What came of a transaction, as f + 1 replicas say it: final, and provable.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if the replicas do not have it or keep it no longer; else if too few answer in time.
    pub async fn reply(&self, id: TransactionId) -> Result<Known, ClientError> {
        self.lookup(id, self.deadline(), |tally, need| {
            let matching = tally.decided(need)?;
            let reply = *matching.values().next()?;
            let replicas = matching.keys().map(|replica| **replica).collect();
            Some(Known { outcome: reply.outcome.clone(), seq: reply.results.seq(), replicas })
        })
        .await
    }

    /// A transaction by its id. One replica's word is enough: the id and the sender's signature prove the rest.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if the replicas do not have it or keep it no longer; else if too few answer in time.
    pub async fn transaction(&self, id: TransactionId) -> Result<Transaction, ClientError> {
        self.transaction_until(id, self.deadline()).await
    }

    /// The proof for third parties of what came of a transaction, signed by f + 1 replicas.
    ///
    /// # Errors
    /// [`Refusal::Unknown`] if the replicas do not have it or keep it no longer; else if too few answer in time.
    pub async fn receipt(&self, id: TransactionId) -> Result<ReplyCertificate, ClientError> {
        let deadline = self.deadline();
        let transaction = self.transaction_until(id, deadline).await?;
        self.lookup(id, deadline, |tally, need| certificate(&transaction, &tally.decided(need)?, need)).await
    }

    /// Every replica's status in its own unverified words, by replica id, asked for at the same time.
    pub async fn statuses(&self) -> Vec<Result<NodeStatus, Trouble>> {
        self.statuses_until(self.deadline()).await
    }

    /// One replica's own answer, which nothing vouches for: for whoever compares several by rules of its own.
    ///
    /// # Errors
    /// Why there is none within `patience`.
    pub async fn ask(&self, replica: ReplicaId, query: Query, patience: Duration) -> Result<Response, Trouble> {
        asks::ask(&self.connector, replica, Connector::encode(&Request::Query(query)), patience).await
    }

    /// A replica's own status out of its answer.
    ///
    /// # Errors
    /// If it is none, or another replica's or chain's.
    pub fn status_of(&self, from: ReplicaId, answer: Result<Response, Trouble>) -> Result<NodeStatus, Trouble> {
        match answer {
            Ok(Response::Status(status)) if status.replica != from => {
                Err(Trouble::Invalid(format!("the status of replica {}", status.replica)))
            }
            Ok(Response::Status(status)) if status.chain != self.chain() => {
                Err(Trouble::Invalid(format!("it belongs to chain {}", status.chain)))
            }
            Ok(Response::Status(status)) => Ok(status),
            other => Err(Trouble::of(other)),
        }
    }

    async fn statuses_until(&self, deadline: Instant) -> Vec<Result<NodeStatus, Trouble>> {
        let mut roll = RollCall { client: self, said: BTreeMap::new() };
        self.survey(&Request::Query(Query::Status)).once(&mut roll, deadline).await;
        self.membership.ids().map(|id| roll.said.remove(&id).unwrap_or(Err(Trouble::Silent))).collect()
    }

    pub(crate) async fn highest_nonce(&self, sender: PublicKey, deadline: Instant) -> Result<Option<u64>, ClientError> {
        let started = Instant::now();
        let mut census = Census { client: self, words: BTreeMap::new(), troubles: BTreeMap::new() };
        match self.survey(&Request::Query(Query::Nonce(sender))).run(&mut census, deadline).await {
            Some(highest) => Ok(highest),
            None => Err(self.no_quorum(&census, self.membership.quorum(), started, None).await),
        }
    }

    async fn transaction_until(&self, id: TransactionId, deadline: Instant) -> Result<Transaction, ClientError> {
        let started = Instant::now();
        let mut search = Search { client: self, id, found: None, troubles: BTreeMap::new() };
        match self.survey(&Request::Query(Query::Transaction(id))).run(&mut search, deadline).await {
            Some(verdict) => verdict,
            None => Err(self.undecided(&search.troubles, &search, 1, started).await),
        }
    }

    async fn lookup<T>(
        &self,
        id: TransactionId,
        deadline: Instant,
        conclude: impl Fn(&Tally, usize) -> Option<T>,
    ) -> Result<T, ClientError> {
        let started = Instant::now();
        let mut lookup = Lookup { client: self, tally: Tally::new(&self.verifier, id), conclude };
        match self.survey(&Request::Query(Query::Reply(id))).run(&mut lookup, deadline).await {
            Some(verdict) => verdict,
            None => Err(self
                .undecided(lookup.tally.troubles(), &lookup.tally, self.membership.weak_quorum(), started)
                .await),
        }
    }

    /// Not q, but f + 1 refusals alike at the end still say more than that nothing was decided.
    pub(crate) async fn undecided(
        &self,
        troubles: &BTreeMap<ReplicaId, Trouble>,
        heard: &impl Heard,
        needed: usize,
        started: Instant,
    ) -> ClientError {
        match Trouble::common_refusal(troubles.values(), self.membership.weak_quorum()) {
            Some(refusal) => ClientError::Refused(refusal),
            None => self.no_quorum(heard, needed, started, None).await,
        }
    }

    /// Says who is alive: those whose answers counted, and those who give their status when asked for it now.
    pub(crate) async fn no_quorum(
        &self,
        heard: &impl Heard,
        needed: usize,
        started: Instant,
        transaction: Option<TransactionId>,
    ) -> ClientError {
        let waited = started.elapsed();
        let look = LAST_LOOK.min(self.options.timeout);
        let statuses = self.statuses_until(Instant::now() + look).await;
        let counted = heard.counted();
        let (mut answered, mut troubles) = (Vec::new(), Vec::new());
        for (replica, status) in self.membership.ids().zip(statuses) {
            let earlier = heard.trouble(replica).cloned();
            match (status, earlier) {
                _ if counted.contains(&replica) => answered.push(replica),
                (_, Some(trouble)) if trouble.is_its_word() => troubles.push((replica, trouble)),
                (Ok(_), _) => answered.push(replica),
                (Err(Trouble::Silent), Some(trouble)) | (Err(trouble), _) => troubles.push((replica, trouble)),
            }
        }
        if answered.is_empty() && troubles.iter().all(|(_, trouble)| !trouble.is_its_word()) {
            return ClientError::Unreachable(troubles);
        }
        let n = self.membership.size();
        ClientError::NoQuorum(Box::new(NoQuorum { needed, n, answered, troubles, waited, transaction }))
    }
}

impl Heard for Tally<'_> {
    fn counted(&self) -> Vec<ReplicaId> {
        self.replied()
    }

    fn trouble(&self, replica: ReplicaId) -> Option<&Trouble> {
        self.troubles().get(&replica)
    }
}

/// What q replicas say about a sender's highest nonce.
struct Census<'a> {
    client: &'a Client,
    words: BTreeMap<ReplicaId, Option<u64>>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

impl Listener for Census<'_> {
    type Verdict = Option<u64>;

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        match answer {
            Ok(Response::Nonce(word)) => {
                self.words.entry(from).or_insert(word);
                self.troubles.remove(&from);
            }
            other => {
                self.troubles.insert(from, Trouble::of(other));
            }
        }
    }

    fn is_settled(&self, replica: ReplicaId) -> bool {
        self.words.contains_key(&replica)
    }

    fn verdict(&self) -> Option<Option<u64>> {
        let membership = &self.client.membership;
        let enough = self.words.len() >= membership.quorum();
        enough.then(|| believable(self.words.values().copied().collect(), membership.faults()))
    }
}

impl Heard for Census<'_> {
    fn counted(&self) -> Vec<ReplicaId> {
        self.words.keys().copied().collect()
    }

    fn trouble(&self, replica: ReplicaId) -> Option<&Trouble> {
        self.troubles.get(&replica)
    }
}

/// A refusal is believed at f + 1; but that a transaction is unknown only at q, because honest replicas may lag.
pub(crate) fn believed_refusal(client: &Client, troubles: &BTreeMap<ReplicaId, Trouble>) -> Option<Refusal> {
    let common = |need| Trouble::common_refusal(troubles.values(), need);
    let unknown = common(client.membership.quorum()).filter(|refusal| *refusal == Refusal::Unknown);
    unknown.or_else(|| common(client.membership.weak_quorum()).filter(Trouble::is_final))
}

/// A transaction that one replica may bring.
struct Search<'a> {
    client: &'a Client,
    id: TransactionId,
    found: Option<Transaction>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

impl Search<'_> {
    fn judge(&self, answer: Result<Response, Trouble>) -> Result<Transaction, Trouble> {
        match answer {
            Ok(Response::Transaction(transaction)) if transaction.id() == self.id => {
                judged(&self.client.verifier, transaction)
            }
            Ok(Response::Transaction(_)) => Err(Trouble::Invalid("another transaction".into())),
            other => Err(Trouble::of(other)),
        }
    }
}

fn judged(verifier: &Verifier, transaction: Transaction) -> Result<Transaction, Trouble> {
    let verified = verifier.transaction(transaction).map_err(|rejection| Trouble::Invalid(rejection.to_string()))?;
    Ok(verified.into_inner())
}

impl Listener for Search<'_> {
    type Verdict = Result<Transaction, ClientError>;

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        match self.judge(answer) {
            Ok(transaction) => self.found = Some(transaction),
            Err(trouble) => {
                self.troubles.insert(from, trouble);
            }
        }
    }

    fn is_settled(&self, _: ReplicaId) -> bool {
        self.found.is_some()
    }

    fn verdict(&self) -> Option<Self::Verdict> {
        let refused =
            || believed_refusal(self.client, &self.troubles).map(|refusal| Err(ClientError::Refused(refusal)));
        self.found.clone().map(Ok).or_else(refused)
    }
}

impl Heard for Search<'_> {
    fn counted(&self) -> Vec<ReplicaId> {
        Vec::new()
    }

    fn trouble(&self, replica: ReplicaId) -> Option<&Trouble> {
        self.troubles.get(&replica)
    }
}

/// Replies from the caches of f + 1 replicas.
struct Lookup<'a, F> {
    client: &'a Client,
    tally: Tally<'a>,
    conclude: F,
}

impl<T, F: Fn(&Tally, usize) -> Option<T>> Listener for Lookup<'_, F> {
    type Verdict = Result<T, ClientError>;

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        self.tally.admit(from, answer);
    }

    fn is_settled(&self, replica: ReplicaId) -> bool {
        self.tally.is_settled(replica)
    }

    fn verdict(&self) -> Option<Self::Verdict> {
        let found = (self.conclude)(&self.tally, self.client.membership.weak_quorum());
        let refused =
            || believed_refusal(self.client, self.tally.troubles()).map(|refusal| Err(ClientError::Refused(refusal)));
        found.map(Ok).or_else(refused)
    }
}

/// Each replica's status, or why there is none.
struct RollCall<'a> {
    client: &'a Client,
    said: BTreeMap<ReplicaId, Result<NodeStatus, Trouble>>,
}

impl Listener for RollCall<'_> {
    type Verdict = ();

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        let status = self.client.status_of(from, answer);
        self.said.insert(from, status);
    }

    fn is_settled(&self, replica: ReplicaId) -> bool {
        self.said.contains_key(&replica)
    }

    fn verdict(&self) -> Option<()> {
        None
    }
}

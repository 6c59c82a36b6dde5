//! Gathering q matching replies to one transaction (rules ).

use std::sync::atomic::Ordering;

use tetrarch_types::{
    Outcome, Refusal, ReplicaId, ReplyCertificate, Request, Response, SeqNum, Transaction, TransactionId,
};
use tokio::time::Instant;

use crate::asks::Listener;
use crate::tally::{Tally, certificate};
use crate::{Client, ClientError, Trouble};

/// What came of a transaction, as q replicas state it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Which.
    pub transaction: TransactionId,
    /// What came of it.
    pub outcome: Outcome,
    /// Where in the order.
    pub seq: SeqNum,
    /// Who stated it, ascending: at least [`needed`](Self::needed).
    pub replicas: Vec<ReplicaId>,
    /// q.
    pub needed: usize,
    /// The proof for third parties.
    pub certificate: ReplyCertificate,
}

impl Client {
    pub(crate) async fn gather(&self, transaction: &Transaction, deadline: Instant) -> Result<Submitted, ClientError> {
        let started = Instant::now();
        let mut gathering = Gathering {
            transaction,
            tally: Tally::new(&self.verifier, transaction.id()),
            quorum: self.membership.quorum(),
            weak_quorum: self.membership.weak_quorum(),
        };
        let verdict = self.survey(&Request::Submit(transaction.clone())).run(&mut gathering, deadline).await;
        match verdict {
            Some(verdict) => verdict.inspect(|submitted| self.note_view(submitted)),
            None => Err(self.no_quorum(&gathering.tally, gathering.quorum, started, Some(transaction.id())).await),
        }
    }
}

impl Client {
    /// Whom to ask first from now on: a matter of a moment, so that nothing is lost where replicas have moved on.
    fn note_view(&self, submitted: &Submitted) {
        if let Some(tentative) = &submitted.certificate.tentative {
            self.view.store(tentative.view.get(), Ordering::Relaxed);
        }
    }
}

struct Gathering<'a> {
    transaction: &'a Transaction,
    tally: Tally<'a>,
    quorum: usize,
    weak_quorum: usize,
}

impl Gathering<'_> {
    fn submitted(&self) -> Option<Submitted> {
        let matching = self.tally.matching(self.quorum)?;
        let certificate = certificate(self.transaction, &matching, self.weak_quorum)?;
        Some(Submitted {
            transaction: self.transaction.id(),
            outcome: certificate.outcome.clone(),
            seq: certificate.seq,
            replicas: matching.keys().map(|replica| **replica).collect(),
            needed: self.quorum,
            certificate,
        })
    }

    /// f + 1 alike, of a kind that waiting does not change, unless f + 1 state that it executed: then an honest one refuses
    /// because it forgot, and the others will yet answer.
    fn refusal(&self) -> Option<Refusal> {
        let refusal =
            Trouble::common_refusal(self.tally.troubles().values(), self.weak_quorum).filter(Trouble::is_final)?;
        self.tally.matching(self.weak_quorum).is_none().then_some(refusal)
    }
}

impl Listener for Gathering<'_> {
    type Verdict = Result<Submitted, ClientError>;

    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>) {
        self.tally.admit(from, answer);
    }

    fn is_settled(&self, replica: ReplicaId) -> bool {
        self.tally.is_settled(replica)
    }

    fn verdict(&self) -> Option<Self::Verdict> {
        self.submitted().map(Ok).or_else(|| self.refusal().map(|refusal| Err(ClientError::Refused(refusal))))
    }
}

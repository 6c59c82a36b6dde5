//! The way from received to believed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tetrarch_crypto::Digest;
use tetrarch_replica::Decided;
use tetrarch_transport::{Received, Responder};
use tetrarch_types::{
    Host, Message, MessageKind, Refusal, Rejection, ReplicaId, Response, Transaction, Verifier, limits,
};

use super::{Admission, Submission};
use crate::counters::{Count, Counts};
use crate::inbox::Inbox;
use crate::seam::Seam;

/// Checks chunks and passes on what holds.
pub(crate) struct Gate {
    verifier: Arc<Verifier>,
    inbox: Arc<Inbox>,
    decided: Arc<Mutex<Decided>>,
    seam: Option<Arc<dyn Seam>>,
    counts: Counts,
}

impl Gate {
    pub(crate) const fn new(
        verifier: Arc<Verifier>,
        inbox: Arc<Inbox>,
        decided: Arc<Mutex<Decided>>,
        seam: Option<Arc<dyn Seam>>,
        counts: Counts,
    ) -> Self {
        Self { verifier, inbox, decided, seam, counts }
    }

    /// Checks messages with one batch of signatures and passes on, in order, those that hold. Waits for room in the inbox. Returns who
    /// sent signatures that do not hold.
    pub(crate) fn pass(&self, received: Vec<Received>) -> BTreeSet<ReplicaId> {
        let mut forgers = BTreeSet::new();
        if self.inbox.is_closed() {
            return forgers;
        }
        let received = self.without_late(received);
        let (own_words, others): (Vec<_>, Vec<_>) = received.into_iter().partition(speaks_for_itself);
        for stranger in others {
            self.refuse(
                stranger.from,
                stranger.message.kind(),
                "it is signed by another replica than the one that sent it",
            );
        }
        let senders: Vec<_> = own_words.iter().map(|it| (it.from, it.message.kind())).collect();
        let messages = own_words.into_iter().map(|it| it.message).collect();
        for ((from, kind), verdict) in senders.into_iter().zip(self.verifier.messages(messages)) {
            match verdict {
                Ok(message) if self.is_deaf_to(&message) => {}
                // A closed inbox means that the driver has stopped: nobody misses the message.
                Ok(message) => drop(self.inbox.message(from, message)),
                Err(rejection) => {
                    forgers.extend((rejection == Rejection::BadSignature).then_some(from));
                    self.refuse(from, kind, &rejection.to_string());
                }
            }
        }
        forgers
    }

    /// Without what comes too late to matter.
    fn without_late(&self, mut received: Vec<Received>) -> Vec<Received> {
        let all = received.len();
        // It is whole between any two of its operations.
        let decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        received.retain(|received| !decided.is_said_by(&received.message));
        drop(decided);
        self.counts.add_many(Count::LateCommits, all - received.len());
        received
    }

    /// Checks transactions with one batch of signatures. Those that do not hold are answered here. Returns from where signatures came that do
    /// not hold.
    pub(super) fn pass_clients(&self, submissions: Vec<Submission>, admission: &dyn Admission) -> BTreeSet<Host> {
        let mut forgers = BTreeSet::new();
        let (transactions, responders): (Vec<Transaction>, Vec<Responder>) =
            submissions.into_iter().map(|it| (it.transaction, it.responder)).unzip();
        let about: Vec<_> = transactions.iter().map(|it| (it.body.chain, it.body.command.len())).collect();
        let verdicts = self.verifier.transactions(transactions);
        for ((verdict, (chain, bytes)), responder) in verdicts.into_iter().zip(about).zip(responders) {
            match verdict {
                Ok(verified) => admission.admit(verified, responder),
                Err(rejection) => {
                    self.counts.add(Count::TransactionsRejected);
                    forgers.extend((rejection == Rejection::BadSignature).then_some(responder.host()));
                    responder.send(Response::Refused(self.refusal(&rejection, chain, bytes)));
                }
            }
        }
        forgers
    }

    /// What a client is told.
    fn refusal(&self, rejection: &Rejection, chain: Digest, bytes: usize) -> Refusal {
        match rejection {
            Rejection::WrongChain => {
                Refusal::WrongChain { theirs: chain, ours: self.verifier.membership().scope().genesis }
            }
            Rejection::TooLarge => Refusal::TooLarge { actual: bytes as u64, limit: limits::MAX_COMMAND_BYTES as u64 },
            Rejection::WeakKey(_) => Refusal::WeakKey,
            Rejection::BadSignature => Refusal::BadSignature,
            other => Refusal::Malformed(other.to_string()),
        }
    }

    fn is_deaf_to(&self, message: &Message) -> bool {
        self.seam.as_ref().is_some_and(|seam| !seam.hear(message))
    }

    fn refuse(&self, from: ReplicaId, kind: MessageKind, reason: &str) {
        self.counts.add(Count::MessagesRejected);
        tracing::debug!(peer = %from, ?kind, reason, "message refused");
    }
}

/// Whether the sender signed the message itself. A NEW-VIEW may be passed on by anyone: it proves itself.
fn speaks_for_itself(received: &Received) -> bool {
    received.message.signer() == received.from || received.message.kind() == MessageKind::NewView
}

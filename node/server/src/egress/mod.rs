//! Answers to those who submitted a transaction.
//!
//! One signature over a batch's result root answers everyone whose transaction was in it; it is made when the first of them is
//! answered, and kept for later answers from the reply cache. As a rule clients are answered before the batch is decided (rule X-2), with a
//! signature that says so; whoever asks again, or was not there yet, is answered behind it.

mod waiters;

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use tetrarch_crypto::Digest;
use tetrarch_kv::{Executed, Execution, QueryError, StateMachine, StoredReply};
use tetrarch_storage::Store;
use tetrarch_transport::Responder;
use tetrarch_types::{
    Refusal, Reply, Response, Results, SeqNum, Signed, SignedResults, TentativeResults, TransactionId, View,
};

use crate::bounds;
use crate::counters::{Count, Counts};
use crate::outbox::Outbox;
pub(crate) use waiters::Waiters;

/// What egress is given.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// A batch is executed.
    Executed(Executed),
    /// A batch is prepared in a view, and this is what it comes to if it is decided.
    Tentative { view: View, replies: Vec<StoredReply> },
    /// The replica refuses a transaction.
    Refused { transaction: TransactionId, refusal: Refusal },
    /// The node votes no more: nobody needs to wait.
    Halted(String),
}

/// Signs results and answers.
pub(crate) struct Egress<M, S> {
    state: Arc<Execution<M, S>>,
    waiters: Waiters,
    outbox: Arc<Outbox>,
    signed: Mutex<BTreeMap<SeqNum, Signed<Results>>>,
    counts: Counts,
}

impl<M: StateMachine, S: Store> Egress<M, S> {
    pub(crate) fn new(state: Arc<Execution<M, S>>, outbox: Arc<Outbox>, counts: Counts) -> Self {
        Self { state, waiters: Waiters::default(), outbox, signed: Mutex::default(), counts }
    }

    /// Those who wait.
    pub(crate) const fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Answers until the driver and the executor are gone.
    pub(crate) fn run(&self, parcels: Receiver<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Executed(executed) => executed.replies.into_iter().for_each(|reply| self.answer(reply)),
                Parcel::Tentative { view, replies } => self.answer_tentatively(view, replies),
                Parcel::Refused { transaction, refusal } => self.settle_refusal(transaction, refusal),
                Parcel::Halted(reason) => {
                    self.refuse(self.waiters.take_all(), &Refusal::NotServing(reason));
                }
            }
        }
    }

    /// Answers everyone who waits for this transaction.
    pub(crate) fn answer(&self, stored: StoredReply) {
        let responders = self.waiters.take(&stored.transaction);
        if !responders.is_empty() {
            self.reply_to(responders, &self.reply(stored));
        }
    }

    /// Answers everyone who waits for a transaction of a batch that is prepared: one signature for all of them.
    fn answer_tentatively(&self, view: View, replies: Vec<StoredReply>) {
        let mut signed = None;
        for stored in replies {
            let responders = self.waiters.take(&stored.transaction);
            if responders.is_empty() {
                continue;
            }
            let results = TentativeResults { view, seq: stored.seq, root: stored.results_root };
            let results = signed.get_or_insert_with(|| SignedResults::Tentative(self.outbox.results(results)));
            self.reply_to(responders, &with_signature(stored, results.clone()));
        }
    }

    fn reply_to(&self, responders: Vec<Responder>, reply: &Reply) {
        self.counts.add_many(Count::Replies, responders.len());
        for responder in responders {
            self.respond(responder, Response::Reply(reply.clone()));
        }
    }

    /// The replica refuses a transaction. That a nonce is spent it knows from batches that may still be executing, perhaps with
    /// this very transaction: then nothing is said, and whoever waits is answered by the execution, or learns from the front desk
    /// when it asks again which transaction spent the nonce (rule R-6).
    fn settle_refusal(&self, transaction: TransactionId, refusal: Refusal) {
        let is_certain = !matches!(refusal, Refusal::NonceSpent { .. });
        self.settle_as(transaction, is_certain.then_some(refusal));
    }

    /// The replica refuses a transaction, or the front desk does. It may have been executed before or meanwhile: then what came of
    /// it is the answer.
    pub(crate) fn settle(&self, transaction: TransactionId, refusal: Refusal) {
        self.settle_as(transaction, Some(refusal));
    }

    /// With what came of it, or else with this; without that nobody is told anything yet. One look: the cache may let go of a reply at any time,
    /// and what was executed must not be called anything else.
    fn settle_as(&self, transaction: TransactionId, otherwise: Option<Refusal>) {
        let refusal = match self.state.reply(&transaction) {
            Ok(Some(stored)) => return self.answer(stored),
            Ok(None) => otherwise,
            Err(error) => Some(Refusal::NotServing(error.to_string())),
        };
        if let Some(refusal) = refusal {
            self.refuse(self.waiters.take(&transaction), &refusal);
        }
    }

    /// Sends one answer, whatever it is.
    pub(crate) fn respond(&self, responder: Responder, response: Response) {
        self.outbox.answer(responder, response);
    }

    fn refuse(&self, responders: Vec<Responder>, refusal: &Refusal) {
        for responder in responders {
            self.respond(responder, Response::Refused(refusal.clone()));
        }
    }

    /// What came of a transaction, from the reply cache, signed.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub(crate) fn look_up(&self, transaction: &TransactionId) -> Result<Option<Reply>, QueryError> {
        Ok(self.state.reply(transaction)?.map(|stored| self.reply(stored)))
    }

    fn reply(&self, stored: StoredReply) -> Reply {
        let results = self.signed(stored.seq, stored.results_root);
        with_signature(stored, SignedResults::Decided(results))
    }

    /// Signs a batch's results once. Signatures are deterministic, so one made again after it was forgotten is the same.
    fn signed(&self, seq: SeqNum, root: Digest) -> Signed<Results> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(results) = signed.get(&seq) {
            return results.clone();
        }
        let results = self.outbox.results(Results { seq, root });
        signed.insert(seq, results.clone());
        if signed.len() > bounds::SIGNED_RESULTS {
            signed.pop_first();
        }
        results
    }
}

fn with_signature(StoredReply { transaction, outcome, path, .. }: StoredReply, results: SignedResults) -> Reply {
    Reply { transaction, outcome, path, results }
}

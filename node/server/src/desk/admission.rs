//! From a verified transaction to an input of the replica, or to an answer at once.

use std::sync::Arc;

use tetrarch_kv::{Execution, Fate, QueryError, StateMachine};
use tetrarch_storage::Store;
use tetrarch_transport::Responder;
use tetrarch_types::{Refusal, Response, Transaction, Verified, limits};

use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::egress::Egress;
use crate::health::Health;
use crate::inbox::{Inbox, NotTaken};
use crate::seam::Seam;
use crate::verifier::Admission;

/// Admits transactions.
pub(crate) struct Desk<M, S> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) egress: Arc<Egress<M, S>>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) health: Arc<Health>,
    pub(crate) seam: Option<Arc<dyn Seam>>,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
}

impl<M: StateMachine + Sync, S: Store> Admission for Desk<M, S> {
    /// The waiter is added before anything is looked up: a batch that executes in between then finds it, or was there to be found.
    fn admit(&self, transaction: Verified<Transaction>, responder: Responder) {
        if let Err(problem) = self.state.check(&transaction.body.command) {
            return self.egress.respond(responder, Response::Refused(Refusal::Malformed(problem)));
        }
        let id = transaction.id();
        if let Err(responder) = self.egress.waiters().add(id, responder, self.clock.time()) {
            self.counts.add(Count::Busy);
            return self.egress.respond(responder, Response::Refused(Refusal::Busy));
        }
        if let Err(refusal) = self.refusal(&transaction).map_or_else(|| self.pass_on(transaction), Err) {
            self.egress.settle(id, refusal);
        }
    }
}

impl<M: StateMachine, S: Store> Desk<M, S> {
    /// Why not to order it, if it was not executed before. An executed one is spent, and `settle` finds its reply.
    fn refusal(&self, transaction: &Transaction) -> Option<Refusal> {
        let body = &transaction.body;
        match self.fate(transaction) {
            Ok(Fate::Open) => {}
            Ok(Fate::Never) => return Some(Refusal::NonceSpent { nonce: body.nonce }),
            // `settle` finds the reply, unless the cache lets go of it meanwhile: then nobody knows any more.
            Ok(Fate::Settled(_) | Fate::Forgotten) => return Some(Refusal::NonceForgotten { nonce: body.nonce }),
            Err(error) => return Some(Refusal::NotServing(error.to_string())),
        }
        // Agreed time stands still while nothing is ordered; the next batch is stamped with about this clock.
        let now = self.state.agreed_time().max(Clock::wall());
        if body.valid_until < now {
            return Some(Refusal::Expired);
        }
        (body.valid_until > now.plus(limits::MAX_VALIDITY)).then_some(Refusal::ValidTooLong)
    }

    /// As a rule the nonce is not spent, and no reply need be looked for: that there is one nevertheless, of a sender who was forgotten meanwhile, `settle`
    /// finds, since nothing that such a sender signed is valid any more.
    fn fate(&self, transaction: &Transaction) -> Result<Fate, QueryError> {
        let body = &transaction.body;
        if !self.state.is_spent(&body.sender, body.nonce)? {
            return Ok(Fate::Open);
        }
        self.state.fate(&transaction.id(), body)
    }

    fn pass_on(&self, transaction: Verified<Transaction>) -> Result<(), Refusal> {
        if self.seam.as_ref().is_some_and(|seam| !seam.admit(&transaction)) {
            return Ok(());
        }
        self.inbox.request(transaction).map_err(|reason| match reason {
            NotTaken::Full => {
                self.counts.add(Count::Busy);
                Refusal::Busy
            }
            NotTaken::Closed => {
                Refusal::NotServing(self.health.halted().unwrap_or("the node is shutting down").to_owned())
            }
        })
    }
}

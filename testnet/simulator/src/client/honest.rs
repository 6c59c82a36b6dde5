//! An honest client: signs commands, sends them to some or all replicas, again while nothing comes, and believes a quorum.
//!
//! It checks replies by itself, with the oracles' arithmetic and not with the client library's.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use tetrarch_crypto::{Digest, PublicKey};
use tetrarch_types::{
    Outcome, Refusal, ReplicaId, Reply, Response, SeqNum, SignedResults, Timestamp, Transaction, TransactionBody,
    TransactionId, View, result_leaf,
};

use super::hostile::Victim;
use crate::adversary::SharedSigner;
use crate::counters::Counters;
use crate::node::EPOCH;
use crate::oracles::Rules;
use crate::rng::Rng;
use crate::sight::Told;
use crate::workload::Generator;

/// How long transactions stay valid: longer than any run.
const VALIDITY: Duration = Duration::from_secs(3_000);

const NONCE_GAP: &str = "nonce-gap";
const SENT_TO_ONE: &str = "sent-to-one";
const SENT_TO_SOME: &str = "sent-to-some";

/// What honest clients do that others find inconvenient, as it is counted.
pub const HABITS: [&str; 3] = [NONCE_GAP, SENT_TO_ONE, SENT_TO_SOME];

/// How often a client was told that its transaction never executes, as it is counted.
pub const TOLD_NEVER: &str = "told-never";

/// What two replicas must say alike to count together.
type Claim = (SeqNum, Digest, Vec<u8>);

/// What a replica says, and in which view, if it says it of what is prepared there and not decided.
type Said = (Claim, Option<View>);

/// One client.
pub struct Client {
    signer: SharedSigner,
    key: PublicKey,
    next_nonce: u64,
    generator: Box<dyn Generator>,
    pending: BTreeMap<TransactionId, Pending>,
    /// How often it was answered and did not go on.
    rests: usize,
    counts: Counters,
    rng: Rng,
}

struct Pending {
    transaction: Rc<Transaction>,
    /// Who says what: one claim a replica, the first that is of what is decided, or the last of what is not.
    said: BTreeMap<ReplicaId, Said>,
    /// Who calls the nonce spent and has not answered otherwise.
    refused: BTreeSet<ReplicaId>,
}

/// What a client believes in the end about a transaction.
#[derive(Clone, Debug)]
pub enum Heard {
    /// It was carried out, or expired: q replicas say the same.
    Told(Told),
    /// It never was and never will be: f + 1 replicas say that another one spent its nonce (rule R-6).
    Never {
        /// Which.
        transaction: TransactionId,
        /// What it was to do: signed again, it is another transaction.
        command: Vec<u8>,
    },
}

impl Client {
    /// A client with this key that asks for what the generator draws.
    pub fn new(signer: SharedSigner, generator: Box<dyn Generator>, rng: Rng) -> Self {
        let key = signer.public_key();
        Self { signer, key, next_nonce: 0, generator, pending: BTreeMap::new(), rests: 0, counts: Counters::new(), rng }
    }

    /// Signs the next command.
    pub fn issue(&mut self, rules: &Rules) -> Rc<Transaction> {
        let command = self.generator.next(&mut self.rng);
        self.sign(command, rules)
    }

    /// Signs a command with the next nonce.
    pub fn sign(&mut self, command: Vec<u8>, rules: &Rules) -> Rc<Transaction> {
        let body = TransactionBody {
            chain: rules.scope.genesis,
            sender: self.key,
            nonce: self.nonce(),
            valid_until: valid_until(),
            command,
        };
        let transaction = Rc::new(body.sign(&rules.scope, self.signer.as_ref()));
        let (said, refused) = (BTreeMap::new(), BTreeSet::new());
        let pending = Pending { transaction: transaction.clone(), said, refused };
        self.pending.insert(transaction.id(), pending);
        transaction
    }

    /// To whom a transaction goes first: all, one, or some.
    pub fn recipients(&mut self, n: usize) -> Vec<usize> {
        let everyone: Vec<usize> = (0..n).collect();
        let count = match self.rng.below(12) {
            0 => 1,
            1 => 1 + self.rng.index(n),
            _ => n,
        };
        match count {
            1 => self.count(SENT_TO_ONE),
            count if count < n => self.count(SENT_TO_SOME),
            _ => {}
        }
        self.rng.sample(&everyone, count)
    }

    /// A transaction that is not answered yet.
    pub fn pending(&self, id: &TransactionId) -> Option<Rc<Transaction>> {
        self.pending.get(id).map(|pending| pending.transaction.clone())
    }

    /// It was answered, and asks for nothing more for now.
    pub const fn rest(&mut self) {
        self.rests += 1;
    }

    /// It is to go on: how many more things it asks for.
    pub const fn wake(&mut self) -> usize {
        std::mem::replace(&mut self.rests, 0)
    }

    /// How many are not answered yet.
    pub fn outstanding(&self) -> usize {
        self.pending.len()
    }

    /// What somebody who has its key as well knows of it.
    pub fn as_victim(&self) -> Victim {
        let nonces = self.pending.values().map(|pending| pending.transaction.body.nonce).collect();
        Victim { signer: self.signer.clone(), pending: nonces, next: self.next_nonce }
    }

    /// How often it did what is counted.
    pub const fn counts(&self) -> &Counters {
        &self.counts
    }

    /// A replica answers. What the client believes now, if this was the answer that it waited for.
    pub fn hear(&mut self, from: ReplicaId, about: TransactionId, response: Response, rules: &Rules) -> Option<Heard> {
        let pending = self.pending.get_mut(&about)?;
        match response {
            Response::Reply(reply) if reply.transaction == about && is_sound(&reply, from, rules) => {
                let agreeing = pending.say(from, &reply);
                if agreeing < rules.quorum() { None } else { self.settle(&reply) }
            }
            Response::Refused(Refusal::NonceSpent { .. }) if !pending.is_decided_at(from) => {
                pending.said.remove(&from);
                pending.refused.insert(from);
                if pending.is_refused(rules) { self.give_up(about) } else { None }
            }
            _ => None,
        }
    }

    fn settle(&mut self, reply: &Reply) -> Option<Heard> {
        let Reply { transaction, outcome, results, .. } = reply;
        let pending = self.pending.remove(transaction)?;
        let is_early = pending.said.values().any(|(_, view)| view.is_some());
        if let Outcome::Executed(result) = outcome {
            self.generator.learn(&pending.transaction.body.command, result);
        }
        Some(Heard::Told(Told { transaction: *transaction, seq: results.seq(), outcome: outcome.clone(), is_early }))
    }

    fn give_up(&mut self, transaction: TransactionId) -> Option<Heard> {
        let command = self.pending.remove(&transaction)?.transaction.body.command.clone();
        self.count(TOLD_NEVER);
        Some(Heard::Never { transaction, command })
    }

    /// Usually the next number; sometimes some are left out.
    fn nonce(&mut self) -> u64 {
        let gap = if self.rng.chance(500) { self.rng.below(70) } else { 0 };
        if gap > 0 {
            self.count(NONCE_GAP);
        }
        let nonce = self.next_nonce + gap;
        self.next_nonce = nonce + 1;
        nonce
    }

    fn count(&mut self, habit: &'static str) {
        *self.counts.entry(habit).or_default() += 1;
    }

    /// A span to wait before the next command, at most this long.
    pub fn thinks(&mut self, at_most: Duration) -> Duration {
        self.rng.span(Duration::ZERO, at_most)
    }
}

impl Pending {
    /// Takes a replica's reply, which stands from then on; how many say the same.
    fn say(&mut self, from: ReplicaId, reply: &Reply) -> usize {
        let claim = (reply.results.seq(), reply.results.root(), tetrarch_types::encode(&reply.outcome));
        if !self.is_decided_at(from) {
            self.refused.remove(&from);
            self.said.insert(from, (claim.clone(), reply.results.tentative_in()));
        }
        // What it says may be what was missing for others who say it in another view.
        let backed = self.said.values().filter(|(said, _)| *said == claim).map(|said| self.saying(said));
        backed.max().unwrap_or_default()
    }

    /// Whether a replica called something decided: that stands.
    fn is_decided_at(&self, from: ReplicaId) -> bool {
        self.said.get(&from).is_some_and(|(_, view)| view.is_none())
    }

    /// How many say this, of what is decided, or prepared in the same view (rule X-3).
    fn saying(&self, (claim, view): &Said) -> usize {
        let is_backing = |(said, in_view): &&Said| said == claim && (in_view.is_none() || in_view == view);
        self.said.values().filter(is_backing).count()
    }

    /// One of f + 1 is honest and knows; unless one of f + 1 others is and knows better, because the first one forgot.
    fn is_refused(&self, rules: &Rules) -> bool {
        let is_known = self.said.values().any(|claim| self.saying(claim) > rules.f());
        self.refused.len() > rules.f() && !is_known
    }
}

fn valid_until() -> Timestamp {
    EPOCH.plus(VALIDITY)
}

/// The replica signed the root, and the path leads from the outcome to it.
fn is_sound(reply: &Reply, from: ReplicaId, rules: &Rules) -> bool {
    let leaf = result_leaf(&reply.transaction, &reply.outcome);
    let is_signed = match &reply.results {
        SignedResults::Decided(signed) => rules.has_signed(from, &signed.payload, signed.signature),
        SignedResults::Tentative(signed) => rules.has_signed(from, &signed.payload, signed.signature),
    };
    is_signed && reply.results.signer() == from && reply.path.root_from(leaf) == Some(reply.results.root())
}

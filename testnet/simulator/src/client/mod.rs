//! A simulated client: signs commands, sends them to some or all replicas, again while nothing comes, and believes a quorum.
//!
//! It checks replies by itself, with the oracles' arithmetic and not with the client library's.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use tetrarch_crypto::{Digest, PublicKey};
use tetrarch_types::{
    Outcome, ReplicaId, Reply, Response, SeqNum, Timestamp, Transaction, TransactionBody, TransactionId, result_leaf,
};

use crate::adversary::SharedSigner;
use crate::node::EPOCH;
use crate::oracles::Rules;
use crate::rng::Rng;
use crate::sight::Told;
use crate::workload::Generator;

/// How long transactions stay valid: longer than any run.
const VALIDITY: Duration = Duration::from_secs(3_000);

/// What two replicas must say alike to count together.
type Claim = (SeqNum, Digest, Vec<u8>);

/// One client.
pub struct Client {
    signer: SharedSigner,
    key: PublicKey,
    next_nonce: u64,
    generator: Box<dyn Generator>,
    pending: BTreeMap<TransactionId, Pending>,
    rng: Rng,
}

struct Pending {
    transaction: Rc<Transaction>,
    /// Who says what: one claim a replica, the first.
    said: BTreeMap<ReplicaId, Claim>,
}

impl Client {
    /// A client with this key that asks for what the generator draws.
    pub fn new(signer: SharedSigner, generator: Box<dyn Generator>, rng: Rng) -> Self {
        let key = signer.public_key();
        Self { signer, key, next_nonce: 0, generator, pending: BTreeMap::new(), rng }
    }

    /// Signs the next command.
    pub fn issue(&mut self, rules: &Rules) -> Rc<Transaction> {
        let command = self.generator.next(&mut self.rng);
        let body = TransactionBody {
            chain: rules.scope.genesis,
            sender: self.key,
            nonce: self.nonce(),
            valid_until: valid_until(),
            command,
        };
        let transaction = Rc::new(body.sign(&rules.scope, self.signer.as_ref()));
        let pending = Pending { transaction: transaction.clone(), said: BTreeMap::new() };
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
        self.rng.sample(&everyone, count)
    }

    /// A transaction that is not answered yet.
    pub fn pending(&self, id: &TransactionId) -> Option<Rc<Transaction>> {
        self.pending.get(id).map(|pending| pending.transaction.clone())
    }

    /// How many are not answered yet.
    pub fn outstanding(&self) -> usize {
        self.pending.len()
    }

    /// A replica answers. What the client believes now, if this was the reply that it waited for.
    pub fn hear(&mut self, from: ReplicaId, response: Response, rules: &Rules) -> Option<Told> {
        let Response::Reply(reply) = response else { return None };
        let pending = self.pending.get_mut(&reply.transaction)?;
        if reply.results.signer != from || !is_sound(&reply, rules) {
            return None;
        }
        let results = reply.results.payload;
        let claim = (results.seq, results.root, tetrarch_types::encode(&reply.outcome));
        pending.said.entry(from).or_insert(claim.clone());
        let agreeing: BTreeSet<ReplicaId> =
            pending.said.iter().filter(|(_, said)| **said == claim).map(|(replica, _)| *replica).collect();
        if agreeing.len() < rules.quorum() {
            return None;
        }
        self.settle(&reply.transaction, results.seq, reply.outcome)
    }

    fn settle(&mut self, id: &TransactionId, seq: SeqNum, outcome: Outcome) -> Option<Told> {
        let pending = self.pending.remove(id)?;
        if let Outcome::Executed(result) = &outcome {
            self.generator.learn(&pending.transaction.body.command, result);
        }
        Some(Told { transaction: *id, seq, outcome })
    }

    /// Usually the next number; sometimes some are left out.
    fn nonce(&mut self) -> u64 {
        let nonce = self.next_nonce + if self.rng.chance(500) { self.rng.below(70) } else { 0 };
        self.next_nonce = nonce + 1;
        nonce
    }

    /// A span to wait before the next command.
    pub fn thinks(&mut self) -> Duration {
        self.rng.span(Duration::ZERO, Duration::from_millis(20))
    }
}

fn valid_until() -> Timestamp {
    EPOCH.plus(VALIDITY)
}

/// The replica signed the root, and the path leads from the outcome to it.
fn is_sound(reply: &Reply, rules: &Rules) -> bool {
    let leaf = result_leaf(&reply.transaction, &reply.outcome);
    reply.path.root_from(leaf) == Some(reply.results.payload.root)
        && rules.has_signed(reply.results.signer, &reply.results.payload, reply.results.signature)
}

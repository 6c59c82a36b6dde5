//! A hostile client: from time to time it does one of the things that it is given to.

use std::rc::Rc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Timestamp, Transaction};

use super::Past;
use super::mischief::{Account, Flaw, Hand, Mischief, Trick, trick};
use crate::adversary::SharedSigner;
use crate::chain::Chain;
use crate::counters::Counters;
use crate::rng::Rng;
use crate::workload::Workload;

/// What a hostile client can see.
pub struct Scene<'a> {
    /// The chain, and keys without an end.
    pub chain: &'a Chain,
    /// What the replicas run.
    pub workload: &'a dyn Workload,
    /// What the clocks of most replicas say, more or less.
    pub now: Timestamp,
    /// The primary of the highest view that an honest replica is in.
    pub primary: usize,
    /// How many replicas there are, twins counted each.
    pub replicas: usize,
    /// What was sent before.
    pub past: &'a Past,
    /// The honest clients, whose keys were copied.
    pub victims: Vec<Victim>,
}

/// An honest client in the eyes of somebody who has its key.
pub struct Victim {
    /// The key.
    pub signer: SharedSigner,
    /// The nonces of what it waits for.
    pub pending: Vec<u64>,
    /// The one that it takes next, or one shortly above.
    pub next: u64,
}

/// Something to be sent.
pub struct Shot {
    /// To which replicas.
    pub to: Vec<usize>,
    /// What.
    pub transaction: Rc<Transaction>,
    /// What it is.
    pub sort: Sort,
}

/// What sort of transaction a shot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// One that may be carried out, never sent before.
    Fresh,
    /// One that was sent before.
    Again,
    /// One that must never be carried out.
    Flawed(Flaw),
}

/// One hostile client.
pub struct Hostile {
    account: Account,
    tricks: Vec<(Mischief, Box<dyn Trick>)>,
    counts: Counters,
    rng: Rng,
}

impl Hostile {
    /// The `which`-th hostile client of a chain, given to these kinds of mischief.
    pub fn new(which: usize, kinds: &[Mischief], chain: &Chain, mut rng: Rng) -> Self {
        let account = Account::new(which as u64, chain);
        let tricks = kinds.iter().map(|kind| (*kind, trick(*kind, &mut rng))).collect();
        Self { account, tricks, counts: Counters::new(), rng }
    }

    /// Its time has come.
    pub fn act(&mut self, scene: &Scene<'_>) -> Vec<Shot> {
        let which = self.rng.index(self.tricks.len());
        let Some((_, trick)) = self.tricks.get_mut(which) else { return Vec::new() };
        let mut hand = Hand::new(scene, &mut self.account, &mut self.rng, &mut self.counts);
        trick.play(&mut hand);
        hand.into_shots()
    }

    /// How often it did what.
    pub const fn counts(&self) -> &Counters {
        &self.counts
    }
}

/// A chain that is not this one.
pub(super) fn other_chain(rng: &mut Rng) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&rng.draw().to_be_bytes());
    Digest::from_bytes(bytes)
}

//! What a trick works with.

use std::rc::Rc;
use std::time::Duration;

use tetrarch_types::{Timestamp, Transaction, TransactionBody};

use super::{Account, Flaw};
use crate::client::hostile::{Scene, Shot, Sort};
use crate::counters::Counters;
use crate::rng::{Rate, Rng};
use crate::workload::Abuse;

/// How long an ordinary transaction of a hostile client is valid.
const VALIDITY: Duration = Duration::from_secs(600);

/// How many of its commands are about the honest clients' keys. What becomes of them nobody is told, so whoever judges the honest
/// clients' answers must think of both.
const MEDDLING: Rate = 1_000;

/// Keys of nobody are numbered from here on, so that none is drawn twice: above those that hostile clients have from the start.
const THROW_AWAY: u64 = 1 << 32;

/// Scene, chance, and the client's own account.
pub(in crate::client) struct Hand<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) account: &'a mut Account,
    pub(super) rng: &'a mut Rng,
    counts: &'a mut Counters,
    shots: Vec<Shot>,
}

impl<'a> Hand<'a> {
    pub(in crate::client) const fn new(
        scene: &'a Scene<'a>,
        account: &'a mut Account,
        rng: &'a mut Rng,
        counts: &'a mut Counters,
    ) -> Self {
        Self { scene, account, rng, counts, shots: Vec::new() }
    }

    pub(in crate::client) fn into_shots(self) -> Vec<Shot> {
        self.shots
    }

    /// An account with a key that nobody has seen before.
    pub(super) fn throw_away(&mut self) -> Account {
        Account::new(THROW_AWAY | self.rng.draw(), self.scene.chain)
    }

    /// A command, sometimes about the keys that honest clients use.
    pub(super) fn command(&mut self) -> Vec<u8> {
        let meddles = self.rng.chance(MEDDLING);
        self.abuse(if meddles { Abuse::Meddle } else { Abuse::Apart })
    }

    /// A command of a certain sort.
    pub(super) fn abuse(&mut self, abuse: Abuse) -> Vec<u8> {
        self.scene.workload.abuse(abuse, self.rng)
    }

    /// Until when an ordinary transaction is valid.
    pub(super) fn valid_until(&self) -> Timestamp {
        self.scene.now.plus(VALIDITY)
    }

    /// The body of an ordinary transaction with the client's own next nonce.
    pub(super) fn body(&mut self) -> TransactionBody {
        let (command, valid_until) = (self.command(), self.valid_until());
        self.account.body(self.scene.chain, valid_until, command)
    }

    /// A transaction of some account about keys of nobody's.
    pub(super) fn harmless(&mut self, account: &mut Account) -> Rc<Transaction> {
        let (command, valid_until) = (self.abuse(Abuse::Apart), self.valid_until());
        let body = account.body(self.scene.chain, valid_until, command);
        account.sign(self.scene.chain, body)
    }

    /// An ordinary transaction of some account.
    pub(super) fn transaction(&mut self, account: &mut Account) -> Rc<Transaction> {
        let (command, valid_until) = (self.command(), self.valid_until());
        let body = account.body(self.scene.chain, valid_until, command);
        account.sign(self.scene.chain, body)
    }

    /// Every replica.
    pub(super) fn everyone(&self) -> Vec<usize> {
        (0..self.scene.replicas).collect()
    }

    /// Some of them, at least one.
    pub(super) fn some(&mut self) -> Vec<usize> {
        let count = 1 + self.rng.index(self.scene.replicas);
        self.rng.sample(&self.everyone(), count)
    }

    /// Sends a transaction that may be carried out.
    pub(super) fn send(&mut self, to: Vec<usize>, transaction: Rc<Transaction>) {
        self.shots.push(Shot { to, transaction, sort: Sort::Fresh });
    }

    /// Sends one that was sent before.
    pub(super) fn send_again(&mut self, to: Vec<usize>, transaction: Rc<Transaction>) {
        self.shots.push(Shot { to, transaction, sort: Sort::Again });
    }

    /// Sends one that must never be carried out.
    pub(super) fn send_flawed(&mut self, to: Vec<usize>, transaction: Rc<Transaction>, flaw: Flaw) {
        self.shots.push(Shot { to, transaction, sort: Sort::Flawed(flaw) });
    }

    /// It happened.
    pub(super) fn count(&mut self, form: &'static str) {
        *self.counts.entry(form).or_default() += 1;
    }
}

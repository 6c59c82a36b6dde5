//! The pool of transactions that wait to be ordered, in order of arrival (rule B-2).

use std::collections::BTreeMap;

use tetrarch_crypto::PublicKey;
use tetrarch_types::{NonceWindow, Refusal, Time, Timestamp, Transaction, TransactionId, Verified};

use crate::PoolLimits;

#[derive(Debug)]
struct Entry {
    transaction: Transaction,
    arrival: u64,
    since: Time,
    /// A peer passed it on; no client brought it here.
    relayed: bool,
}

/// Waiting transactions. One that is part of a batch in agreement stays until the batch executes, but is not offered again.
#[derive(Debug)]
pub(crate) struct Pool {
    limits: PoolLimits,
    members: usize,
    entries: BTreeMap<TransactionId, Entry>,
    /// Of every entry: to find the first one that still waits.
    arrivals: BTreeMap<u64, TransactionId>,
    /// Entries in no batch, by arrival.
    unassigned: BTreeMap<u64, TransactionId>,
    nonces: BTreeMap<PublicKey, BTreeMap<u64, TransactionId>>,
    bytes: usize,
    next_arrival: u64,
    /// Whatever arrived before this is assigned in this view, or was passed by one that is.
    passed: u64,
}

/// What became of an offered transaction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    New,
    Known,
    Refused(Refusal),
}

impl Pool {
    pub(crate) const fn new(limits: PoolLimits, members: usize) -> Self {
        Self {
            limits,
            members,
            entries: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            unassigned: BTreeMap::new(),
            nonces: BTreeMap::new(),
            bytes: 0,
            next_arrival: 0,
            passed: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many transactions the sender with the most of them has.
    pub(crate) fn of_sender_at_most(&self) -> usize {
        self.nonces.values().map(BTreeMap::len).max().unwrap_or(0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn has_unassigned(&self) -> bool {
        !self.unassigned.is_empty()
    }

    /// How many wait, and are in no batch.
    pub(crate) fn waiting_len(&self) -> usize {
        self.unassigned.len()
    }

    pub(crate) fn get(&self, id: &TransactionId) -> Option<&Transaction> {
        self.entries.get(id).map(|entry| &entry.transaction)
    }

    /// A transaction's id. What waits here is passed on again and again: of that the id is known, and comparing costs less than hashing.
    pub(crate) fn id_of(&self, transaction: &Transaction) -> TransactionId {
        let body = &transaction.body;
        let held = self.nonces.get(&body.sender).and_then(|nonces| nonces.get(&body.nonce));
        let is_same = |id: &&TransactionId| self.get(id).is_some_and(|held| held.body == *body);
        held.filter(is_same).copied().unwrap_or_else(|| transaction.id())
    }

    /// Takes a transaction in under its id, within the bounds. What a peer relays has room of its own, so that a client that fills the
    /// primary's pool with one set of transactions and the backups' with another cannot make the primary look like a censor.
    pub(crate) fn admit(
        &mut self,
        now: Time,
        id: TransactionId,
        transaction: Verified<Transaction>,
        relayed: bool,
    ) -> Admission {
        if self.entries.contains_key(&id) {
            return Admission::Known;
        }
        let body = &transaction.body;
        let of_sender = self.nonces.get(&body.sender);
        if of_sender.is_some_and(|nonces| nonces.contains_key(&body.nonce)) {
            return Admission::Refused(Refusal::NonceContested { nonce: body.nonce });
        }
        let (total, each) = if relayed { (2, self.members) } else { (1, 1) };
        let full = self.entries.len() >= self.limits.transactions * total
            || self.bytes + transaction.cost() > self.limits.bytes * total
            || of_sender.map_or(0, BTreeMap::len) >= self.limits.per_sender * each;
        if full {
            return Admission::Refused(Refusal::Busy);
        }
        self.insert(now, id, transaction.into_inner(), relayed);
        Admission::New
    }

    fn insert(&mut self, now: Time, id: TransactionId, transaction: Transaction, relayed: bool) {
        self.bytes += transaction.cost();
        self.nonces.entry(transaction.body.sender).or_default().insert(transaction.body.nonce, id);
        self.arrivals.insert(self.next_arrival, id);
        self.unassigned.insert(self.next_arrival, id);
        self.entries.insert(id, Entry { transaction, arrival: self.next_arrival, since: now, relayed });
        self.next_arrival += 1;
    }

    /// Takes a transaction out; its arrival number tells whether it overtook others.
    pub(crate) fn remove(&mut self, id: &TransactionId) -> Option<u64> {
        let entry = self.entries.remove(id)?;
        self.arrivals.remove(&entry.arrival);
        self.unassigned.remove(&entry.arrival);
        self.bytes -= entry.transaction.cost();
        let body = &entry.transaction.body;
        if let Some(nonces) = self.nonces.get_mut(&body.sender) {
            nonces.remove(&body.nonce);
            if nonces.is_empty() {
                self.nonces.remove(&body.sender);
            }
        }
        Some(entry.arrival)
    }

    /// Takes out whatever of this sender's can no longer execute once this nonce is spent: what waits under it, and what falls out of
    /// the window below it.
    pub(crate) fn remove_spent(&mut self, sender: &PublicKey, nonce: u64) -> Vec<(u64, TransactionId)> {
        let Some(nonces) = self.nonces.get(sender) else { return Vec::new() };
        let fallen = nonces.range(..NonceWindow::lowest_beside(nonce)).chain(nonces.get_key_value(&nonce));
        let spent: Vec<_> = fallen.map(|(nonce, id)| (*nonce, *id)).collect();
        for (_, id) in &spent {
            self.remove(id);
        }
        spent
    }

    /// The transaction is part of a batch in agreement: it is not offered for another.
    pub(crate) fn assign(&mut self, id: &TransactionId) {
        if let Some(entry) = self.entries.get(id) {
            self.unassigned.remove(&entry.arrival);
        }
    }

    /// The primary ordered the transaction, which waited here, and so passed what waits in front of it.
    pub(crate) fn take_turn(&mut self, id: &TransactionId) {
        self.assign(id);
        let behind = self.entries.get(id).map_or(0, |entry| entry.arrival + 1);
        self.passed = self.passed.max(behind);
    }

    /// The arrival number below which all is assigned in this view, or was passed by one that is.
    pub(crate) const fn passed(&self) -> u64 {
        self.passed
    }

    /// A new view starts: nothing is assigned, and everything has waited from now on.
    pub(crate) fn unassign_all(&mut self, now: Time) {
        self.unassigned = self.arrivals.clone();
        self.passed = 0;
        for entry in self.entries.values_mut() {
            entry.since = now;
        }
    }

    /// Every transaction.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TransactionId, &Transaction)> {
        self.entries.iter().map(|(id, entry)| (id, &entry.transaction))
    }

    /// The transactions in no batch, by arrival.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&TransactionId, &Transaction)> {
        self.unassigned.values().filter_map(|id| self.entries.get(id).map(|entry| (id, &entry.transaction)))
    }

    /// The first transactions in no batch with an arrival number below `end` that have waited since before `before`: at most `count`,
    /// and `bytes` together.
    pub(crate) fn waiting_since(&self, before: Time, end: u64, count: usize, bytes: usize) -> Vec<Transaction> {
        let entries = self.unassigned.range(..end).filter_map(|(_, id)| self.entries.get(id));
        let waiting = entries.take_while(|entry| entry.since < before).take(count).map(|entry| &entry.transaction);
        let mut room = Some(bytes);
        let fitting = waiting.take_while(|transaction| {
            room = room.and_then(|room| room.checked_sub(transaction.cost()));
            room.is_some()
        });
        fitting.cloned().collect()
    }

    /// Since when a transaction that a client brought here has waited in this view.
    pub(crate) fn held_since(&self, id: &TransactionId) -> Option<Time> {
        self.entries.get(id).filter(|entry| !entry.relayed).map(|entry| entry.since)
    }

    /// The first transaction that arrived and is not executed: its arrival number and id.
    pub(crate) fn head(&self) -> Option<(u64, TransactionId)> {
        self.arrivals.first_key_value().map(|(arrival, id)| (*arrival, *id))
    }

    /// Since when the first transaction waits.
    pub(crate) fn waits_since(&self) -> Option<Time> {
        self.head().and_then(|(_, id)| self.entries.get(&id)).map(|entry| entry.since)
    }

    /// Whether any transaction stays valid until at least `until`: only those may count against a primary, whose clock may be
    /// ahead of this replica's.
    pub(crate) fn any_valid_until(&self, until: Timestamp) -> bool {
        self.entries.values().any(|entry| entry.transaction.body.valid_until >= until)
    }

    /// Takes out everything whose validity has passed, except what is in a batch.
    pub(crate) fn remove_expired(&mut self, clock: Timestamp) -> Vec<TransactionId> {
        let expired: Vec<TransactionId> =
            self.waiting().filter(|(_, it)| it.body.valid_until < clock).map(|(id, _)| *id).collect();
        for id in &expired {
            self.remove(id);
        }
        expired
    }
}

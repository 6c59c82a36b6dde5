//! Requests in, batches out: what a backup does with a request, and how the primary makes batches.
//!
//! A batch is made when no other input waits, so that what arrived together is ordered together. Agreement on it costs every replica the
//! same whatever it holds. So with nothing in flight nothing is waited for but clients that were just answered (`gathering.rs`); beside others a
//! batch is made when it is large, or when the last one is [`Config::batch_spacing`](crate::Config::batch_spacing) old. While as many are in flight
//! as the pipeline allows, requests gather.

use std::collections::BTreeMap;

use tetrarch_crypto::PublicKey;
use tetrarch_types::{
    Batch, NonceWindow, Now, Payload, PrePrepare, Refusal, ReplicaId, SeqNum, Supply, Time, Timestamp, Transaction,
    TransactionId, Verified, limits,
};

use crate::content::Content;
use crate::pool::Admission;
use crate::safety::is_valid_at;
use crate::{Effect, Effects, Event, Recipients, Record, Replica};

/// Requests that make one more batch worth its while, for each that is in flight.
const WORTH_A_BATCH: u64 = 64;

/// Requests passed on to the primary at a time.
const RELAY_TRANSACTIONS: usize = 64;

impl Replica {
    /// A transaction of a client, or one that a peer passed on.
    pub(crate) fn on_request(
        &mut self,
        now: Now,
        transaction: Verified<Transaction>,
        relayed: bool,
        effects: &mut Effects,
    ) {
        let id = self.pool.id_of(&transaction);
        self.fill_awaited(now, &id, &transaction, effects);
        if let Err(refusal) = self.admissible(now, &transaction, relayed) {
            // What is being executed will be answered by that.
            if self.placed.get(&id).is_some_and(|seq| *seq <= self.dispatched && *seq > self.executed) {
                return;
            }
            return refuse(id, refusal, relayed, effects);
        }
        let had_work = self.has_work();
        match self.pool.admit(now.time, id, transaction, relayed) {
            Admission::Known => {}
            Admission::Refused(refusal) => refuse(id, refusal, relayed, effects),
            Admission::New => {
                effects.observe(Event::Pooled { transaction: id });
                if self.placed.get(&id).is_some_and(|seq| *seq > self.dispatched) {
                    self.pool.assign(&id);
                }
                if !had_work {
                    self.timers.progress = now.time;
                }
                self.timers.propose = true;
            }
        }
    }

    /// Rules, early and by this replica's own clock. The bound on validity leaves room for the clocks' tolerance, so
    /// that what one replica admits no honest one refuses to take from it, and no honest primary to include.
    fn admissible(&self, now: Now, transaction: &Transaction, relayed: bool) -> Result<(), Refusal> {
        let body = &transaction.body;
        if self.spent.contains(&body.sender, body.nonce) {
            return Err(Refusal::NonceSpent { nonce: body.nonce });
        }
        if body.valid_until < now.clock {
            return Err(Refusal::Expired);
        }
        let room = self.config.clock_bound * if relayed { 1 } else { 2 };
        let longest = limits::MAX_VALIDITY.saturating_sub(room);
        if body.valid_until > now.clock.plus(longest) {
            return Err(Refusal::ValidTooLong);
        }
        Ok(())
    }

    /// Gives a body to the slots that wait for it.
    pub(crate) fn fill_awaited(&mut self, now: Now, id: &TransactionId, body: &Transaction, effects: &mut Effects) {
        let first = (*id, SeqNum::ZERO);
        let last = (*id, SeqNum::new(u64::MAX));
        let slots: Vec<SeqNum> = self.awaited.range(first..=last).map(|(_, seq)| *seq).collect();
        for seq in slots {
            self.awaited.remove(&(*id, seq));
            if let Some(slot) = self.log.get_mut(seq) {
                slot.contents.values_mut().for_each(|content| content.supply(id, body));
            }
            self.try_accept(now, seq, effects);
        }
        self.try_execute(now, effects);
    }

    pub(crate) fn is_primary(&self) -> bool {
        self.config.membership.primary(self.view) == self.config.id
    }

    /// Rule P-1: a primary proposes nothing before it holds the state that tells which nonces are spent or in flight.
    fn may_lead(&self) -> bool {
        let knows_all = || {
            let below = self.log.above(self.dispatched).take_while(|(seq, _)| *seq <= self.view_start);
            let accepted = below.filter(|(_, slot)| slot.accepted().is_some()).count() as u64;
            accepted == self.view_start.above(self.dispatched)
        };
        self.is_primary() && self.may_vote_in(self.view) && self.dispatched >= self.lead_from && knows_all()
    }

    /// Makes as many batches as the pipeline and the window allow.
    pub(crate) fn try_propose(&mut self, now: Now, effects: &mut Effects) {
        self.timers.propose = false;
        if !self.may_lead() {
            return;
        }
        self.next_seq = self.next_seq.max(self.dispatched.next());
        while self.may_assign(self.next_seq) {
            if self.propose_due() > now.time {
                self.timers.propose = true;
                break;
            }
            let stamp = now.clock.max(self.last_stamp.next());
            let transactions = self.select(stamp);
            if transactions.is_empty() && !self.is_tick(self.next_seq, stamp) {
                break;
            }
            self.propose(now.time, stamp, transactions, effects);
            self.next_seq = self.next_seq.next();
        }
    }

    /// Within the pipeline and the window. The last number there is stays free: the one behind it would be the same again.
    fn may_assign(&self, seq: SeqNum) -> bool {
        let has_room = self.unexecuted_below(seq) < self.config.pipeline && self.log.in_window(seq);
        has_room && self.may_begin(seq) && seq != seq.next()
    }

    /// How many batches below this number are not executed here.
    pub(crate) const fn unexecuted_below(&self, seq: SeqNum) -> u64 {
        seq.above(self.executed.next())
    }

    /// When the next batch is due, if there is something for it: at once, unless it would be small, and others are not executed yet or
    /// clients are expected back.
    pub(crate) fn propose_due(&self) -> Time {
        let in_flight = self.unexecuted_below(self.next_seq);
        if in_flight == 0 {
            return self.gathering.due(self.pool.waiting_len(), self.large(1));
        }
        if self.pool.waiting_len() >= self.large(in_flight) {
            return Time::ZERO;
        }
        self.timers.proposed.after(self.config.batch_spacing)
    }

    /// Requests that make a batch worth its while beside so many.
    fn large(&self, batches: u64) -> usize {
        usize::try_from(batches.saturating_mul(WORTH_A_BATCH)).unwrap_or(usize::MAX).min(self.config.batch_transactions)
    }

    /// Something was executed. If it was the last that this primary proposed, its clients have their answers and come back.
    pub(crate) fn expect_clients_back(&mut self, now: Time) {
        if self.is_primary() && self.unexecuted_below(self.next_seq) == 0 {
            let took = now.since(self.timers.proposed);
            self.gathering.begin(now, took, self.config.batch_spacing, self.pool.waiting_len());
        }
    }

    /// The next transactions by arrival, within the bounds of a batch.
    fn select(&self, stamp: Timestamp) -> Vec<(TransactionId, Transaction)> {
        let (mut bytes, mut highest) = (0, BTreeMap::new());
        self.pool
            .waiting()
            .filter(|(_, transaction)| is_valid_at(transaction, stamp) && self.is_fresh(transaction, &mut highest))
            .take(self.config.most_transactions())
            .take_while(|(_, transaction)| {
                let is_first = bytes == 0;
                bytes += transaction.cost();
                is_first || bytes <= self.config.most_bytes()
            })
            .map(|(id, transaction)| (*id, transaction.clone()))
            .collect()
    }

    /// Whether the nonce will be unspent when its turn comes, behind everything that is in flight and what was taken before it: what
    /// these push out of the window is refused by every backup that has executed them (rule N-3). `highest` holds the highest nonce
    /// in flight of each sender that was asked about.
    fn is_fresh(&self, transaction: &Transaction, highest: &mut BTreeMap<PublicKey, Option<u64>>) -> bool {
        let (sender, nonce) = (transaction.body.sender, transaction.body.nonce);
        let in_flight =
            || self.in_flight.range((sender, 0)..=(sender, u64::MAX)).next_back().map(|((_, nonce), _)| *nonce);
        let highest = highest.entry(sender).or_insert_with(in_flight);
        let is_fresh = highest.is_none_or(|highest| nonce >= NonceWindow::lowest_beside(highest))
            && !self.in_flight.contains_key(&(sender, nonce));
        if is_fresh {
            *highest = (*highest).max(Some(nonce));
        }
        is_fresh
    }

    /// Rule D-1: durable with its bodies, then sent. It comes back to this replica like to any other.
    fn propose(
        &mut self,
        now: Time,
        stamp: Timestamp,
        chosen: Vec<(TransactionId, Transaction)>,
        effects: &mut Effects,
    ) {
        let (ids, transactions): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
        let batch = Batch { timestamp: stamp, transactions: ids };
        let (view, seq, digest) = (self.view, self.next_seq, batch.digest());
        (self.last_stamp, self.timers.proposed) = (stamp, now);
        self.gathering.end(self.pool.waiting_len(), self.large(1));
        let content = Content::complete(batch.clone(), transactions.clone());
        self.place(seq, &content);
        self.log.slot(seq).contents.insert(digest, content);
        self.show_draft(seq, &batch, effects);
        effects.observe(Event::Proposed { view, seq, transactions: transactions.len() });
        self.promise_in(Record::Proposed { view, seq, batch: batch.clone(), transactions }, effects);
        let assignment = PrePrepare { view, seq, digest };
        effects.send(Recipients::Everyone, Payload::PrePrepare { assignment, batch });
    }

    /// Hands the primary what it may lack (rule V-1): requests that wait here and are in no batch.
    pub(crate) fn relay(&mut self, now: Now, effects: &mut Effects) {
        let end = self.lacking_below();
        (self.timers.relay, self.timers.passed) = (now.time, self.pool.passed());
        let before = now.time.before(crate::timer::relay_wait(&self.config));
        let waiting = self.pool.waiting_since(before, end, RELAY_TRANSACTIONS, limits::MAX_SUPPLY_BYTES);
        if !waiting.is_empty() {
            let primary: ReplicaId = self.config.membership.primary(self.view);
            effects.send(Recipients::One(primary), Payload::Supply(Supply::Transactions(waiting)));
        }
    }

    /// Shows everyone what is a reason to end the view (rule V-1): whoever has it too waits for it as well, and one replica alone ends no view.
    pub(crate) fn share_waiting(&self, now: Now, effects: &mut Effects) {
        let waiting = self.pool.waiting_since(now.time, u64::MAX, RELAY_TRANSACTIONS, limits::MAX_CLIENT_FRAME_BYTES);
        if !waiting.is_empty() {
            effects.send(Recipients::Others, Payload::Supply(Supply::Transactions(waiting)));
        }
    }

    /// The arrival number below which the primary may lack what it has not ordered: what it had passed by the last time, and everything
    /// if it ordered nothing since, though there was room. What merely waits for its turn it is not sent again: under overload that
    /// would be everybody's whole queue, time after time.
    fn lacking_below(&self) -> u64 {
        let is_idle = self.pool.passed() == self.timers.passed && !self.is_crowded();
        if is_idle { u64::MAX } else { self.timers.passed }
    }
}

/// Whoever brought it is told. A client that brought it here has been told already when a peer passes it on, and nobody else waits: or a peer could
/// have the answers to what was executed long ago looked for, as fast as it can send.
fn refuse(transaction: TransactionId, refusal: Refusal, relayed: bool, effects: &mut Effects) {
    if !relayed {
        effects.push(Effect::Refuse { transaction, refusal });
    }
}

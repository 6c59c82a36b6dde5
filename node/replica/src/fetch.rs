//! Getting what is missing: bodies of a proposal, batches that a view re-proposes, and decided batches that were missed.
//!
//! Nothing fetched is believed for the sake of who sent it: bodies are named by id and signed by their clients, batches are named
//! by digest, decided batches carry certificates. So any peer may be asked, one at a time, the next one when it stays silent.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_types::{
    Batch, Commit, CommittedBatch, Fetch, MessageKind, Now, Payload, ReplicaId, SeqNum, Signed, Supply, Time,
    Transaction, TransactionId, Verified, limits, nth_largest,
};

use crate::content::Content;
use crate::slot::Slot;
use crate::{Effect, Effects, Event, Ignored, Missing, Recipients, Replica};

/// How long a missing body may still be on its way from the client before it is asked for; and a proposal that others have voted on already, from
/// the primary.
const BODY_PATIENCE: Duration = Duration::from_millis(20);

/// Rounds of questions to every peer for decided batches that brought nothing, before a whole state is fetched instead. A peer has
/// twice as long to answer in the second one: a supply may be large, and everybody busy.
const FRUITLESS_ROUNDS: u16 = 2;

/// When something missing is asked for next, and how often it was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) due: Time,
    count: u16,
}

/// The questions for decided batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatchUp {
    attempt: Attempt,
    /// How often each peer was asked since a batch was last handed to execution.
    fruitless: BTreeMap<ReplicaId, u16>,
    /// Who was asked last, and has not answered.
    asked: Option<ReplicaId>,
    /// What others agree on without this replica.
    passed: Option<PassedBy>,
}

/// A batch to which f + 1 members committed, while the primary has shown it nobody here, or another one in its place.
#[derive(Clone, Copy, Debug)]
struct PassedBy {
    seq: SeqNum,
    digest: Digest,
    since: Time,
}

impl CatchUp {
    /// Something is executed again, or a state is fetched instead.
    pub(crate) fn start_over(&mut self) {
        self.fruitless.clear();
        self.asked = None;
    }

    fn fruitless_of(&self, peer: ReplicaId) -> u16 {
        self.fruitless.get(&peer).copied().unwrap_or_default()
    }
}

impl Replica {
    /// Plans to ask for what a slot lacks, if it lacks anything.
    pub(crate) fn want(&mut self, now: Now, seq: SeqNum) {
        if self.log.get(seq).is_some_and(Slot::lacks_content) {
            self.fetches.entry(seq).or_insert(Attempt { due: now.time.after(BODY_PATIENCE), count: 0 });
        }
    }

    /// Asks for everything whose time has come.
    pub(crate) fn fetch_due(&mut self, now: Now, effects: &mut Effects) {
        let due: Vec<SeqNum> = self.fetches.iter().filter(|(_, it)| it.due <= now.time).map(|(seq, _)| *seq).collect();
        for seq in due {
            self.fetch_slot(now, seq, effects);
        }
        if self.catch_up_due().is_some_and(|due| due <= now.time) {
            self.fetch_committed(now, effects);
        }
    }

    fn fetch_slot(&mut self, now: Now, seq: SeqNum, effects: &mut Effects) {
        let slot = self.log.get(seq).filter(|slot| slot.lacks_content());
        let Some((slot, digest)) = slot.and_then(|slot| Some((slot, slot.wanted()?))) else {
            self.fetches.remove(&seq);
            return;
        };
        let (what, fetch) = match slot.contents.get(&digest) {
            Some(content) => (Missing::Transactions, Fetch::Transactions(content.missing().collect())),
            None => (Missing::Batch, Fetch::Batch(digest)),
        };
        let Some(attempt) = self.fetches.get_mut(&seq) else { return };
        let count = attempt.count;
        *attempt = Attempt { due: now.time.after(self.config.retransmit_interval), count: count.wrapping_add(1) };
        if let Some(from) = self.peer_from_primary(count) {
            self.ask(from, what, fetch, effects);
        }
    }

    /// The `count`-th peer, counted from the primary, skipping this replica.
    fn peer_from_primary(&self, count: u16) -> Option<ReplicaId> {
        let others: Vec<ReplicaId> = self.others().collect();
        others.get((self.place_of_primary(&others) + usize::from(count)).checked_rem(others.len())?).copied()
    }

    /// Where the primary stands among some members, or who follows it.
    fn place_of_primary(&self, members: &[ReplicaId]) -> usize {
        let primary = self.config.membership.primary(self.view);
        members.iter().position(|id| *id >= primary).unwrap_or(0)
    }

    fn ask(&self, from: ReplicaId, what: Missing, fetch: Fetch, effects: &mut Effects) {
        effects.observe(Event::Fetching { from, what });
        effects.send(Recipients::One(from), Payload::Fetch(fetch));
    }

    /// The highest sequence number known to be decided.
    pub(crate) fn known(&self) -> SeqNum {
        let committed =
            self.log.iter().rev().find(|(_, slot)| slot.commit.is_some()).map_or(SeqNum::ZERO, |(seq, _)| seq);
        self.executed_elsewhere().max(committed).max(self.dispatched)
    }

    /// A COMMIT came. A primary that leaves one replica out would have clients wait for it, if they need it for a quorum: until its peers' heartbeats
    /// tell it that they have executed more. Of f + 1 who committed one is honest, so it is worth asking them.
    pub(crate) fn note_passed_by(&mut self, now: Now, Commit { view, seq, digest }: Commit) {
        if self.passed_by().is_some() {
            return;
        }
        let commits = |slot: &Slot| slot.commits.matching(|vote| vote.is_for(view, &digest)).len();
        let is_passed =
            |slot: &&Slot| slot.lacks_assignment_of(&digest) && commits(slot) >= self.config.membership.weak_quorum();
        if self.log.get(seq).filter(is_passed).is_some() {
            self.catch_up.passed = Some(PassedBy { seq, digest, since: now.time });
        }
    }

    /// Whether this member committed to what this replica was not shown. The primary, which should have shown it, is not asked for it first.
    fn has_passed_by(&self, member: ReplicaId) -> bool {
        let committed = |it: &PassedBy| {
            let vote = self.log.get(it.seq).and_then(|slot| slot.commits.of(member));
            vote.is_some_and(|vote| vote.digest == it.digest)
        };
        member != self.config.membership.primary(self.view) && self.passed_by().is_some_and(committed)
    }

    /// What others agree on without this replica, as far as it is so still.
    fn passed_by(&self) -> Option<&PassedBy> {
        let is_so = |it: &&PassedBy| self.log.get(it.seq).is_some_and(|slot| slot.lacks_assignment_of(&it.digest));
        self.catch_up.passed.as_ref().filter(|it| it.seq > self.dispatched).filter(is_so)
    }

    /// Whether more is known to be decided than was handed to execution. Asked in every turn, so it counts and collects nothing.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_overtaken() || self.log.above(self.dispatched).any(|(_, slot)| slot.commit.is_some())
    }

    /// Whether an honest peer executed more than was handed to execution here.
    pub(crate) fn is_overtaken(&self) -> bool {
        let ahead = self.peers.values().filter(|status| status.executed > self.dispatched).count();
        let certified = self.checkpoints.ahead.as_ref().is_some_and(|ahead| ahead.seq > self.dispatched);
        certified || ahead > self.config.membership.faults()
    }

    /// The highest sequence number that an honest peer executed: it is certified, or f + 1 peers say so, of whom one is honest.
    pub(crate) fn executed_elsewhere(&self) -> SeqNum {
        let claims = self.peers.values().map(|status| status.executed);
        let claimed = nth_largest(claims, self.config.membership.weak_quorum()).unwrap_or_default();
        let certified = self.checkpoints.ahead.as_ref().map_or(SeqNum::ZERO, |ahead| ahead.seq);
        claimed.max(certified)
    }

    /// When decided batches are asked for: once nothing was executed for a while although there is more, or others have agreed without this replica
    /// (rule L-3).
    pub(crate) fn catch_up_due(&self) -> Option<Time> {
        let behind = self.is_behind().then(|| self.timers.progress.after(self.config.retransmit_interval));
        let passed = self.passed_by().map(|it| it.since.after(BODY_PATIENCE));
        let due = [behind, passed].into_iter().flatten().min()?;
        self.may_execute().then(|| due.max(self.catch_up.attempt.due))
    }

    /// Whether every peer was asked for decided batches often enough, and none had any.
    pub(crate) fn is_log_fruitless(&self) -> bool {
        self.others().all(|peer| self.catch_up.fruitless_of(peer) >= FRUITLESS_ROUNDS)
    }

    fn others(&self) -> impl Iterator<Item = ReplicaId> {
        self.config.membership.ids().filter(|id| *id != self.config.id)
    }

    /// Who is asked for decided batches next: one after the other of those that were asked in vain least often, who says that it has more, or
    /// committed to it, in front, then from the primary on. A liar may say that it has more, and nothing else.
    fn next_to_ask(&self) -> Option<ReplicaId> {
        let says_so = |id: &ReplicaId| self.peers.get(id).is_some_and(|status| status.executed > self.dispatched);
        let is_ahead = |id: &ReplicaId| says_so(id) || self.has_passed_by(*id);
        let (mut ahead, mut rest): (Vec<ReplicaId>, Vec<ReplicaId>) = self.others().partition(is_ahead);
        let first = self.place_of_primary(&rest);
        for (peers, first) in [(&mut ahead, 0), (&mut rest, first)] {
            let turn = (first + usize::from(self.catch_up.attempt.count)).checked_rem(peers.len());
            peers.rotate_left(turn.unwrap_or(0));
        }
        ahead.into_iter().chain(rest).min_by_key(|peer| self.catch_up.fruitless_of(*peer))
    }

    /// Asks for the decided batches behind the last one, if there are any (rule L-3).
    pub(crate) fn fetch_committed(&mut self, now: Now, effects: &mut Effects) {
        if !self.may_execute() || !(self.is_behind() || self.passed_by().is_some()) {
            return;
        }
        self.try_transfer(now, effects);
        let Some(from) = self.next_to_ask().filter(|_| self.may_execute()) else { return };
        let CatchUp { attempt, fruitless, asked, .. } = &mut self.catch_up;
        let times = fruitless.entry(from).or_default();
        let due = now.time.after(self.config.retransmit_interval * if *times == 0 { 1 } else { 2 });
        *attempt = Attempt { due, count: attempt.count.wrapping_add(1) };
        *times = times.saturating_add(1);
        *asked = Some(from);
        self.ask(from, Missing::Committed, Fetch::Committed { after: self.dispatched }, effects);
    }

    pub(crate) fn on_fetch(&mut self, now: Now, signed: Signed<Fetch>, effects: &mut Effects) {
        let to = signed.signer;
        match signed.payload {
            Fetch::Transactions(ids) => self.give_transactions(now, to, &ids, effects),
            Fetch::Batch(digest) => self.give_batch(now, to, &digest, effects),
            Fetch::Committed { after } if after < self.executed && self.may_execute() => {
                effects.push(Effect::SendCommitted { to, after });
            }
            Fetch::Committed { .. } => {}
            Fetch::Held { start } => self.tell_held(now, to, start, effects),
            Fetch::State { checkpoint, parts, rows_up_to } => {
                effects.push(Effect::SendState { to, checkpoint, parts, rows_up_to });
            }
        }
    }

    fn give_transactions(&mut self, now: Now, to: ReplicaId, ids: &[TransactionId], effects: &mut Effects) {
        let (mut held, mut bytes) = (0, 0);
        for cost in self.held_bodies(ids).map(Transaction::cost) {
            if bytes + cost > limits::MAX_SUPPLY_BYTES {
                break;
            }
            (held, bytes) = (held + 1, bytes + cost);
        }
        if held > 0 && self.budgets.may_give(to, now.time, bytes) {
            let bodies = self.held_bodies(ids).take(held).cloned().collect();
            effects.send(Recipients::One(to), Payload::Supply(Supply::Transactions(bodies)));
        }
    }

    /// Those of these bodies that are here.
    fn held_bodies(&self, ids: &[TransactionId]) -> impl Iterator<Item = &Transaction> {
        ids.iter().filter_map(|id| self.pool.get(id).or_else(|| self.placed_body(id)))
    }

    fn give_batch(&mut self, now: Now, to: ReplicaId, digest: &Digest, effects: &mut Effects) {
        let Some(content) = self.log.iter().find_map(|(_, slot)| slot.complete(digest)) else { return };
        if self.budgets.may_give(to, now.time, content.bytes()) {
            let (batch, transactions) = (content.batch.clone(), content.bodies().cloned().collect());
            effects.send(Recipients::One(to), Payload::Supply(Supply::Batch { batch, transactions }));
        }
    }

    /// The body of a transaction that is part of an accepted batch.
    pub(crate) fn placed_body(&self, id: &TransactionId) -> Option<&Transaction> {
        let slot = self.log.get(*self.placed.get(id)?)?;
        slot.contents.values().find_map(|content| content.body(id))
    }

    pub(crate) fn on_supply(&mut self, now: Now, supply: Verified<Supply>, from: ReplicaId, effects: &mut Effects) {
        let used = match &*supply {
            Supply::Transactions(_) => {
                let transactions = supply.into_transactions();
                transactions.into_iter().for_each(|transaction| self.on_request(now, transaction, true, effects));
                true
            }
            _ => self.on_other_supply(now, supply.into_inner(), from, effects),
        };
        if !used {
            effects.observe(Event::ignored(from, MessageKind::Supply, Ignored::Unasked));
        }
    }

    fn on_other_supply(&mut self, now: Now, supply: Supply, from: ReplicaId, effects: &mut Effects) -> bool {
        match supply {
            Supply::Transactions(_) => false,
            Supply::Held(held) => {
                self.on_held(now, from, held, effects);
                true
            }
            Supply::Stable(certificate) => {
                self.learn_certificate(now, certificate, effects);
                true
            }
            Supply::State { checkpoint, .. } | Supply::NoState { checkpoint } => {
                self.on_state(from, checkpoint, supply, effects);
                true
            }
            Supply::Draft { view, seq, batch } => self.on_draft(now, from, (view, seq), batch, effects),
            Supply::Batch { batch, transactions } => self.on_batch(now, batch, transactions, effects),
            Supply::Committed(batches) if batches.is_empty() => self.on_none_kept(now, from, effects),
            Supply::Committed(batches) => self.on_committed(now, batches, effects),
        }
    }

    /// A batch with its bodies, for the slots that want it.
    fn on_batch(&mut self, now: Now, batch: Batch, transactions: Vec<Transaction>, effects: &mut Effects) -> bool {
        let digest = batch.digest();
        let wants = |slot: &Slot| slot.lacks_content() && slot.wanted() == Some(digest);
        let slots: Vec<SeqNum> = self.log.iter().filter(|(_, slot)| wants(slot)).map(|(seq, _)| seq).collect();
        for seq in &slots {
            let content = Content::complete(batch.clone(), transactions.clone());
            self.log.slot(*seq).contents.insert(digest, content);
            self.fetches.remove(seq);
            self.try_accept(now, *seq, effects);
        }
        self.try_execute(now, effects);
        !slots.is_empty()
    }

    /// A peer keeps none of the batches that it was asked for: the next one is asked at once, until all were often enough.
    fn on_none_kept(&mut self, now: Now, from: ReplicaId, effects: &mut Effects) -> bool {
        let was_asked = self.catch_up.asked.take_if(|asked| *asked == from).is_some();
        match self.is_log_fruitless() {
            _ if !was_asked => {}
            true => self.try_transfer(now, effects),
            false => self.fetch_committed(now, effects),
        }
        was_asked
    }

    /// Decided batches with their certificates (rule L-3): taken for the next window of numbers or one supply, wherever the
    /// watermarks are.
    fn on_committed(&mut self, now: Now, batches: Vec<CommittedBatch>, effects: &mut Effects) -> bool {
        if !self.may_execute() {
            return false;
        }
        let before = self.dispatched;
        let reach = self.config.membership.parameters().window.max(limits::MAX_SUPPLY_BATCHES as u64);
        for CommittedBatch { seq, batch, transactions, certificate } in batches {
            if seq <= self.dispatched || seq > before.plus(reach) {
                continue;
            }
            self.note_work(now);
            let slot = self.log.slot(seq);
            slot.contents.insert(certificate.digest, Content::complete(batch, transactions));
            if slot.commit.is_none() {
                effects.observe(Event::Committed { seq, digest: certificate.digest });
                slot.commit = Some(certificate);
            }
            self.try_execute(now, effects);
        }
        if self.dispatched > before {
            // This peer answers: ask it for more at once, or when there is more.
            self.catch_up.attempt.due = now.time;
            self.catch_up.attempt.count = self.catch_up.attempt.count.wrapping_sub(1);
            self.fetch_committed(now, effects);
        }
        self.dispatched > before
    }
}

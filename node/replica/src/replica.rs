//! The replica: its state, and the door.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::{PublicKey, mutated};
use tetrarch_types::{
    Applied, CheckpointCertificate, Message, NewView, Now, Payload, Refusal, ReplicaId, SeqNum, Signed, Status, Time,
    Timestamp, TransactionId, Verified, View,
};

use crate::alarm::Alarm;
use crate::budget::Budgets;
use crate::checkpoint::Checkpoints;
use crate::fetch::{Attempt, CatchUp};
use crate::gathering::Gathering;
use crate::log::Log;
use crate::moves::ViewChanges;
use crate::pool::Pool;
use crate::spent::Spent;
use crate::standing::Standing;
use crate::timer::Timers;
use crate::transfer::Target;
use crate::turnaround::Turnaround;
use crate::{Config, Effect, Effects, Input, ViewChangeReason};

/// A journal that no honest run of this replica could have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal contradicts itself at record {position}: {what}")]
pub struct Corrupt {
    /// Which record, counted from the first one read.
    pub position: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Where a replica stands, for checkers, admin and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// The view it is in, or moves to.
    pub view: View,
    /// Whether it waits for that view's NEW-VIEW.
    pub changing: bool,
    /// The last batch that execution reported done.
    pub executed: SeqNum,
    /// The stable checkpoint.
    pub stable: SeqNum,
    /// The last batch of which clients may have been told what it comes to, where it is not executed (rule X-4); else 0.
    pub told: SeqNum,
    /// The highest sequence number known to be decided; above `executed` while the replica is behind.
    pub known: SeqNum,
    /// Transactions that wait in the pool.
    pub pending: usize,
    /// Whether it may vote: its records are all there, and so is its state.
    pub voting: bool,
    /// Whether records of its own votes are gone (rule A-2).
    pub lost: bool,
    /// The stable checkpoint from which on it votes again, once that is known (rule A-3).
    pub silent_until: Option<SeqNum>,
    /// Whether the state here is that of no batch, or differs from the agreed one: nothing executes on it.
    pub damaged: bool,
    /// The checkpoint whose state is being fetched.
    pub transferring: Option<SeqNum>,
    /// Whether it has heard from enough others to tell, and has everything that they have.
    pub level: bool,
}

impl ReplicaStatus {
    /// Rule X-4: the batch that has to be executed before questions about the state are answered; none if no batch will do, since the state here
    /// is not the agreed one.
    pub const fn readable_from(&self) -> Option<SeqNum> {
        if self.damaged { None } else { Some(self.told) }
    }
}

/// One replica of the three-phase protocol (Castro and Liskov, OSDI 1999), without clocks, disks, networks or keys.
pub struct Replica {
    pub(crate) config: Config,
    /// The view this replica is in, or moves to while `changing`.
    pub(crate) view: View,
    pub(crate) changing: bool,
    /// Whether it may vote, as far as its own past is concerned.
    pub(crate) standing: Standing,
    /// The state here must not be built on (rule C-4, or found damaged).
    pub(crate) damaged: bool,
    /// The state that is being fetched.
    pub(crate) transfer: Option<Target>,
    /// As primary: after a transfer, proposes nothing before this number is handed to execution (rule P-1).
    pub(crate) lead_from: SeqNum,
    /// The NEW-VIEW of the last view entered: kept for those who missed it.
    pub(crate) new_view: Option<Signed<NewView>>,
    /// The NEW-VIEW that this replica, as primary, has sent and not yet seen come back.
    pub(crate) starting: Option<Payload>,
    /// Ordinary proposals of this view lie above it.
    pub(crate) view_start: SeqNum,
    /// As primary: the next number to assign.
    pub(crate) next_seq: SeqNum,
    /// Recovered proposals of this view that have to come back signed.
    pub(crate) own_proposals: BTreeMap<SeqNum, Payload>,
    pub(crate) log: Log,
    pub(crate) pool: Pool,
    pub(crate) spent: Spent,
    /// The lowest slot above `dispatched` that holds a sender's nonce.
    pub(crate) in_flight: BTreeMap<(PublicKey, u64), SeqNum>,
    /// Bodies that slots wait for.
    pub(crate) awaited: BTreeSet<(TransactionId, SeqNum)>,
    /// Where the bodies of accepted batches are held.
    pub(crate) placed: BTreeMap<TransactionId, SeqNum>,
    /// The last batch handed to execution.
    pub(crate) dispatched: SeqNum,
    /// The last batch that execution reported done.
    pub(crate) executed: SeqNum,
    /// The highest batch that was ever executed here since the process started, also in a state that was given up: somebody may have seen it.
    pub(crate) shown: SeqNum,
    /// Agreed time after `dispatched`.
    pub(crate) agreed_time: Timestamp,
    /// The latest stamp given or seen: the primary's next one is later.
    pub(crate) last_stamp: Timestamp,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) view_changes: ViewChanges,
    /// The view in which something was last executed, less the doublings that were kept: the timeout doubles with the distance from it.
    pub(crate) progress_view: View,
    pub(crate) peers: BTreeMap<ReplicaId, Status>,
    pub(crate) budgets: Budgets,
    /// When each peer was last handed the current NEW-VIEW, which may be large.
    pub(crate) passed_on: BTreeMap<ReplicaId, Time>,
    pub(crate) fetches: BTreeMap<SeqNum, Attempt>,
    pub(crate) catch_up: CatchUp,
    pub(crate) timers: Timers,
    /// The time that the machine waits for (rule T-3).
    pub(crate) alarm: Option<Alarm>,
    /// How long this view's primary takes (rule V-9).
    pub(crate) turnaround: Turnaround,
    /// What the primary does about clients that were just answered.
    pub(crate) gathering: Gathering,
}

impl Replica {
    /// A replica with this executed state and stable checkpoint, and nothing in agreement.
    pub(crate) fn new(config: Config, applied: Applied, stable: CheckpointCertificate) -> Self {
        let window = config.membership.parameters().window;
        Self {
            view: View::ZERO,
            changing: false,
            standing: Standing::default(),
            damaged: applied.damaged,
            transfer: None,
            lead_from: SeqNum::ZERO,
            new_view: None,
            starting: None,
            view_start: SeqNum::ZERO,
            next_seq: applied.executed.max(stable.seq).next(),
            own_proposals: BTreeMap::new(),
            log: Log::new(stable.seq, window),
            pool: Pool::new(config.pool, config.membership.size()),
            spent: Spent::new(applied.senders),
            in_flight: BTreeMap::new(),
            awaited: BTreeSet::new(),
            placed: BTreeMap::new(),
            dispatched: applied.executed,
            executed: applied.executed,
            shown: applied.executed,
            agreed_time: applied.agreed_time,
            last_stamp: applied.agreed_time,
            checkpoints: Checkpoints::new(stable, applied.checkpoints),
            view_changes: ViewChanges::default(),
            progress_view: View::ZERO,
            peers: BTreeMap::new(),
            budgets: Budgets::default(),
            passed_on: BTreeMap::new(),
            fetches: BTreeMap::new(),
            catch_up: CatchUp::default(),
            timers: Timers::default(),
            alarm: applied.alarm.map(Alarm::recovered),
            turnaround: Turnaround::default(),
            gathering: Gathering::default(),
            config,
        }
    }

    /// Takes one input and adds the effects that follow from it. Cannot fail, and cannot panic on anything a peer can send (law 2).
    pub fn step(&mut self, now: Now, input: Input, effects: &mut Effects) {
        match input {
            Input::Start => self.on_start(now, effects),
            Input::Deadline => self.on_deadline(now, effects),
            Input::Request(transaction) => self.on_request(now, transaction, false, effects),
            Input::Message(message) => self.on_message(now, message, effects),
            Input::Executed { seq, alarm, leaves } => self.on_executed(now, seq, alarm, leaves, effects),
            Input::Snapshotted { seq, state_root } => self.on_snapshotted(now, seq, state_root, effects),
            Input::StateInstalled { certificate, applied } => self.on_installed(now, certificate, *applied, effects),
            Input::StateGone { checkpoint } => self.on_state_gone(now, checkpoint, effects),
        }
    }

    fn on_message(&mut self, now: Now, message: Verified<Message>, effects: &mut Effects) {
        let from = message.signer();
        let message = match message.into_supply() {
            Ok(supply) => return self.on_supply(now, supply, from, effects),
            Err(message) => message.into_inner(),
        };
        match message {
            Message::PrePrepare(proposal) => self.on_pre_prepare(now, proposal, effects),
            Message::Prepare(signed) => self.on_prepare(signed, effects),
            Message::Commit(signed) => self.on_commit(now, signed, effects),
            Message::Checkpoint(signed) => self.on_checkpoint(now, signed, effects),
            Message::ViewChange(signed) => self.on_view_change(now, signed, effects),
            Message::NewView(signed) => self.on_new_view(now, signed, effects),
            Message::Status(signed) => self.on_status(now, signed, effects),
            Message::Fetch(signed) => self.on_fetch(now, signed, effects),
            Message::Supply(_) => {}
        }
    }

    /// When [`Input::Deadline`] is due next. An instant that has passed is due at the end of the turn.
    pub fn deadline(&self) -> Option<Time> {
        let proposes = self.timers.propose && self.is_primary() && (self.pool.has_unassigned() || self.has_rung());
        let propose = proposes.then(|| self.propose_due());
        let fetch = self.fetches.values().map(|attempt| attempt.due).min();
        let (status, view, relay) = (Some(self.status_due()), self.view_due(), self.relay_due());
        let due = [propose, status, view, fetch, self.catch_up_due(), relay, self.ask_due(), self.alarm_due()];
        due.into_iter().flatten().chain(self.turnaround.due(&self.config)).min()
    }

    /// When a backup next passes waiting requests on to the primary.
    fn relay_due(&self) -> Option<Time> {
        let relays = !self.is_primary() && !self.changing && self.pool.has_unassigned();
        relays.then(|| self.timers.relay(&self.config))
    }

    fn status_due(&self) -> Time {
        let waiting = self.changing || self.has_work() || self.damaged || self.is_behind();
        self.timers.status(&self.config, waiting)
    }

    /// When the view, or the wait for it, is given up. Behind the last view there is comes none.
    fn view_due(&self) -> Option<Time> {
        if !self.votes() || self.view.next() == self.view {
            return None;
        }
        if self.changing {
            return self.timers.new_view;
        }
        let has_work = if mutated!(TimerWaitsForProposal) { self.is_in_agreement() } else { self.has_work() };
        let waits_for_others = has_work && self.has_executed_all();
        let no_progress = waits_for_others.then(|| self.timers.no_progress(&self.config));
        let overslept = self.overslept().map(|since| self.timers.no_progress_since(since, &self.config));
        [no_progress, overslept, self.timers.censorship(&self.config)].into_iter().flatten().min()
    }

    fn on_deadline(&mut self, now: Now, effects: &mut Effects) {
        self.look_at_alarm(now);
        if self.timers.propose {
            self.try_propose(now, effects);
        }
        if self.view_due().is_some_and(|due| due <= now.time) {
            self.on_view_due(now, effects);
        }
        if self.turnaround.due(&self.config).is_some_and(|due| due <= now.time) {
            self.judge_turnaround(now, effects);
        }
        if self.relay_due().is_some_and(|due| due <= now.time) {
            self.relay(now, effects);
        }
        self.fetch_due(now, effects);
        if self.ask_due().is_some_and(|due| due <= now.time) {
            self.ask_held(now, effects);
        }
        if self.status_due() <= now.time {
            if self.changing && self.votes() && !mutated!(ViewChangeNotRepeated) {
                self.say_view_change(effects);
            }
            self.say_status(now, effects);
        }
    }

    fn on_view_due(&mut self, now: Now, effects: &mut Effects) {
        if self.changing {
            return self.start_view_change(now, self.view.next(), ViewChangeReason::NewViewTimeout, effects);
        }
        self.drop_expired(now, effects);
        if self.view_due().is_none_or(|due| due > now.time) {
            return;
        }
        let is_censored = self.timers.censorship(&self.config).is_some_and(|due| due <= now.time);
        if is_censored && !self.is_head_to_be_ordered(now) {
            self.timers.overtaken = None;
            return;
        }
        let reason = if is_censored { ViewChangeReason::Censorship } else { ViewChangeReason::NoProgress };
        if self.is_primary_to_blame(now) {
            self.share_waiting(now, effects);
            self.start_view_change(now, self.view.next(), reason, effects);
        } else {
            self.timers.excused = now.time;
            self.timers.overtaken = None;
        }
    }

    /// The view's timers count for what still waits, and not for longer than that has waited: or who sends what expires soon could have any view
    /// ended, with what others sent just now for a reason.
    fn drop_expired(&mut self, now: Now, effects: &mut Effects) {
        let expired = self.pool.remove_expired(now.clock);
        if let (false, Some(since)) = (expired.is_empty(), self.pool.waits_since()) {
            self.timers.excused = self.timers.excused.max(since);
        }
        let refusal = |transaction| Effect::Refuse { transaction, refusal: Refusal::Expired };
        expired.into_iter().for_each(|transaction| effects.push(refusal(transaction)));
        self.forget_overtaken();
    }

    /// Whether something waits that an honest primary would have ordered. Not while others have executed what this replica lacks:
    /// then it is this replica that is late (rule V-1). A primary whose clock is ahead leaves out what is about to expire.
    fn is_primary_to_blame(&self, now: Now) -> bool {
        if self.is_overtaken() {
            return false;
        }
        let overslept = self.overslept().is_some_and(|since| since <= now.time);
        overslept || self.is_in_agreement() || self.pool.any_valid_until(now.clock.plus(self.config.clock_bound))
    }

    /// Rule V-2 counts only a request that every honest primary would have ordered, whatever its clock.
    fn is_head_to_be_ordered(&self, now: Now) -> bool {
        let head = self.pool.head().and_then(|(_, id)| self.pool.get(&id));
        head.is_some_and(|transaction| transaction.body.valid_until >= now.clock.plus(self.config.clock_bound))
    }

    fn is_level(&self) -> bool {
        let has_asked = self.standing.voting || self.standing.until.is_some();
        let has_heard = self.peers.len() + 1 >= self.config.membership.quorum();
        has_asked && has_heard && self.may_execute() && self.executed >= self.known()
    }

    /// The certificate of the stable checkpoint.
    pub const fn stable(&self) -> &CheckpointCertificate {
        &self.checkpoints.stable
    }

    /// Where it stands.
    pub fn status(&self) -> ReplicaStatus {
        ReplicaStatus {
            view: self.view,
            changing: self.changing,
            executed: self.executed,
            stable: self.checkpoints.stable.seq,
            told: self.told(),
            known: self.known(),
            pending: self.pool.len(),
            voting: self.votes(),
            lost: self.standing.lost,
            silent_until: self.standing.until,
            damaged: self.damaged,
            transferring: self.transfer.as_ref().map(|target| target.certificate.seq),
            level: self.is_level(),
        }
    }
}

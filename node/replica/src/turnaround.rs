//! How long the primary takes to order what this replica holds, and when that is too long (rule V-9).
//!
//! ```text
//!   request held ────── wait ──────▶ its batch accepted ────── agreement ──────▶ decided ────── execution ──────▶ executed
//!                the primary's doing                     what q replicas need              what this one needs
//!                                                        └──────────── the measure of what is slow here ─────────────┘
//! ```
//!
//! The wait is the primary's: Prime calls it the turnaround time (Amir, Coan, Kirsch, Lane, "Byzantine Replication Under Attack", DSN 2008).
//! What a fair wait is follows from how long agreement takes at the same time, in which a lying primary has no part: n − f honest replicas
//! are enough for a quorum. Where execution is what takes long, an honest primary has requests wait for it, and batches grow; that part
//! counts once, or a primary that lets requests gather without need could point to the large batches that come of it. And where more waits
//! than all batches under way can hold, a primary has no choice: while there is no room for another batch here, well-filled ones count
//! nothing. A liar who would use that has to keep everybody busy with large batches, which is all that is asked of a primary; in whose
//! favour it chooses what is in them is rule V-2's affair.
//!
//! Means are compared and no quantiles: with so many requests under way, as many are answered as that number divided by the mean (Little's
//! law), so it is the mean that a slow primary has to keep low. All three are means over requests, and of the same: a few small batches
//! in front of a crowd are agreed on soon, and say nothing of the large ones that the crowd is in.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_types::{Now, ReplicaId, SeqNum, Time};

use crate::content::Content;
use crate::{Config, Effects, Replica, ViewChangeReason};

/// A wait of this part of the base timeout is never too long.
const FAIR_PART: u32 = 16;

/// Nor is one that takes so many times what agreement takes, and what execution takes beside it.
const FAIR_AGREEMENTS: u32 = 3;

/// Requests that a measure needs: a single one that goes astray shows nothing.
const LEAST_REQUESTS: u32 = 8;

/// After so many base timeouts without a complaint that changed the view, a doubling of what is fair is taken back.
const CALM: u32 = 16;

/// That time doubles with each such view change, so often at most: to 1024 base timeouts.
const MOST_CALM: u32 = 6;

/// What is fair doubles so often at most: far beyond every timeout.
const MOST_DOUBLINGS: u32 = 16;

/// Times, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: Duration,
    count: u32,
}

impl Mean {
    const fn add(&mut self, span: Duration) {
        self.add_for(span, 1);
    }

    /// The same for so many.
    const fn add_for(&mut self, span: Duration, count: u32) {
        self.sum = self.sum.saturating_add(span.saturating_mul(count));
        self.count = self.count.saturating_add(count);
    }

    fn get(&self) -> Option<Duration> {
        self.sum.checked_div(self.count)
    }
}

/// A batch that was accepted before it was decided.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    /// How many of its requests counted as waiting: for so many it counts what comes then.
    requests: u32,
    stage: Stage,
}

/// How far it is, and since when.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Accepted(Time),
    Decided(Time),
}

/// The measure of the present primary. Nothing of it outlives the process: a replica that starts has no opinion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turnaround {
    /// What was held before counts from here: the view began, or this replica began to vote.
    since: Time,
    /// The last high watermark that was in the way, and until when: what it kept out had to wait.
    full: (SeqNum, Time),
    /// Until when there was no room for another batch: what waited for room had to.
    crowded: Time,
    /// When the present measure began.
    began: Time,
    waits: Mean,
    agreements: Mean,
    executions: Mean,
    /// Accepted batches that are not executed yet: as many as the window has numbers.
    under_way: BTreeMap<SeqNum, UnderWay>,
    /// Until when the last measure counts, which found the primary slow.
    slow_until: Option<Time>,
    patience: Patience,
}

/// What is fair doubles with every view that ends by a complaint, so that a slow network ends ever fewer of them.
#[derive(Clone, Copy, Debug, Default)]
struct Patience {
    doublings: u32,
    calm: u32,
    changed: Time,
}

impl Patience {
    fn lose_view(&mut self, now: Time) {
        self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        self.calm = (self.calm + 1).min(MOST_CALM);
        self.changed = now;
    }

    /// Takes a doubling back after a calm time; or, when there is none, half of that time.
    fn relax(&mut self, now: Time, base: Duration) {
        if now >= self.changed.after(base.saturating_mul(CALM << self.calm)) {
            self.changed = now;
            if self.doublings > 0 {
                self.doublings -= 1;
            } else {
                self.calm = self.calm.saturating_sub(1);
            }
        }
    }

    fn stretch(&self, span: Duration) -> Duration {
        span.saturating_mul(1 << self.doublings)
    }
}

impl Turnaround {
    /// Begins anew: another primary, or another part for this replica.
    pub(crate) fn begin(&mut self, now: Time) {
        *self = Self {
            since: now,
            began: now,
            full: self.full,
            crowded: self.crowded,
            patience: self.patience,
            ..Self::default()
        };
    }

    /// Numbers above the high watermark `high` may be assigned from now on, and those through the new stable checkpoint are over.
    pub(crate) fn note_window(&mut self, now: Time, stable: SeqNum, high: SeqNum) {
        self.full = (high, now);
        self.under_way = self.under_way.split_off(&stable.next());
    }

    /// Notes how long requests waited for this batch, by since when each was held. Returns how many there were.
    fn note_accepted(
        &mut self,
        now: Time,
        seq: SeqNum,
        is_filled: bool,
        held_since: impl Iterator<Item = Time>,
    ) -> u32 {
        let before = self.waits.count;
        let opened = if seq > self.full.0 { self.full.1 } else { Time::ZERO };
        let roomy = if is_filled { self.crowded } else { Time::ZERO };
        let could = self.since.max(opened).max(roomy);
        held_since.for_each(|held| self.waits.add(now.since(held.max(could))));
        self.waits.count - before
    }

    /// Follows a batch to its decision and its execution, which count for so many requests.
    fn follow(&mut self, now: Time, seq: SeqNum, requests: u32) {
        self.under_way.insert(seq, UnderWay { requests, stage: Stage::Accepted(now) });
    }

    pub(crate) fn note_decided(&mut self, now: Time, seq: SeqNum) {
        if let Some(it) = self.under_way.get_mut(&seq)
            && let Stage::Accepted(accepted) = it.stage
        {
            self.agreements.add_for(now.since(accepted), it.requests);
            it.stage = Stage::Decided(now);
        }
    }

    pub(crate) fn note_executed(&mut self, now: Time, seq: SeqNum) {
        if let Some(UnderWay { requests, stage: Stage::Decided(decided) }) = self.under_way.remove(&seq) {
            self.executions.add_for(now.since(decided), requests);
        }
    }

    /// How many batches it follows.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// How long execution takes: at least as long as what waits for it has waited already.
    fn execution(&self, now: Time) -> Duration {
        let waiting = self.under_way.values().find_map(|it| match it.stage {
            Stage::Decided(decided) => Some(now.since(decided)),
            Stage::Accepted(_) => None,
        });
        self.executions.get().max(waiting).unwrap_or_default()
    }

    /// When the present measure is whole.
    pub(crate) fn due(&self, config: &Config) -> Option<Time> {
        let is_enough = self.waits.count >= LEAST_REQUESTS && self.agreements.count > 0;
        is_enough.then(|| self.began.after(config.base_timeout))
    }

    /// Judges by the measure, and begins the next one.
    fn judge(&mut self, now: Time, config: &Config) {
        self.patience.relax(now, config.base_timeout);
        if let (Some(wait), Some(agreement)) = (self.waits.get(), self.agreements.get()) {
            let due = agreement.saturating_mul(FAIR_AGREEMENTS).saturating_add(self.execution(now));
            let fair = (config.base_timeout / FAIR_PART).max(due);
            let is_slow = wait > self.patience.stretch(fair);
            self.slow_until = is_slow.then(|| now.after(config.base_timeout.saturating_mul(2)));
        }
        (self.waits, self.agreements, self.executions) = Default::default();
        self.began = now;
    }
}

impl Replica {
    /// A backup accepted the primary's batch: each of its requests that this replica had from a client has waited for that.
    pub(crate) fn note_turnaround(&mut self, now: Now, seq: SeqNum, content: &Content) {
        if self.turnaround.waits.count == 0 {
            self.turnaround.began = now.time;
        }
        self.note_crowding(now);
        let held = content.batch.transactions.iter().filter_map(|id| self.pool.held_since(id));
        let is_filled = self.is_well_filled(seq, content);
        let requests = self.turnaround.note_accepted(now.time, seq, is_filled, held);
        if self.log.get(seq).is_some_and(|slot| slot.commit.is_none()) {
            self.turnaround.follow(now.time, seq, requests);
        }
    }

    /// Whether there is no room for another batch here: as many are in agreement as a primary may have there, or execution has one to do
    /// behind the one that it does.
    pub(crate) fn is_crowded(&self) -> bool {
        let executing = self.dispatched.above(self.executed);
        self.turnaround.under_way() as u64 >= self.config.pipeline || executing > 1
    }

    /// Notes that there was no room until now, if there was none.
    pub(crate) fn note_crowding(&mut self, now: Now) {
        if self.is_crowded() {
            self.turnaround.crowded = now.time;
        }
    }

    /// Whether a batch and the one in front of it hold together more than one may. With more waiting than a batch takes, an honest
    /// primary's always do: what the one had no place for begins the other.
    fn is_well_filled(&self, seq: SeqNum, content: &Content) -> bool {
        let front = self.log.get(SeqNum::new(seq.get().saturating_sub(1))).and_then(|slot| slot.accepted());
        let both = || front.into_iter().chain([content]);
        both().map(Content::bytes).sum::<usize>() > self.config.most_bytes()
            || both().map(|it| it.batch.transactions.len()).sum::<usize>() > self.config.most_transactions()
    }

    /// Judges the primary, and says so at once if it is slow. Not when others have executed what this replica lacks: then it is late
    /// itself.
    pub(crate) fn judge_turnaround(&mut self, now: Now, effects: &mut Effects) {
        self.turnaround.judge(now.time, &self.config);
        if self.is_overtaken() {
            self.turnaround.slow_until = None;
        }
        if self.finds_slow(now) {
            self.say_status(now, effects);
            self.try_leave_slow(now, effects);
        }
    }

    /// Whether this replica complains of the primary: by its own measure, or with f + 1 others, of whom one is honest. The second makes
    /// all honest replicas complain once one of them acts on it, so that none gives the view up alone (Bracha's amplification).
    pub(crate) fn finds_slow(&self, now: Now) -> bool {
        let measured = self.turnaround.slow_until.is_some_and(|until| now.time < until);
        let can_tell = self.votes() && !self.changing;
        can_tell && (measured || self.complaints() >= self.config.membership.weak_quorum())
    }

    /// How many others complain of this view's primary, or have given it up.
    fn complaints(&self) -> usize {
        let of_view =
            |id: &ReplicaId| self.peers.get(id).is_some_and(|it| it.slow && it.view == self.view && !it.changing);
        let left = |id: &ReplicaId| self.view_changes.highest_of(*id).is_some_and(|it| it.payload.view > self.view);
        self.config.membership.ids().filter(|id| *id != self.config.id && (of_view(id) || left(id))).count()
    }

    /// A peer says whether it complains. What that makes this replica complain of too it says at once, though for the sake of the same peer
    /// only now and then: a complaint that comes and goes would have everybody talk without end (rule L-6).
    pub(crate) fn hear_complaint(&mut self, now: Now, from: ReplicaId, complained: bool, effects: &mut Effects) {
        if self.finds_slow(now) && !complained && self.budgets.may_join(from, now.time, self.config.rest()) {
            self.say_status(now, effects);
        }
        self.try_leave_slow(now, effects);
    }

    /// Gives up the view of a slow primary once a quorum complains of it.
    pub(crate) fn try_leave_slow(&mut self, now: Now, effects: &mut Effects) {
        if self.finds_slow(now) && self.complaints() + 1 >= self.config.membership.quorum() {
            self.start_view_change(now, self.view.next(), ViewChangeReason::SlowPrimary, effects);
        }
    }

    /// The view is over. If a complaint may be what ended it, the next primary is given more time.
    pub(crate) fn forget_turnaround(&mut self, now: Now) {
        if self.finds_slow(now) {
            self.turnaround.patience.lose_view(now.time);
        }
        self.turnaround.begin(now.time);
    }
}

#[cfg(test)]
mod tests;

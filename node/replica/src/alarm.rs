//! The time that the state machine waits for (rule T-3).
//!
//! Agreed time moves with batches, and an idle cluster makes none. But what the machine promised to do at a time, as to end a lease, has to
//! happen when nobody asks for anything. So execution says which time is waited for, and once it has passed:
//!
//! ```text
//!   primary   proposes an empty batch with its stamp, when nothing else is under way
//!   backup    accepts one whose stamp has reached the alarm that it knows itself, behind all that was decided
//!             and gives up the view, as for a request that waits, when none comes
//! ```
//!
//! A liar gains nothing by it: it cannot propose an empty batch that no alarm asks for, and each one that is asked for ends its cause or a
//! bounded part of it. One that proposes none loses its place. An alarm is part of what was executed, so all who executed the same know
//! the same one, and a restart finds it again.

use tetrarch_types::{Now, SeqNum, Time, Timestamp};

use crate::content::Content;
use crate::{ProposalFault, Replica};

/// What the machine waits for, as of the last batch that execution reported done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// The agreed time.
    at: Timestamp,
    /// When this replica's clock should show it.
    due: Time,
    /// Its clock has shown it.
    has_rung: bool,
}

impl Alarm {
    /// As a start finds it, which knows no time yet: it is looked at at once.
    pub(crate) const fn recovered(at: Timestamp) -> Self {
        Self { at, due: Time::ZERO, has_rung: false }
    }

    fn set(at: Timestamp, now: Now) -> Self {
        Self::recovered(at).looked_at(now)
    }

    /// Compares with the clock, which is not the one that deadlines are of: it may have been set meanwhile.
    fn looked_at(self, now: Now) -> Self {
        if self.has_rung {
            self
        } else if now.clock >= self.at {
            Self { due: now.time, has_rung: true, ..self }
        } else {
            Self { due: now.time.after(self.at.distance(now.clock)), ..self }
        }
    }
}

impl Replica {
    pub(crate) fn set_alarm(&mut self, now: Now, alarm: Option<Timestamp>) {
        self.alarm = alarm.map(|at| self.alarm.filter(|it| it.at == at).unwrap_or_else(|| Alarm::set(at, now)));
        self.timers.propose |= self.has_rung();
    }

    /// When the alarm should be looked at.
    pub(crate) fn alarm_due(&self) -> Option<Time> {
        self.alarm.filter(|alarm| !alarm.has_rung).map(|alarm| alarm.due)
    }

    /// Looks at the clock, if it is time to.
    pub(crate) fn look_at_alarm(&mut self, now: Now) {
        if self.alarm_due().is_some_and(|due| due <= now.time) {
            self.alarm = self.alarm.map(|alarm| alarm.looked_at(now));
            self.timers.propose |= self.has_rung();
        }
    }

    /// Whether the time that the machine waits for has come, by this replica's clock.
    pub(crate) fn has_rung(&self) -> bool {
        self.alarm.is_some_and(|alarm| alarm.has_rung)
    }

    /// Whether the batch at this number, with this stamp, may be empty: the machine waits for that time, and nothing that comes before can
    /// change its mind.
    pub(crate) fn is_tick(&self, seq: SeqNum, stamp: Timestamp) -> bool {
        self.executed.next() == seq && self.alarm.is_some_and(|alarm| alarm.at <= stamp)
    }

    /// Since when the primary lets the machine wait, by this replica's clock. A primary whose clock is behind by more than a timeout may
    /// lose its place by that, and a bound for clocks could be waited for here; but then every lease would outlive a dead primary by
    /// that bound, and views that end too early cost little: the time passes meanwhile, and timeouts double.
    pub(crate) fn overslept(&self) -> Option<Time> {
        self.alarm.filter(|alarm| alarm.has_rung && self.has_executed_all()).map(|alarm| alarm.due)
    }

    /// Whether the content of a slot cannot be judged before what lies below has been executed.
    pub(crate) fn awaits_execution(&self, seq: SeqNum, content: &Content) -> bool {
        let is_open = self.log.get(seq).is_some_and(|slot| slot.commit.is_none());
        is_open && content.batch.transactions.is_empty() && seq > self.executed.next()
    }

    /// A batch without transactions: only where the machine waits for time.
    pub(crate) fn judge_empty(&self, seq: SeqNum, stamp: Timestamp) -> Result<(), ProposalFault> {
        if self.is_tick(seq, stamp) { Ok(()) } else { Err(ProposalFault::Empty) }
    }
}

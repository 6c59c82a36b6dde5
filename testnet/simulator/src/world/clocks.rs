//! Wall clocks that are wrong for a while, and how many of them a cluster must bear.

use std::time::Duration;

use tetrarch_types::Timestamp;

use super::World;
use super::event::Event;
use crate::faults::{NodeTrouble, forms};
use crate::node::{EPOCH, MAX_DRIFT};
use crate::rng::micros;

impl World {
    pub(super) fn set_clock(&mut self, index: usize, ahead: i64, lasting: Duration) {
        if self.may_mislead(index) {
            self.strike(NodeTrouble::ClockJump, index);
            self.count(if ahead > 0 { forms::CLOCK_AHEAD } else { forms::CLOCK_BEHIND }, 1);
            self.nodes[index].clock.set_wrong(ahead);
            self.set_right_after(index, lasting);
        }
    }

    pub(super) fn freeze_clock(&mut self, index: usize, lasting: Duration) {
        if self.may_mislead(index) {
            self.strike(NodeTrouble::ClockFreeze, index);
            let now = self.now();
            self.nodes[index].clock.freeze(now);
            self.set_right_after(index, lasting);
        }
    }

    /// The first correction ends everything that was wrong with a clock.
    pub(super) fn set_clock_right(&mut self, index: usize) {
        self.harms.misled.remove(&index);
        self.nodes[index].clock.set_right();
    }

    fn set_right_after(&mut self, index: usize, lasting: Duration) {
        self.harms.misled.insert(index);
        self.queue.after(lasting, Event::ClockRight { node: index });
    }

    /// Whether one more clock may be wrong. Agreed time follows the clocks of any q replicas of which at most f are faulty: a replica
    /// whose clock is off counts among them for so long.
    fn may_mislead(&self, index: usize) -> bool {
        let others = self.harms.misled.iter().filter(|other| **other != index).count();
        self.is_honest(index) && self.rules.liars.len() + others < self.rules.f()
    }

    /// The latest time that a clock which is not wrong can show now.
    pub(super) fn latest_clock(&self) -> Timestamp {
        let now = self.now().as_micros();
        let drifted = now + now * MAX_DRIFT / 1_000_000 + 1;
        EPOCH.plus(Duration::from_micros(drifted + micros(self.drawn.skew)))
    }
}

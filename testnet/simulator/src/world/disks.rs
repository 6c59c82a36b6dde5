//! Disks that lie, fill up or are slow, and nodes whose power fails again and again.

use std::time::Duration;

use super::event::Event;
use super::{Phase, World};
use crate::faults::{CrashPoint, NodeTrouble, WritePoint};
use crate::node::{Halt, Trap};

/// How long a node in a storm stays up and down, at most.
const GUST: Duration = Duration::from_millis(40);

/// How long a node is down between two starts of a storm whose power failed inside a start.
const BRIEF: Duration = Duration::from_millis(5);

impl World {
    /// Its disk lies for a while, and then the power fails. It counts among the faulty from now on: any crash may take promises.
    pub(super) fn lose_fsyncs(&mut self, index: usize, lasting: Duration, down: Duration) {
        if !self.is_honest(index) || self.nodes[index].running.is_none() || !self.may_forget(index) {
            return;
        }
        self.harms.forgetful.insert(index);
        let node = &self.nodes[index];
        node.disk.lie_about_fsync();
        let event =
            Event::PowerFails { node: index, incarnation: node.incarnation, cause: NodeTrouble::LostFsync, down };
        self.queue.after(lasting, event);
    }

    /// There is no room at a point, the next time that the node writes there.
    pub(super) fn fill(&mut self, index: usize, point: WritePoint, down: Duration) {
        let is_snapshot = point == WritePoint::Snapshot;
        if self.nodes[index].running.is_none() || (is_snapshot && !self.may_be_damaged(index)) {
            return;
        }
        if is_snapshot && self.is_honest(index) {
            self.harms.damaged.insert(index);
        }
        let passes = if point == WritePoint::Start { self.rng.below(2) } else { 0 };
        let node = &mut self.nodes[index];
        node.disk.set_trap(Trap { point, is_full: true, passes, down });
        if point == WritePoint::Start {
            // A start has something to write when the one before it was cut off inside a write.
            node.doomed = Some((CrashPoint::DuringSync, down));
        }
    }

    /// The disk took no more: the node ends. It comes back when there is room, or power.
    pub(super) fn halt(&mut self, index: usize, halt: Halt) {
        if halt.is_full {
            self.strike(NodeTrouble::FullDisk, index);
        }
        self.count(halt.name, 1);
        self.crash(index, halt.down.max(Duration::from_millis(1)));
    }

    /// The first gust of a storm.
    pub(super) fn storm(&mut self, index: usize, times: u32) {
        if self.nodes[index].running.is_none() {
            return;
        }
        let down = self.rng.span(Duration::from_millis(1), GUST);
        self.nodes[index].storm = times;
        self.power_fails(index, NodeTrouble::CrashStorm, down);
    }

    /// A node came back: if there is a storm, not for long.
    pub(super) fn weather(&mut self, index: usize) {
        if self.nodes[index].storm == 0 || self.phase != Phase::Faulty {
            return;
        }
        self.nodes[index].storm -= 1;
        let (up, down) = (self.rng.span(Duration::ZERO, GUST), self.rng.span(Duration::from_millis(1), GUST));
        let point = self.rng.one_of([WritePoint::Start, WritePoint::Start, WritePoint::Install]);
        let passes = self.rng.below(2);
        let node = &self.nodes[index];
        node.disk.set_trap(Trap { point, is_full: false, passes, down: BRIEF });
        let cause = NodeTrouble::CrashStorm;
        self.queue.after(up, Event::PowerFails { node: index, incarnation: node.incarnation, cause, down });
    }

    pub(super) fn power_fails(&mut self, index: usize, cause: NodeTrouble, down: Duration) {
        if self.phase != Phase::Faulty {
            return;
        }
        if cause == NodeTrouble::CrashStorm {
            self.strike(cause, index);
        }
        self.crash(index, down);
    }
}

//! The end of the faults, and what is demanded then.

use std::time::Duration;

use tetrarch_types::{SeqNum, Time};

use super::event::Event;
use super::{Phase, World, replica_id};
use crate::recording::What;
use crate::sight::Sight;

const EVERY: Duration = Duration::from_millis(10);

/// How long a cluster that nothing can be demanded of is watched after the faults.
const AFTERMATH: Duration = Duration::from_secs(1);

impl World {
    /// All faults end: links work, everyone is up, and every client asks for one thing more.
    pub(super) fn heal(&mut self) {
        self.phase = Phase::Healed(self.now());
        self.trace.note_shown(self.queue.now(), b"heal", format_args!("faults end"));
        self.trace.record(self.queue.now(), || What::Healed);
        self.network.heal();
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            node.doomed = None;
            node.paused_until = Time::ZERO;
            node.slow_until = Time::ZERO;
            node.storm = 0;
            node.disk.heal();
            node.clock.set_right();
            if node.disk.has_rot() {
                // Somebody has it checked; what nobody has read yet would show sooner or later.
                node.is_suspect = true;
                self.crash(index, EVERY);
            } else {
                self.start(index);
            }
        }
        for client in 0..self.clients.len() {
            self.queue.after(Duration::ZERO, Event::Issue { client });
        }
        self.queue.after(EVERY, Event::Check);
    }

    pub(super) fn check(&mut self) {
        let Phase::Healed(since) = self.phase else { return };
        let passed = self.now().since(since);
        let is_over = if self.drawn.profile.is_bearable() { self.is_well() } else { passed > AFTERMATH };
        if is_over {
            self.phase = Phase::Done(passed);
            self.conclude();
        } else if passed > self.heal_within {
            let what = self.complaint();
            self.fail("liveness", what);
        } else {
            if !self.is_everyone_voting() {
                self.wake_clients();
            }
            self.queue.after(EVERY, Event::Check);
        }
    }

    /// Everyone is answered, and every honest replica votes and has executed what any of them has, and what clients were told of.
    fn is_well(&self) -> bool {
        // What clients were told of may be decided only later (rule X-3).
        let far = self.honest().map(|node| self.executed(node)).max().max(Some(self.highest));
        self.is_everyone_answered()
            && self.honest().all(|node| Some(self.executed(node)) == far)
            && self.is_everyone_voting()
    }

    /// Whether nobody is silent any more: as long as someone is, clients go on asking, because silence ends with later checkpoints.
    pub(super) fn is_everyone_voting(&self) -> bool {
        self.honest().all(|node| self.nodes[node].status().is_some_and(|status| status.voting))
    }

    /// Whether no honest client waits any more.
    pub(super) fn is_everyone_answered(&self) -> bool {
        self.clients.iter().all(|client| client.outstanding() == 0)
    }

    pub(super) fn honest(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|node| self.is_honest(*node))
    }

    fn executed(&self, node: usize) -> SeqNum {
        self.nodes[node].running.as_ref().map(|running| running.executed()).unwrap_or_default()
    }

    fn conclude(&mut self) {
        if self.drawn.profile.is_bearable() {
            self.look_back();
        }
        let mut failure = None;
        for oracle in &mut self.oracles {
            if let Err(what) = oracle.conclude(&self.rules) {
                failure.get_or_insert((oracle.name(), what));
            }
        }
        if let Some((oracle, what)) = failure {
            self.fail(oracle, what);
        }
    }

    /// Shows every honest replica's state, and what it still knows of what clients were told.
    fn look_back(&mut self) {
        let told: Vec<_> = self.told.iter().map(|told| told.transaction).collect();
        let honest: Vec<usize> = self.honest().collect();
        for node in honest {
            self.judge(node, self.executed(node));
            match self.nodes[node].state() {
                Ok(state) => self.see(&Sight::Ended { by: replica_id(node), executed: self.executed(node), state }),
                Err(what) => self.fail("recovery", format!("replica {node}'s state cannot be read: {what}")),
            }
            for transaction in &told {
                let reply = self.nodes[node].running.as_ref().and_then(|running| running.executor.reply(transaction));
                let sight = Sight::Kept { by: replica_id(node), transaction: *transaction, reply };
                self.see(&sight);
            }
        }
    }
}

//! Running nodes: their turns, their disks, their deadlines, their crashes.

use std::time::Duration;

use tetrarch_replica::{Event as Observed, Record};
use tetrarch_types::Time;

use super::event::Event;
use super::{World, replica_id};
use crate::faults::{CrashPoint, NodeTrouble, SLOW_FSYNC};
use crate::node::{Act, Fault, Node, Reach};
use crate::recording::{Mark, What};
use crate::sight::Sight;

/// What executing a batch takes at most.
const EXECUTION: Duration = Duration::from_micros(300);

impl World {
    pub(super) fn set_up_nodes(&mut self) {
        let mut rng = self.rng.fork();
        let replicas: Vec<usize> = self.drawn.replicas().collect();
        for id in replicas.into_iter().map(replica_id) {
            match Node::new(id, &self.chain, &self.drawn, &self.workload, &mut rng) {
                Ok(node) => self.nodes.push(node),
                Err(what) => self.fail("set-up", what),
            }
        }
    }

    pub(super) fn is_current(&self, node: usize, incarnation: u64) -> bool {
        self.nodes[node].incarnation == incarnation
    }

    /// The node's power comes on.
    pub(super) fn start(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if node.running.is_some() {
            return;
        }
        let (is_first, is_honest) = (node.incarnation == 0, self.rules.is_honest(node.id));
        let started = node.start(&self.chain);
        if started.is_ok() && !is_first {
            let text = || format!("replica {index} has its power back");
            self.trace.record(self.queue.now(), || What::at_node(index, Mark::Up, text()));
        }
        match started {
            Ok(records) if is_honest && !is_first => self.watch_restart(index, records),
            Err(Fault::Halted(halt)) => return self.halt(index, halt),
            Err(Fault::Damaged(what) | Fault::Broken(what)) if is_honest => {
                return self.fail("recovery", format!("replica {index}: {what}"));
            }
            // A liar that its own lies keep from starting is no loss.
            Err(_) => return,
            Ok(_) => {}
        }
        self.judge_reads_of(index);
        self.wake(index, Time::ZERO);
        self.weather(index);
    }

    fn watch_restart(&mut self, index: usize, records: Vec<Record>) {
        let by = self.nodes[index].id;
        let executed = self.nodes[index].running.as_ref().map(|running| running.executed()).unwrap_or_default();
        self.see(&Sight::Restarted { by, executed });
        for record in records {
            self.see(&Sight::Recorded { by, record });
        }
    }

    /// Asks for a turn, unless one is coming.
    pub(super) fn wake(&mut self, index: usize, at: Time) {
        let node = &mut self.nodes[index];
        let Some(running) = &mut node.running else { return };
        if !running.turn_scheduled && !running.is_syncing() {
            running.turn_scheduled = true;
            let event = Event::Turn { node: index, incarnation: node.incarnation };
            self.queue.at(at.max(node.paused_until), event);
        }
    }

    pub(super) fn turn(&mut self, index: usize) {
        let now = self.now();
        let node = &mut self.nodes[index];
        let Some(running) = &mut node.running else { return };
        running.turn_scheduled = false;
        running.last_turn = now;
        if now < node.paused_until {
            return self.wake(index, now);
        }
        let mut acts = Vec::new();
        running.turn(node.clock.read(now), &node.disk, &self.chain, &mut acts);
        let is_writing = running.is_syncing();
        self.carry_out(index, acts);
        self.judge_reads_of(index);
        if is_writing && let Some((CrashPoint::BeforeWrite, down)) = self.nodes[index].doomed {
            self.strike(NodeTrouble::CrashInTurn, index);
            return self.crash(index, down);
        }
        self.plan(index);
    }

    pub(super) fn synced(&mut self, index: usize) {
        let now = self.now();
        let node = &mut self.nodes[index];
        let doom = node.doomed;
        let reach = match doom {
            Some((CrashPoint::DuringSync | CrashPoint::Torn { .. }, _)) => Reach::Interrupted,
            Some((CrashPoint::AfterSync(count), _)) => Reach::Effects(count),
            _ => Reach::Whole,
        };
        let mut acts = Vec::new();
        if let Some(running) = &mut node.running {
            running.sync(now, reach, &node.disk, &self.chain, &mut acts);
        }
        self.carry_out(index, acts);
        if let Some((point, down)) = doom.filter(|_| self.nodes[index].doomed.is_some()) {
            if !matches!(point, CrashPoint::Torn { .. }) {
                self.strike(NodeTrouble::CrashInTurn, index);
            }
            return self.crash(index, down);
        }
        self.plan(index);
    }

    pub(super) fn execute(&mut self, index: usize) {
        let mut acts = Vec::new();
        let now = self.now();
        let node = &mut self.nodes[index];
        if let Some(running) = &mut node.running {
            running.execute(node.clock.read(now), &node.disk, &self.chain, &mut acts);
        }
        self.carry_out(index, acts);
        self.plan(index);
    }

    pub(super) fn deadline(&mut self, index: usize) {
        let now = self.now();
        let Some(running) = &mut self.nodes[index].running else { return };
        if running.deadline == Some(now) {
            running.deadline = None;
            self.plan(index);
        }
    }

    /// What comes next for a node: a turn if something waits or its deadline has come, its deadline otherwise.
    pub(super) fn plan(&mut self, index: usize) {
        let now = self.now();
        let node = &mut self.nodes[index];
        let Some(running) = &mut node.running else { return };
        if running.is_syncing() {
            return;
        }
        if running.has_input() {
            return self.wake(index, now);
        }
        let Some(at) = running.wakes_at().map(|at| node.clock.when(at)) else { return };
        if at <= now && now > running.last_turn {
            return self.wake(index, now);
        }
        // A deadline that has passed comes with the next microsecond: no node stops the time.
        let at = at.max(now.after(Duration::from_micros(1)));
        if running.deadline.is_none_or(|asked| at < asked) {
            running.deadline = Some(at);
            self.queue.at(at, Event::Deadline { node: index, incarnation: node.incarnation });
        }
    }

    /// The node's power goes off, and comes back some time later.
    pub(super) fn crash(&mut self, index: usize, down: Duration) {
        let mut rng = self.rng.fork();
        let before = self.before_crash(index);
        let taken = self.nodes[index].crash(&mut rng);
        self.after_crash(index, &before, &taken);
        let incarnation = self.nodes[index].incarnation;
        self.trace.note_shown(self.queue.now(), b"down", format_args!("replica {index} loses its power"));
        let text = || format!("replica {index} loses its power");
        self.trace.record(self.queue.now(), || What::at_node(index, Mark::Down, text()));
        self.queue.after(down, Event::Restart { node: index, incarnation });
    }

    pub(super) fn carry_out(&mut self, index: usize, acts: Vec<Act>) {
        let incarnation = self.nodes[index].incarnation;
        let is_honest = self.is_honest(index);
        let (mut damaged, mut halted) = (None, None);
        for act in acts {
            match act {
                Act::Send { to, message } => self.send(index, to, message),
                Act::Respond { client, about, response } => self.respond(index, client, about, response),
                Act::Sync => {
                    let fsync = self.fsync(index);
                    self.queue.after(fsync, Event::Synced { node: index, incarnation });
                }
                Act::Execute => {
                    let wait = self.rng.span(Duration::ZERO, EXECUTION);
                    self.queue.after(wait, Event::Execute { node: index, incarnation });
                }
                Act::Damaged(what) => damaged = Some(what),
                Act::Halted(halt) => halted = Some(halt),
                Act::Count(what) => self.count(what, 1),
                Act::Struck(trouble) => self.strike(trouble, index),
                Act::Saw(sight) if is_honest => self.watch(index, &sight),
                Act::Broken(what) if is_honest => {
                    self.fail("node", format!("replica {index}: {what}"));
                }
                Act::Saw(_) | Act::Broken(_) => {}
            }
        }
        if self.nodes[index].incarnation != incarnation {
            return;
        }
        if let Some(halt) = halted {
            self.halt(index, halt);
        } else if let Some(what) = damaged {
            self.trace.note_shown(self.queue.now(), b"harm", format_args!("replica {index} meets damage: {what}"));
            self.count("damage-met", 1);
            self.nodes[index].is_suspect = true;
            self.crash(index, Duration::from_millis(1));
        }
    }

    /// What the next fsync of a node takes.
    fn fsync(&mut self, index: usize) -> Duration {
        if self.now() < self.nodes[index].slow_until {
            self.count(NodeTrouble::SlowDisk.name(), 1);
            return self.rng.span(SLOW_FSYNC.0, SLOW_FSYNC.1);
        }
        self.rng.span(Duration::ZERO, self.drawn.fsync)
    }

    fn watch(&mut self, index: usize, sight: &Sight) {
        match sight {
            Sight::Executing { by, batch } => {
                self.fairness.order(batch);
                if !batch.transactions.is_empty() {
                    let (by, seq, stamp, latest) = (*by, batch.seq, batch.batch.timestamp, self.latest_clock());
                    self.see(&Sight::Stamped { by, seq, stamp, latest });
                }
            }
            Sight::Executed { .. } => self.batches += 1,
            Sight::Observed { event: Observed::ViewEntered { view, .. }, .. } => {
                self.views = self.views.max(view.get())
            }
            _ => {}
        }
        self.latest.see(sight);
        self.see(sight);
        if let Sight::Executed { executed, .. } = sight {
            self.judge_first(index, executed.seq);
        }
    }
}

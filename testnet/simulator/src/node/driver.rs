//! Driving the replica: turns, and carrying out its effects in order.

use std::rc::Rc;

use tetrarch_replica::{Effect, Input, Recipients, Turn};
use tetrarch_types::{Lane, Now, Payload, ReplicaId, SeqNum, Supply, Time};

use super::executor::{Done, Job};
use super::fault::Fault;
use super::{Act, Disk, Running};
use crate::chain::Chain;
use crate::faults::WritePoint;
use crate::letter::Letter;
use crate::sight::Sight;

/// Of a node's turns, every so many end with a look at what it holds.
const WEIGHED_EVERY: u64 = 4;

/// How far a turn's end gets before the node loses its power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the end.
    Whole,
    /// Power fails during the fsync.
    Interrupted,
    /// The records are durable, and this many of the effects that waited run.
    Effects(usize),
}

impl Running {
    /// Says what it holds, now and then: while all that the last turn led to is done, and the journal is cut where the replica said.
    fn weigh(&mut self, acts: &mut Vec<Act>) {
        self.turns += 1;
        if self.turns.is_multiple_of(WEIGHED_EVERY) {
            acts.push(Act::Saw(self.held()));
        }
    }

    /// Takes everything that waits as one turn, the replica's own messages first, and its deadline last if it has come.
    pub fn turn(&mut self, now: Now, disk: &Disk, chain: &Chain, acts: &mut Vec<Act>) {
        if self.syncing.is_some() {
            return;
        }
        self.weigh(acts);
        let own = std::mem::take(&mut self.own);
        let inputs = self.take_inbox();
        let idle = own.is_empty() && inputs.is_empty();
        for input in own.into_iter().chain(inputs) {
            self.replica.step(now, input, &mut self.effects);
        }
        if self.replica.deadline().is_some_and(|deadline| deadline <= now.time) {
            self.replica.step(now, Input::Deadline, &mut self.effects);
        }
        if self.executor.wakes_at().is_some_and(|deadline| deadline <= now.time) {
            self.enqueue(Job::Wake, acts);
        }
        let mut turn = Turn::of(&mut self.effects);
        if let Err(fault) = self.carry_out(std::mem::take(&mut turn.at_once), now.time, disk, chain, acts) {
            return acts.push(fault.into());
        }
        if !turn.records.is_empty() {
            self.syncing = Some(turn);
            acts.push(Act::Sync);
        } else if idle && let Err(fault) = disk.at(WritePoint::Journal, || self.records.tell()) {
            acts.push(fault.into());
        }
    }

    /// Reports first, then votes, then bulk, then requests: as the server's inbox does.
    fn take_inbox(&mut self) -> Vec<Input> {
        let mut inputs = std::mem::take(&mut self.inbox);
        inputs.sort_by_key(|input| match input {
            Input::Message(message) if message.lane() == Lane::Votes => 1,
            Input::Message(_) => 2,
            Input::Request(_) => 3,
            _ => 0,
        });
        inputs
    }

    /// The fsync is over: what waited for it runs.
    pub fn sync(&mut self, now: Time, reach: Reach, disk: &Disk, chain: &Chain, acts: &mut Vec<Act>) {
        if reach == Reach::Interrupted {
            return self.interrupt_sync(disk);
        }
        let Some(turn) = self.syncing.take() else { return };
        if let Err(fault) = disk.at(WritePoint::Journal, || self.records.append(&turn.records)) {
            return acts.push(fault.into());
        }
        acts.extend(turn.records.into_iter().map(|record| Act::Saw(Sight::Recorded { by: self.id, record })));
        let count = if let Reach::Effects(count) = reach { count } else { turn.held.len() };
        let held = turn.held.into_iter().take(count).collect();
        if let Err(fault) = self.carry_out(held, now, disk, chain, acts) {
            acts.push(fault.into());
        }
    }

    /// The first job in the executor's queue is done.
    pub fn execute(&mut self, now: Now, disk: &Disk, chain: &Chain, acts: &mut Vec<Act>) {
        match self.executor.work(now.time, disk, chain, acts) {
            Ok(Done { inputs, payloads }) => {
                self.inbox.extend(inputs);
                payloads.into_iter().for_each(|(to, payload)| self.send(Recipients::One(to), payload, chain, acts));
            }
            Err(fault) => return acts.push(fault.into()),
        }
        if !self.executor.is_idle() {
            acts.push(Act::Execute);
        }
    }

    /// Carries effects out in order, until the disk takes no more.
    fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        now: Time,
        disk: &Disk,
        chain: &Chain,
        acts: &mut Vec<Act>,
    ) -> Result<(), Fault> {
        for effect in effects {
            match effect {
                Effect::Persist(_) => acts.push(Act::Broken("a record where only other effects can be".to_owned())),
                Effect::Send { to, payload } => self.send(to, payload, chain, acts),
                Effect::Execute { batch, prepared } => self.enqueue_batch(batch, prepared, acts),
                Effect::ExecuteTentatively(batch) => self.enqueue(Job::ExecuteTentatively(batch), acts),
                Effect::ReplyTentatively { view, seq } => self.enqueue(Job::ReplyTentatively { view, seq }, acts),
                Effect::FetchState(target) => self.enqueue(Job::Fetch(target), acts),
                Effect::StateArrived { from, supply } => self.enqueue(Job::Arrived { from, supply }, acts),
                Effect::SendState { to, checkpoint, parts, rows_up_to } => {
                    match self.executor.parts(to, now, checkpoint, &parts, rows_up_to) {
                        Ok(supply) => self.send(Recipients::One(to), Payload::Supply(supply), chain, acts),
                        // A snapshot that cannot be read is no reason to stop.
                        Err(_) => acts.push(Act::Count("snapshot-unreadable")),
                    }
                }
                Effect::SendCommitted { to, after } => self.send_committed(to, after, chain, acts),
                Effect::Refuse { transaction, refusal } => self.executor.refuse(&transaction, &refusal, acts),
                Effect::Discard { through } => {
                    disk.at(WritePoint::Discard, || self.records.discard(through))?;
                    self.enqueue(Job::Stable(through), acts);
                }
                Effect::Observe(event) => acts.push(Act::Saw(Sight::Observed { by: self.id, event })),
            }
        }
        Ok(())
    }

    fn send(&mut self, to: Recipients, payload: Payload, chain: &Chain, acts: &mut Vec<Act>) {
        let Some(message) = chain.sign(self.id, payload) else { return };
        let letter = Letter::new(message);
        if to == Recipients::Everyone {
            match letter.verified(chain) {
                Ok(verified) => self.own.push(Input::Message(verified)),
                Err(_) => {
                    acts.push(Act::Broken(format!("its own {:?} is refused by the verifier", letter.open().kind())))
                }
            }
        }
        self.send_to_others(to, letter, chain, acts);
    }

    fn send_to_others(&self, to: Recipients, letter: Rc<Letter>, chain: &Chain, acts: &mut Vec<Act>) {
        let others: Vec<ReplicaId> = match to {
            Recipients::One(one) => vec![one],
            Recipients::Everyone | Recipients::Others => {
                chain.membership.ids().filter(|other| *other != self.id).collect()
            }
        };
        acts.push(Act::Saw(Sight::Sent { by: self.id, message: letter.clone() }));
        acts.extend(others.into_iter().map(|to| Act::Send { to, message: letter.clone() }));
    }

    fn enqueue_batch(&mut self, batch: tetrarch_types::CommittedBatch, prepared: bool, acts: &mut Vec<Act>) {
        self.decided.note(&batch.certificate);
        let batch = Rc::new(batch);
        acts.push(Act::Saw(Sight::Executing { by: self.id, batch: batch.clone() }));
        self.enqueue(Job::Execute { batch, prepared }, acts);
    }

    fn enqueue(&mut self, job: Job, acts: &mut Vec<Act>) {
        if self.executor.enqueue(job) {
            acts.push(Act::Execute);
        }
    }

    fn send_committed(&mut self, to: ReplicaId, after: SeqNum, chain: &Chain, acts: &mut Vec<Act>) {
        match self.executor.committed_after(after) {
            Ok(batches) => self.send(Recipients::One(to), Payload::Supply(Supply::Committed(batches)), chain, acts),
            Err(error) => acts.push(Fault::from(error).into()),
        }
    }
}

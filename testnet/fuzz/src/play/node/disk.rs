//! The disk: what is written there, what a crash leaves of it, and what may be put in its place.

use std::collections::BTreeMap;

use tetrarch_replica::{Input, LiveRecords, Record, Replica};
use tetrarch_types::SeqNum;

use super::{Node, Past};
use crate::naive::witness::Witness;
use crate::play::Machine;
use crate::trace;

impl Node {
    pub(super) fn write(&mut self, record: Record) {
        if let Record::Stable(certificate) = &record {
            self.last_stable = certificate.clone();
        }
        trace::note("  writes", &record);
        self.witness.record(&record);
        self.live.note(self.first + self.journal.len() as u64, &record);
        self.journal.push_back(record);
    }

    pub(super) fn discard(&mut self, through: SeqNum) {
        assert!(through <= self.witness.stable(), "records above the stable checkpoint are discarded");
        let next = self.first + self.journal.len() as u64;
        let needed = self.live.discard(through, next);
        assert!((self.first..=next).contains(&needed), "{needed} is outside of the journal");
        self.journal.drain(..(needed - self.first) as usize);
        self.first = needed;
        self.states = self.states.split_off(&through);
    }

    /// The power fails, and comes back: the last executions may be lost, and who was replacing its state has none.
    pub(crate) fn crash(&mut self, lost: u64) {
        let back_to = SeqNum::new(self.machine.executed.get().saturating_sub(lost)).max(self.witness.stable());
        if let Some((seq, state)) = self.states.range(back_to..).next().map(|(seq, state)| (*seq, state.clone())) {
            self.states.split_off(&seq.next());
            self.machine = state;
        }
        trace::note("falls and comes back with", &self.journal);
        self.config.start += 1;
        self.target = None;
        self.reports.clear();
        let applied = self.machine.applied(self.damaged);
        let recovered = Replica::recover(self.config.clone(), applied, self.journal.iter().cloned());
        match recovered {
            Ok(replica) => self.replica = replica,
            // Inventions may contradict each other where it did not look before.
            Err(_) if self.past == Past::Invented => self.is_down = true,
            Err(corrupt) => panic!("its own journal: {corrupt}"),
        }
    }

    /// A copy of its disk: the journal and the state.
    pub(crate) fn disk(&self) -> (Vec<Record>, Machine) {
        (self.journal.iter().cloned().collect(), self.machine.clone())
    }

    /// It falls, and comes back with another disk than its own. What it said it has said.
    pub(crate) fn replace_disk(&mut self, journal: Vec<Record>, machine: Machine) {
        self.witness =
            Witness::new(self.own(), self.chain.size(), &journal).remembering(&self.said, self.last_stable.seq);
        self.live = LiveRecords::default();
        (0..).zip(&journal).for_each(|(index, record)| self.live.note(index, record));
        (self.journal, self.first) = (journal.into(), 0);
        self.states = BTreeMap::from([(machine.executed, machine.clone())]);
        self.machine = machine;
        (self.damaged, self.past, self.trap) = (false, Past::Replaced, None);
        self.crash(0);
    }

    pub(crate) fn restart(&mut self, lost: u64) {
        self.crash(lost);
        self.turn(vec![Input::Start]);
    }
}

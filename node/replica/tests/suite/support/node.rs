//! One replica with what a real node keeps on its disk: the journal, the executed state and the ledger.

use std::collections::BTreeMap;

use tetrarch_replica::{Config, Record, Replica};
use tetrarch_types::{Applied, CheckpointCertificate, CommittedBatch, SeqNum};

use super::machine::Machine;
use super::shown;

/// Where in a turn a replica is to fall: when it is about to write a record of this kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trap {
    pub(crate) record: String,
    /// Whether the turn's records are durable then. What waits for them is lost either way.
    pub(crate) durable: bool,
}

pub(crate) struct Node {
    pub(crate) config: Config,
    /// None while the replica is down.
    pub(crate) replica: Option<Replica>,
    /// What is durable, without what was discarded.
    pub(crate) journal: Vec<Record>,
    /// Everything that was ever durable, each record with the executed state of its time.
    pub(crate) annals: Vec<(Record, Machine)>,
    pub(crate) machine: Machine,
    /// The executed states since the last stable checkpoint: execution's writes may be lost in a crash, back to that one.
    pub(crate) states: BTreeMap<SeqNum, Machine>,
    /// What is to be executed when the test says so, if execution takes its time.
    pub(crate) unexecuted: Option<Vec<CommittedBatch>>,
    pub(crate) ledger: BTreeMap<SeqNum, CommittedBatch>,
    /// How many batches the ledger keeps.
    pub(crate) keep: usize,
    /// How far its wall clock is ahead, in microseconds.
    pub(crate) skew: i64,
    pub(crate) trap: Option<Trap>,
    /// The executed state cannot be used.
    pub(crate) damaged: bool,
    /// The state that its replica wants fetched.
    pub(crate) target: Option<CheckpointCertificate>,
    /// Records of its promises were taken from it, and it was not cured since: what it says may contradict what it said.
    pub(crate) bereft: bool,
    /// How many records of promises it ever wrote.
    promised: usize,
    backup: Option<Backup>,
}

/// A copy of a disk.
struct Backup {
    journal: Vec<Record>,
    machine: Machine,
    /// How many records of promises there were.
    promised: usize,
    bereft: bool,
}

impl Node {
    pub(crate) fn new(config: Config) -> Self {
        let mut node = Self {
            config,
            replica: None,
            journal: Vec::new(),
            annals: Vec::new(),
            machine: Machine::default(),
            states: BTreeMap::from([(SeqNum::ZERO, Machine::default())]),
            unexecuted: None,
            ledger: BTreeMap::new(),
            keep: usize::MAX,
            skew: 0,
            trap: None,
            damaged: false,
            target: None,
            bereft: false,
            promised: 0,
            backup: None,
        };
        node.recover();
        node
    }

    /// Builds the replica that the disk describes.
    pub(crate) fn recover(&mut self) {
        self.config.start += 1;
        self.target = None;
        let applied = Applied { damaged: self.damaged, ..self.machine.applied() };
        let recovered = Replica::recover(self.config.clone(), applied, self.journal.iter().cloned());
        self.replica = Some(recovered.expect("an honest journal is not corrupt"));
    }

    pub(crate) fn write(&mut self, records: &[Record]) {
        shown::check_silence(self.config.id, &self.journal, records);
        self.promised += records.iter().filter(|record| shown::is_promise(record)).count();
        self.bereft &= !records.contains(&Record::Cured);
        self.journal.extend_from_slice(records);
        self.annals.extend(records.iter().map(|record| (record.clone(), self.machine.clone())));
    }

    /// Executes a batch; the root, if a checkpoint is due.
    pub(crate) fn execute(&mut self, committed: CommittedBatch) -> Option<tetrarch_crypto::Digest> {
        let interval = self.config.membership.parameters().checkpoint_interval;
        let root = self.machine.execute(&committed, interval);
        self.states.insert(committed.seq, self.machine.clone());
        self.ledger.insert(committed.seq, committed);
        if self.ledger.len() > self.keep {
            self.ledger.pop_first();
        }
        root
    }

    /// Cuts the journal as far as the replica allows: nothing in front of the last stable checkpoint is needed, but for records
    /// about live sequence numbers.
    pub(crate) fn discard(&mut self, through: SeqNum) {
        let stable = self.journal.iter().rposition(|record| matches!(record, Record::Stable(_))).unwrap_or(0);
        let live = self.journal.iter().position(|record| record.seq().is_some_and(|seq| seq > through));
        self.journal.drain(..live.unwrap_or(stable).min(stable));
        self.states = self.states.split_off(&through);
    }

    /// Everything on the disk is gone; noted or not.
    pub(crate) fn wipe(&mut self, noted: bool) {
        self.journal = if noted { vec![Record::Lost] } else { Vec::new() };
        self.bereft |= self.promised > 0;
        self.put(Machine::default());
    }

    /// Replaces the executed state; there are no batches to it.
    pub(crate) fn put(&mut self, machine: Machine) {
        self.states = BTreeMap::from([(machine.executed, machine.clone())]);
        self.ledger.clear();
        self.machine = machine;
        self.damaged = false;
        self.target = None;
    }

    pub(crate) fn back_up(&mut self) {
        let (journal, machine) = (self.journal.clone(), self.machine.clone());
        self.backup = Some(Backup { journal, machine, promised: self.promised, bereft: self.bereft });
    }

    pub(crate) const fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    pub(crate) fn restore(&mut self) {
        let backup = self.backup.as_ref().expect("a backup was made");
        self.bereft = backup.bereft || self.promised > backup.promised;
        let (journal, machine) = (backup.journal.clone(), backup.machine.clone());
        self.journal = journal;
        self.put(machine);
    }

    /// Loses the last executions, as many as may be lost.
    pub(crate) fn lose_executions(&mut self, count: u64) {
        let target = SeqNum::new(self.machine.executed.get().saturating_sub(count)).max(shown::stable(&self.journal));
        let (seq, state) = self.states.range(target..).next().expect("the present state is among them");
        let (seq, state) = (*seq, state.clone());
        self.states.split_off(&seq.next());
        self.ledger.split_off(&seq.next());
        self.machine = state;
    }
}

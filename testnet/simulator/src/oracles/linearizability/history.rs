//! What clients asked and were told, in the order in which that happened.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_types::TransactionId;

use crate::workload::Sequential;

/// An operation as its client sees it. Moments are numbered as they come.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: TransactionId,
    pub(super) command: Vec<u8>,
    pub(super) touches: BTreeSet<Vec<u8>>,
    /// When it was asked.
    pub(super) asked: u64,
    /// When it was answered, and what with.
    pub(super) answer: Option<(u64, Vec<u8>)>,
}

impl Operation {
    /// When it was answered; at the end of time if it never was.
    pub(super) fn answered_at(&self) -> u64 {
        self.answer.as_ref().map_or(u64::MAX, |(at, _)| *at)
    }

    /// Whether it touches any of these keys.
    pub(super) fn sees(&self, keys: &BTreeSet<Vec<u8>>) -> bool {
        self.touches.iter().any(|key| keys.contains(key))
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct History {
    operations: BTreeMap<TransactionId, Operation>,
    moments: u64,
}

/// Operations that can see each other.
#[derive(Default)]
pub(super) struct Partition {
    /// Answered, in the order in which they were asked.
    pub(super) answered: Vec<Operation>,
    /// Never answered, in that order.
    pub(super) open: Vec<Operation>,
}

impl Partition {
    /// The keys that its operations touch, as a person reads them.
    pub(super) fn keys(&self) -> String {
        let keys: BTreeSet<_> = self.answered.iter().flat_map(|it| &it.touches).collect();
        keys.into_iter().map(|key| String::from_utf8_lossy(key)).collect::<Vec<_>>().join(", ")
    }
}

impl History {
    pub(super) fn ask(&mut self, id: TransactionId, command: &[u8]) {
        let asked = self.moment();
        let touches = BTreeSet::new();
        self.operations.entry(id).or_insert(Operation { id, command: command.to_vec(), touches, asked, answer: None });
    }

    pub(super) fn answer(&mut self, id: &TransactionId, result: Vec<u8>) {
        let at = self.moment();
        if let Some(operation) = self.operations.get_mut(id) {
            operation.answer.get_or_insert((at, result));
        }
    }

    /// The client knows that it took no effect and never will.
    pub(super) fn dismiss(&mut self, id: &TransactionId) {
        self.operations.remove(id);
    }

    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }

    /// The history in parts that do not see each other; those in which nobody was answered explain themselves and are left out.
    pub(super) fn partitions(&self, machine: &dyn Sequential) -> Vec<Partition> {
        let mut operations: Vec<Operation> = self.operations.values().cloned().collect();
        operations.sort_by_key(|operation| operation.asked);
        let mut groups = Groups::default();
        for operation in &mut operations {
            operation.touches = machine.touches(&operation.command);
            groups.join(&operation.touches);
        }
        let mut partitions: BTreeMap<usize, Partition> = BTreeMap::new();
        for operation in operations {
            let Some(group) = operation.touches.first().map(|key| groups.of(key)) else { continue };
            let partition = partitions.entry(group).or_default();
            let side = if operation.answer.is_some() { &mut partition.answered } else { &mut partition.open };
            side.push(operation);
        }
        partitions.into_values().filter(|partition| !partition.answered.is_empty()).collect()
    }
}

/// Keys that stand in one command, directly or through others: union-find.
#[derive(Default)]
struct Groups {
    numbers: BTreeMap<Vec<u8>, usize>,
    parents: Vec<usize>,
}

impl Groups {
    fn join(&mut self, keys: &BTreeSet<Vec<u8>>) {
        let roots: Vec<usize> = keys.iter().map(|key| self.of(key)).collect();
        for pair in roots.windows(2) {
            let (one, other) = (self.root(pair[0]), self.root(pair[1]));
            self.parents[one] = other;
        }
    }

    fn of(&mut self, key: &[u8]) -> usize {
        let next = self.parents.len();
        let number = *self.numbers.entry(key.to_vec()).or_insert(next);
        if number == next {
            self.parents.push(next);
        }
        self.root(number)
    }

    fn root(&self, mut number: usize) -> usize {
        while self.parents[number] != number {
            number = self.parents[number];
        }
        number
    }
}

//! One lane.

use std::collections::{BTreeMap, VecDeque};

use tetrarch_replica::Input;

/// What waits in one lane: the inputs of each in their order, and bounded by their bytes. All take turns.
pub(super) struct Waiting<K> {
    /// One for each who ever put something in.
    queues: BTreeMap<K, Queue>,
    /// Those of whom something waits, in front whose turn is next.
    turns: VecDeque<K>,
    /// Bytes of one queue.
    limit: usize,
}

#[derive(Default)]
struct Queue {
    inputs: VecDeque<(Input, usize)>,
    bytes: usize,
}

impl<K: Copy + Ord> Waiting<K> {
    pub(super) const fn new(limit: usize) -> Self {
        Self { queues: BTreeMap::new(), turns: VecDeque::new(), limit }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether there is room for something of this one. An empty queue has room for anything, so that nothing is too large to ever pass.
    pub(super) fn has_room(&self, of: K, bytes: usize) -> bool {
        let fits = |queue: &Queue| queue.inputs.is_empty() || queue.bytes.saturating_add(bytes) <= self.limit;
        self.queues.get(&of).is_none_or(fits)
    }

    pub(super) fn push(&mut self, of: K, input: Input, bytes: usize) {
        let queue = self.queues.entry(of).or_default();
        if queue.inputs.is_empty() {
            self.turns.push_back(of);
        }
        queue.bytes += bytes;
        queue.inputs.push_back((input, bytes));
    }

    pub(super) fn pop(&mut self) -> Option<(Input, usize)> {
        let of = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&of)?;
        let (input, bytes) = queue.inputs.pop_front()?;
        queue.bytes -= bytes;
        if !queue.inputs.is_empty() {
            self.turns.push_back(of);
        }
        Some((input, bytes))
    }
}

//! What is to happen, in order of time; in order of scheduling where the time is the same.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use tetrarch_types::Time;

/// The future.
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    now: Time,
    scheduled: u64,
}

struct Entry<E> {
    at: Time,
    order: u64,
    event: E,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), now: Time::ZERO, scheduled: 0 }
    }
}

impl<E> Queue<E> {
    /// The time of the event taken last.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Schedules an event; what lies in the past happens now.
    pub fn at(&mut self, at: Time, event: E) {
        let order = self.scheduled;
        self.scheduled += 1;
        self.heap.push(Reverse(Entry { at: at.max(self.now), order, event }));
    }

    /// Schedules an event `wait` from now.
    pub fn after(&mut self, wait: Duration, event: E) {
        self.at(self.now.after(wait), event);
    }

    /// Takes the next event, and moves the time to it.
    pub fn pop(&mut self) -> Option<E> {
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }
}

impl<E> Entry<E> {
    const fn key(&self) -> (Time, u64) {
        (self.at, self.order)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

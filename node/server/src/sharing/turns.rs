//! A queue in which hosts, or whoever else it is by, take turns.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

/// What waits, by whose it is; each one's in its order. Bounded by whoever puts something in.
pub(crate) struct Turns<K, T> {
    waiting: BTreeMap<K, VecDeque<T>>,
    /// Whose turn was last.
    last: Option<K>,
}

impl<K, T> Default for Turns<K, T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), last: None }
    }
}

impl<K: Copy + Ord, T> Turns<K, T> {
    /// Behind what this one has waiting.
    pub(crate) fn push(&mut self, of: K, it: T) {
        self.waiting.entry(of).or_default().push_back(it);
    }

    /// Keeps what this says.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.waiting.retain(|_, queue| {
            queue.retain(&mut keep);
            !queue.is_empty()
        });
    }

    /// How many things wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// How many things of this one wait.
    pub(crate) fn len_of(&self, of: K) -> usize {
        self.waiting.get(&of).map_or(0, VecDeque::len)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is next: the first of the one whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<(K, T)> {
        let behind = self.last.and_then(|last| self.waiting.range((Excluded(last), Unbounded)).next());
        let of = *behind.or_else(|| self.waiting.first_key_value())?.0;
        let queue = self.waiting.get_mut(&of)?;
        let it = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&of);
        }
        self.last = Some(of);
        Some((of, it?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::host;
    use super::*;

    #[test]
    fn hosts_take_turns_and_keep_their_order() {
        let mut turns = Turns::default();
        for (who, what) in [(1, 'a'), (1, 'b'), (1, 'c'), (2, 'd'), (3, 'e'), (2, 'f')] {
            turns.push(host(who), what);
        }
        let order: String = std::iter::from_fn(|| turns.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "adebfc");
    }

    #[test]
    fn what_is_not_kept_is_gone() {
        let mut turns = Turns::default();
        (0..10).for_each(|number| turns.push(host(number % 2), number));
        turns.retain(|number| number % 2 == 1 && *number > 4);
        assert_eq!(turns.len(), 3);
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).map(|(_, number)| number).collect();
        assert_eq!(order, [5, 7, 9]);
    }

    #[test]
    fn who_comes_is_not_behind_who_has_many() {
        let mut turns = Turns::default();
        (0..1_000).for_each(|number| turns.push(host(1), number));
        assert_eq!(turns.pop(), Some((host(1), 0)));
        turns.push(host(2), 7);
        assert_eq!(turns.pop(), Some((host(2), 7)));
        assert_eq!(turns.pop(), Some((host(1), 1)));
    }
}

//! A bounded set that forgets what was put into it long ago.

use std::collections::BTreeSet;

/// Two generations: when the young one is full it becomes the old one, and what was the old one is forgotten.
#[derive(Clone, Debug)]
pub struct Recent<T> {
    young: BTreeSet<T>,
    old: BTreeSet<T>,
    generation: usize,
}

impl<T: Ord> Recent<T> {
    /// An empty set that holds the last `generation` members for certain, and never more than twice as many.
    pub const fn new(generation: usize) -> Self {
        Self { young: BTreeSet::new(), old: BTreeSet::new(), generation }
    }

    /// Whether it is there.
    pub fn contains(&self, member: &T) -> bool {
        self.young.contains(member) || self.old.contains(member)
    }

    /// Puts it in; the oldest generation may be forgotten for it.
    pub fn insert(&mut self, member: T) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_there_and_the_first_ones_are_not() {
        let mut recent = Recent::new(10);
        (0..100).for_each(|member| recent.insert(member));
        assert!((90..100).all(|member| recent.contains(&member)));
        assert!((0..80).all(|member| !recent.contains(&member)));
        assert!(recent.young.len() + recent.old.len() <= 20);
    }
}

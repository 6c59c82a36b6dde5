//! Places of which each host may take as many as it leaves free, or some times as many.

use std::collections::{BTreeMap, btree_map::Entry};

use super::Host;

/// How many of so many places are taken, and by whom: of these each host may have as many as it leaves free (rule B-6). Alone it gets half of them, and
/// whoever comes finds some, however many others took theirs.
#[derive(Debug)]
pub struct Taken {
    most: usize,
    times: usize,
    total: usize,
    by_host: BTreeMap<Host, usize>,
}

impl Taken {
    /// None of them is taken.
    pub fn none_of(most: usize) -> Self {
        Self { most, times: 1, total: 0, by_host: BTreeMap::new() }
    }

    /// The same, where each host may have so many times as many as it leaves free: alone most of them, and the next one most of what is left.
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Whether this host may take so many more: afterwards it has no more than were free, so many times.
    pub fn has_room(&self, host: Host, count: usize) -> bool {
        let free = self.most.saturating_sub(self.total);
        count <= free && self.of(host).saturating_add(count) <= free.saturating_mul(self.times)
    }

    /// Takes so many, if it may.
    pub fn take(&mut self, host: Host, count: usize) -> bool {
        let may = self.has_room(host, count);
        if may {
            *self.by_host.entry(host).or_default() += count;
            self.total += count;
        }
        may
    }

    /// So many that this host took are free again.
    pub fn give_back(&mut self, host: Host, count: usize) {
        let Entry::Occupied(mut entry) = self.by_host.entry(host) else { return };
        let given = count.min(*entry.get());
        *entry.get_mut() -= given;
        self.total -= given;
        if *entry.get() == 0 {
            entry.remove();
        }
    }

    /// How many this host has.
    pub fn of(&self, host: Host) -> usize {
        self.by_host.get(&host).copied().unwrap_or(0)
    }

    /// How many are taken.
    pub const fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn host(number: u8) -> Host {
        Host::from(IpAddr::from([10, 0, 0, number]))
    }

    #[test]
    fn a_host_takes_half_and_whoever_comes_finds_some() {
        let mut taken = Taken::none_of(64);
        let mut fill = |host| std::iter::repeat_with(|| taken.take(host, 1)).take_while(|took| *took).count();
        assert_eq!(fill(host(1)), 32);
        assert_eq!(fill(host(2)), 16);
        assert_eq!(fill(host(3)), 8);
        taken.give_back(host(2), 16);
        assert!(!taken.take(host(1), 1), "who has most waits until more is free than it has");
        assert!(taken.take(host(3), 8));
        assert_eq!(taken.total(), 48);
    }

    #[test]
    fn what_weighs_more_takes_more() {
        let mut taken = Taken::none_of(100);
        assert!(taken.take(host(1), 40));
        assert!(!taken.take(host(1), 30));
        assert!(taken.take(host(1), 20));
        assert!(!taken.take(host(2), 41));
        assert!(taken.take(host(2), 40));
        assert!(!taken.take(host(3), 1), "all are taken");
        taken.give_back(host(3), 50);
        assert_eq!(taken.total(), 100, "nobody gives back what it has not got");
    }

    #[test]
    fn a_host_that_may_have_more_than_it_leaves_free_leaves_some() {
        let mut taken = Taken::none_of(1_279).times(4);
        let mut fill = |host| std::iter::repeat_with(|| taken.take(host, 1)).take_while(|took| *took).count();
        assert_eq!([1, 2, 3].map(|number| fill(host(number))), [1_024, 204, 41]);
        assert!(!taken.has_room(host(4), 11), "no more than there are, four times or not");
        [1, 2, 3].into_iter().for_each(|number| taken.give_back(host(number), 2_000));
        assert!(taken.by_host.is_empty() && taken.total() == 0);
    }
}

//! Places that callers share, and no host of theirs takes from the others.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_types::{Host, Taken};

/// How many times as many places as it leaves free a host may have. Replicas' clients have one time as many; callers of a gateway are mostly on one host.
const TIMES: usize = 4;

/// So many places. A host may take four times as many as it leaves free: alone it gets four fifths of them, and others find some whatever it does. Hosts, since
/// connections cost nothing.
#[derive(Debug)]
pub(crate) struct Places(Mutex<Taken>);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    host: Host,
}

/// The gateway itself, for what it does for all its callers.
pub(crate) fn own() -> Host {
    Host::from(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

impl Places {
    /// All of them free. The last one stays so.
    pub(crate) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Taken::none_of(most.saturating_sub(1)).times(TIMES))))
    }

    /// A place, if this host may have one more.
    pub(crate) fn take(self: &Arc<Self>, host: Host) -> Option<Place> {
        self.lock().take(host, 1).then(|| Place { places: self.clone(), host })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // It is whole between any two operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().give_back(self.host, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(number: u8) -> Host {
        Host::from(IpAddr::from([10, 0, 0, number]))
    }

    /// As many as a host can have.
    fn all_for(places: &Arc<Places>, host: Host) -> Vec<Place> {
        std::iter::from_fn(|| places.take(host)).collect()
    }

    #[test]
    fn a_host_alone_has_most_of_them_and_others_find_some() {
        let places = Places::of(1_280);
        let taken = [1, 2, 3].map(|number| all_for(&places, host(number)));
        assert_eq!(taken.each_ref().map(Vec::len), [1_024, 204, 41]);
        drop(taken);
        let taken = places.lock();
        assert!([1, 2, 3].iter().all(|number| taken.of(host(*number)) == 0) && taken.total() == 0);
    }

    #[test]
    fn hosts_that_take_all_they_can_leave_some_to_the_next() {
        let places = Places::of(1_280);
        // In turn, each as many as it gets.
        let mut taken = Vec::new();
        for _ in 0..1_280 {
            taken.extend((0..20).filter_map(|number| places.take(host(number))));
        }
        assert!(places.take(host(20)).is_some(), "{} are taken", taken.len());
    }
}

//! Places that callers share, and no host of theirs takes from the others.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whom a connection comes from, as far as places go: an address, or a network of 64 bits where a host can have as many addresses as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Host(IpAddr);

/// So many places. A host may take four times as many as it leaves free: alone it gets four fifths of them, and others find some whatever it does. Hosts, since
/// connections cost nothing.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_host: HashMap<Host, usize>,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    host: Host,
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            v4 => v4,
        })
    }
}

impl Host {
    /// The gateway itself, for what it does for all its callers.
    pub(crate) const fn own() -> Self {
        Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    }
}

impl Places {
    /// All of them free.
    pub(crate) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// A place, if this host may have one more.
    pub(crate) fn take(self: &Arc<Self>, host: Host) -> Option<Place> {
        let mut taken = self.lock();
        let has = taken.by_host.get(&host).copied().unwrap_or(0) + 1;
        let left = self.most.saturating_sub(taken.all + 1);
        if has > left.saturating_mul(4) {
            return None;
        }
        taken.all += 1;
        taken.by_host.insert(host, has);
        Some(Place { places: self.clone(), host })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // It is whole between any two operations.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        let left = taken.by_host.get(&self.host).map_or(0, |has| has - 1);
        if left == 0 {
            taken.by_host.remove(&self.host);
        } else {
            taken.by_host.insert(self.host, left);
        }
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
        assert!(taken.by_host.is_empty() && taken.all == 0);
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

    #[test]
    fn an_address_is_a_host_and_a_network_of_ipv6_addresses_is_one() {
        let host = |address: &str| Host::from(address.parse::<IpAddr>().unwrap());
        assert_eq!(host("10.0.0.1"), host("::ffff:10.0.0.1"));
        assert_ne!(host("10.0.0.1"), host("10.0.0.2"));
        assert_eq!(host("2001:db8::1"), host("2001:db8::2"));
        assert_ne!(host("2001:db8::1"), host("2001:db8:0:1::1"));
    }
}

//! Who may connect, before anything is spent on a handshake.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tetrarch_types::{Host, Taken};

use super::ClientLimits;
use crate::lock::locked;

/// Counts connections and attempts. Hosts share them (rule B-6).
#[derive(Debug)]
pub(crate) struct Admission {
    most: usize,
    most_per_address: usize,
    taken: Mutex<Taken>,
}

/// What to do with an attempt.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Go on with the handshake; the place is free again when it is dropped.
    Enter(Place),
    /// Ask for proof that the address is the sender's own.
    Prove,
    /// No place.
    Refuse,
}

/// One connection's place.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    host: Host,
}

impl Admission {
    pub(crate) fn new(limits: &ClientLimits) -> Self {
        let (most, most_per_address) = (limits.connections, limits.connections_per_address);
        Self { most, most_per_address, taken: Mutex::new(Taken::none_of(most)) }
    }

    /// Judges an attempt. Above half of the places an address must be proven, so that invented addresses cannot take the rest.
    pub(crate) fn judge(self: &Arc<Self>, from: SocketAddr, proven: bool) -> Verdict {
        let host = Host::from(from.ip());
        let mut taken = locked(&self.taken);
        let here = taken.of(host);
        if here >= self.most_per_address || !taken.has_room(host, 1) {
            return Verdict::Refuse;
        }
        if !proven && (taken.total() >= self.most.div_ceil(2) || here >= self.most_per_address.div_ceil(2)) {
            return Verdict::Prove;
        }
        taken.take(host, 1);
        Verdict::Enter(Place { admission: self.clone(), host })
    }

    /// Places that are taken.
    pub(crate) fn taken(&self) -> usize {
        locked(&self.taken).total()
    }
}

impl Place {
    /// Whose it is.
    pub(crate) const fn host(&self) -> Host {
        self.host
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.admission.taken).give_back(self.host, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, connections_per_address: usize) -> Arc<Admission> {
        Arc::new(Admission::new(&ClientLimits { connections, connections_per_address, ..ClientLimits::default() }))
    }

    fn from(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    #[test]
    fn an_address_has_its_share() {
        let admission = admission(100, 2);
        let Verdict::Enter(first) = admission.judge(from("10.0.0.1"), true) else { panic!("there is room") };
        let Verdict::Enter(_second) = admission.judge(from("::ffff:10.0.0.1"), true) else { panic!("there is room") };
        assert!(matches!(admission.judge(from("10.0.0.1"), true), Verdict::Refuse));
        assert!(matches!(admission.judge(from("10.0.0.2"), true), Verdict::Enter(_)));
        drop(first);
        assert!(matches!(admission.judge(from("10.0.0.1"), true), Verdict::Enter(_)));
        assert_eq!(admission.taken(), 1);
    }

    #[test]
    fn no_address_takes_the_places_of_all_others() {
        let admission = admission(64, 16);
        let mut inside = Vec::new();
        let mut fill = |number: u8| {
            let here = || match admission.judge(SocketAddr::from(([10, 0, 0, number], 1)), true) {
                Verdict::Enter(place) => Some(place),
                _ => None,
            };
            let before = inside.len();
            inside.extend(std::iter::from_fn(here));
            inside.len() - before
        };
        assert_eq!([1, 2, 3, 4, 5, 6].map(&mut fill), [16, 16, 16, 8, 4, 2]);
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one() {
        let admission = admission(100, 1);
        let Verdict::Enter(_first) = admission.judge(from("2001:db8::1"), true) else { panic!("there is room") };
        assert!(matches!(admission.judge(from("2001:db8::2"), true), Verdict::Refuse));
        assert!(matches!(admission.judge(from("2001:db8:0:1::2"), true), Verdict::Enter(_)));
    }

    #[test]
    fn above_half_an_address_must_be_proven() {
        let admission = admission(2, 2);
        let Verdict::Enter(_first) = admission.judge(from("10.0.0.1"), false) else { panic!("there is room") };
        assert!(matches!(admission.judge(from("10.0.0.2"), false), Verdict::Prove));
        let Verdict::Enter(_second) = admission.judge(from("10.0.0.2"), true) else { panic!("there is room") };
        assert!(matches!(admission.judge(from("10.0.0.3"), true), Verdict::Refuse));
    }
}

//! Who may connect, before anything is spent on a handshake.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use super::{ClientLimits, Host};
use crate::lock::locked;

/// Counts connections and attempts, in all and by address.
#[derive(Debug)]
pub(crate) struct Admission {
    most: usize,
    most_per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_host: HashMap<Host, usize>,
}

/// What to do with an attempt.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Go on with the handshake; the place is free again when it is dropped. Whoever holds it is [`quic::holding`](crate::quic::holding).
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
        Self { most: limits.connections, most_per_address: limits.connections_per_address, taken: Mutex::default() }
    }

    /// Judges an attempt. Above half of the places an address must be proven, so that invented addresses cannot take the rest.
    pub(crate) fn judge(self: &Arc<Self>, from: SocketAddr, proven: bool) -> Verdict {
        let host = Host::from(from.ip());
        let mut taken = locked(&self.taken);
        let here = taken.by_host.get(&host).copied().unwrap_or(0);
        if taken.total >= self.most || here >= self.most_per_address {
            return Verdict::Refuse;
        }
        if !proven && (taken.total >= self.most.div_ceil(2) || here >= self.most_per_address.div_ceil(2)) {
            return Verdict::Prove;
        }
        taken.total += 1;
        taken.by_host.insert(host, here + 1);
        Verdict::Enter(Place { admission: self.clone(), host })
    }

    /// Places that are taken.
    pub(crate) fn taken(&self) -> usize {
        locked(&self.taken).total
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
        let mut taken = locked(&self.admission.taken);
        taken.total = taken.total.saturating_sub(1);
        let left = taken.by_host.get(&self.host).map_or(0, |count| count.saturating_sub(1));
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

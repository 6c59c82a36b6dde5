//! Who counts as one where places are shared out.

use std::net::{IpAddr, Ipv6Addr};

/// The host that a client asks from, as far as limits go: an IPv4 address, or a network of IPv6 addresses (a /64), since one household or
/// host has as many. The one that it connected from, whatever address it has later. That answers reach it says nothing of who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(IpAddr);

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            v4 => v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_network_of_ipv6_addresses_is_one() {
        let host = |address: &str| Host::from(address.parse::<IpAddr>().unwrap());
        assert_eq!(host("10.0.0.1"), host("::ffff:10.0.0.1"));
        assert_ne!(host("10.0.0.1"), host("10.0.0.2"));
        assert_eq!(host("2001:db8::1"), host("2001:db8::2"));
        assert_ne!(host("2001:db8::1"), host("2001:db8:0:1::1"));
    }
}

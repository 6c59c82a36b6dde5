//! Where clients reach the gateway.

use std::net::SocketAddr;

/// What members' URLs for clients are made of.
#[derive(Debug)]
pub(crate) struct Address {
    /// The URLs that were chosen; if there are any, the rest does not matter.
    pub(crate) advertised: Vec<String>,
    /// Where it listens.
    pub(crate) listening: SocketAddr,
    pub(crate) scheme: &'static str,
}

impl Address {
    /// The URLs at which a client reaches the gateway that has reached it here. One that listens at all of its machine's addresses has none that holds
    /// for everybody, but that one does for this client.
    pub(crate) fn urls(&self, here: SocketAddr) -> Vec<String> {
        if !self.advertised.is_empty() {
            return self.advertised.clone();
        }
        let listens_everywhere = self.listening.ip().is_unspecified();
        let ip = if listens_everywhere { here.ip() } else { self.listening.ip() };
        // A socket for both versions of IP has addresses of the older one wrapped into the newer.
        let address = SocketAddr::new(ip.to_canonical(), self.listening.port());
        vec![format!("{}://{address}", self.scheme)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(advertised: &[&str], listening: &str, here: &str) -> Vec<String> {
        let advertised = advertised.iter().map(ToString::to_string).collect();
        let address = Address { advertised, listening: listening.parse().unwrap(), scheme: "https" };
        address.urls(here.parse().unwrap())
    }

    #[test]
    fn nobody_is_told_an_address_that_leads_nowhere() {
        for (listening, here, url) in [
            ("10.0.0.1:1", "10.0.0.1:1", "https://10.0.0.1:1"),
            ("0.0.0.0:1", "10.0.0.2:1", "https://10.0.0.2:1"),
            ("[::]:1", "[fd00::2]:1", "https://[fd00::2]:1"),
            ("[::]:1", "[::ffff:10.0.0.2]:1", "https://10.0.0.2:1"),
        ] {
            assert_eq!(urls(&[], listening, here), [url]);
        }
        let chosen = ["https://a:1", "https://b:2"];
        assert_eq!(urls(&chosen, "0.0.0.0:1", "10.0.0.2:1"), chosen);
    }
}

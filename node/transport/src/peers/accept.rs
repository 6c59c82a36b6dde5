//! Incoming connections: only members come in, one connection each.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use quinn::{Connection, Endpoint, Incoming, ServerConfig};
use tetrarch_types::{Membership, ReplicaId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Inbound, counters::Counters, link::Link, receive::receive};
use crate::{
    close::{CloseCode, describe},
    quic, tls,
};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Connections at a time of one member, from the first packet until QUIC has forgotten them. A restart takes one or two, beside the one
/// that is in use; handshakes that failed keep their places for seconds.
const SHARE: usize = 16;

/// Lets members in.
pub(crate) struct Gate {
    pub(crate) me: ReplicaId,
    pub(crate) membership: Arc<Membership>,
    pub(crate) links: Vec<Arc<Link>>,
    pub(crate) inbound: Inbound,
    pub(crate) counters: Arc<Counters>,
    pub(crate) server: ServerConfig,
    pub(crate) lobby: Lobby,
}

/// Places for connections, by where they come from.
pub(crate) struct Lobby {
    /// Places for each address that members are configured with: neither strangers nor other members take these.
    known: HashMap<IpAddr, Places>,
    strangers: Places,
}

/// Places for connections.
struct Places {
    free: Arc<Semaphore>,
    total: usize,
}

impl Places {
    fn new(total: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(total)), total }
    }

    fn is_half_taken(&self) -> bool {
        self.free.available_permits() <= self.total / 2
    }
}

impl Lobby {
    /// A share for each member's address. Members that have one in common cannot be told apart there: their shares add up.
    pub(crate) fn new(peers: &[SocketAddr]) -> Self {
        let mut members = HashMap::<IpAddr, usize>::new();
        for peer in peers {
            *members.entry(peer.ip().to_canonical()).or_default() += 1;
        }
        let share = |(address, members): (IpAddr, usize)| (address, Places::new(members.saturating_mul(SHARE)));
        let strangers = Places::new(peers.len().saturating_mul(4).max(64));
        Self { known: members.into_iter().map(share).collect(), strangers }
    }

    fn places(&self, address: IpAddr) -> &Places {
        self.known.get(&address.to_canonical()).unwrap_or(&self.strangers)
    }
}

impl Gate {
    /// Runs until the endpoint is closed or the task is aborted.
    pub(crate) async fn run(self: Arc<Self>, endpoint: Endpoint) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                incoming = endpoint.accept() => match incoming {
                    Some(incoming) => {
                        if let Some((incoming, place)) = self.admit(incoming) {
                            connections.spawn(self.clone().welcome(incoming, place));
                        }
                    }
                    None => return,
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
    }

    /// Before the handshake: refuses what there is no place for, and asks for proof of the address when places get scarce.
    fn admit(&self, incoming: Incoming) -> Option<(Incoming, OwnedSemaphorePermit)> {
        let places = self.lobby.places(incoming.remote_address().ip());
        if places.is_half_taken() && !incoming.remote_address_validated() {
            let _sent = incoming.retry();
            return None;
        }
        match places.free.clone().try_acquire_owned() {
            Ok(place) => Some((incoming, place)),
            Err(_none_free) => {
                incoming.refuse();
                None
            }
        }
    }

    /// A handshake that failed keeps its place for a while: failing is no way to have more of them. One that succeeds has it until QUIC has
    /// forgotten the connection.
    async fn welcome(self: Arc<Self>, incoming: Incoming, place: OwnedSemaphorePermit) {
        let address = incoming.remote_address();
        let entry = quic::accepting(&self.server, quic::peer_incoming(), place);
        let handshake = async { incoming.accept_with(entry.clone())?.await };
        let connection = match timeout(HANDSHAKE, handshake).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                tracing::debug!(%address, reason = %describe(&error), "a peer's handshake failed");
                return sleep(quic::PEER_IDLE).await;
            }
            Err(_elapsed) => return tracing::debug!(%address, "a peer's handshake took too long"),
        };
        drop(entry);
        if let Some((from, link)) = self.identify(&connection) {
            self.host(&connection, from, link).await;
        }
    }

    /// Whose connection this is. TLS let only members in; that is not taken on trust.
    fn identify(&self, connection: &Connection) -> Option<(ReplicaId, &Link)> {
        let id = tls::proven_key(connection).and_then(|key| self.membership.id_of(&key)).filter(|id| *id != self.me);
        let Some((id, link)) = id.and_then(|id| Some((id, self.links.get(id.index())?))) else {
            CloseCode::Identity.close(connection, "not another member");
            return None;
        };
        if link.is_banned() {
            self.counters.rejected();
            CloseCode::TooSoon.close(connection, "it misbehaved a moment ago and has to wait");
            return None;
        }
        Some((id, link))
    }

    async fn host(&self, connection: &Connection, from: ReplicaId, link: &Link) {
        let address = connection.remote_address();
        tracing::debug!(peer = %from, %address, "the peer connected");
        link.take_over(connection);
        link.heard.notify_one();
        match receive(connection, from, &self.inbound, &self.counters).await {
            Ok(()) => CloseCode::Goodbye.close(connection, "its streams ended"),
            Err(violation) => {
                self.counters.rejected();
                let pause = link.misbehaved();
                tracing::warn!(peer = %from, %address, %violation, ?pause, "the peer misbehaved; its connection is closed");
                CloseCode::Malformed.close(connection, &violation);
            }
        }
        link.let_go(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(hosts: &[&str]) -> Vec<SocketAddr> {
        hosts.iter().map(|host| SocketAddr::new(host.parse().unwrap(), 1)).collect()
    }

    fn take_all(places: &Places) -> Vec<OwnedSemaphorePermit> {
        std::iter::from_fn(|| places.free.clone().try_acquire_owned().ok()).collect()
    }

    #[test]
    fn a_member_takes_no_places_of_another() {
        let lobby = Lobby::new(&peers(&["10.0.0.1", "::ffff:10.0.0.2"]));
        let places = |host: &str| lobby.places(host.parse().unwrap());
        let taken = take_all(places("::ffff:10.0.0.1"));
        assert_eq!(taken.len(), SHARE);
        assert!(places("10.0.0.1").is_half_taken() && !places("10.0.0.2").is_half_taken());
        assert_eq!(take_all(places("10.0.0.2")).len(), SHARE);
        assert_eq!(take_all(places("10.0.0.3")).len(), 64);
    }

    #[test]
    fn members_with_one_address_have_their_shares_together() {
        let lobby = Lobby::new(&peers(&["10.0.0.1", "10.0.0.1", "10.0.0.2"]));
        let mut places: Vec<_> = lobby.known.values().map(|places| places.total).collect();
        places.sort_unstable();
        assert_eq!(places, [SHARE, 2 * SHARE]);
    }
}

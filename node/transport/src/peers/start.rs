//! Putting the peers' transport together.

use std::sync::Arc;

use quinn::{ClientConfig, ServerConfig};
use tetrarch_crypto::{PublicKey, Signer as _};
use tetrarch_types::ReplicaId;

use super::{
    Inbound, PeerConfig, PeerEndpoint, Peers,
    accept::{Gate, Lobby},
    counters::Counters,
    dial::Dialer,
    link::Link,
};
use crate::{
    TransportError, quic, socket,
    tasks::Tasks,
    tls::{self, Accepts, PEER_PROTOCOL},
    way::Way,
};

/// Starts listening and dialling on a bound socket.
pub(crate) fn start(bound: PeerEndpoint, config: PeerConfig, inbound: Inbound) -> Result<Peers, TransportError> {
    check(&config)?;
    let dialled = client_configs(&config)?;
    let tls = tls::server(&config.key, PEER_PROTOCOL, Some(others(&config)))?;
    let mut server = quic::server(tls);
    server.migration(false);
    let endpoint = socket::endpoint(bound.socket, server.clone(), &config.key, PEER_PROTOCOL)?;
    let links = config.membership.ids().map(|_| Arc::new(Link::new())).collect();
    let counters = Arc::new(Counters::default());
    let peers = Peers { id: config.id, address: bound.address, endpoint, links, counters, tasks: Tasks::default() };
    peers.accept(&config, server, inbound);
    peers.dial(&config, dialled);
    Ok(peers)
}

fn check(config: &PeerConfig) -> Result<(), TransportError> {
    let (id, members, addresses) = (config.id, config.membership.size(), config.peers.len());
    let key = config.membership.key(id).ok_or(TransportError::NotAMember { id, members })?;
    if *key != config.key.public_key() {
        return Err(TransportError::WrongKey { id });
    }
    if addresses != members {
        return Err(TransportError::WrongPeers { addresses, members });
    }
    Ok(())
}

/// For each other member, how to dial it: with the own key, and with its key pinned.
fn client_configs(config: &PeerConfig) -> Result<Vec<(ReplicaId, ClientConfig)>, TransportError> {
    let others = config.membership.ids().filter(|id| *id != config.id);
    let keyed = others.filter_map(|id| Some((id, *config.membership.key(id)?)));
    keyed.map(|(id, key)| Ok((id, client_config(config, key)?))).collect()
}

fn client_config(config: &PeerConfig, key: PublicKey) -> Result<ClientConfig, TransportError> {
    Ok(ClientConfig::new(tls::client(key, PEER_PROTOCOL, Some(&config.key))?))
}

fn others(config: &PeerConfig) -> Accepts {
    let (membership, me) = (config.membership.clone(), config.id);
    Arc::new(move |key| membership.id_of(key).is_some_and(|id| id != me))
}

impl Peers {
    fn accept(&self, config: &PeerConfig, server: ServerConfig, inbound: Inbound) {
        let (links, counters) = (self.links.clone(), self.counters.clone());
        let (membership, lobby) = (config.membership.clone(), Lobby::new(&config.peers));
        let gate = Gate { me: self.id, membership, links, inbound, counters, server, lobby };
        self.tasks.add(tokio::spawn(Arc::new(gate).run(self.endpoint.clone())));
    }

    fn dial(&self, config: &PeerConfig, dialled: Vec<(ReplicaId, ClientConfig)>) {
        for (to, client) in dialled {
            let (Some(link), Some(address)) = (self.links.get(to.index()), config.peers.get(to.index())) else {
                continue;
            };
            let way = Way::new(self.endpoint.clone(), *address, client, Arc::new(quic::peer_outgoing));
            let dialer = Dialer { to, way, link: link.clone(), counters: self.counters.clone() };
            self.tasks.add(tokio::spawn(dialer.run()));
        }
    }
}

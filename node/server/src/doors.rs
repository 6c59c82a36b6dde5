//! The doors to the network: one for replicas, one for clients.

use std::sync::Arc;

use tetrarch_transport::{ClientListener, Inbound, Incoming, ListenerConfig, PeerConfig, Peers, Received};
use tokio::sync::mpsc;

use crate::{Identity, NodeConfig, NodeError, bounds};

/// Both doors, open. What comes in waits in their channels until the stations run.
pub(crate) struct Doors {
    pub(crate) peers: Arc<Peers>,
    pub(crate) clients: ClientListener,
    pub(crate) votes: mpsc::Receiver<Received>,
    pub(crate) bulk: mpsc::Receiver<Received>,
    pub(crate) incoming: mpsc::Receiver<Incoming>,
}

impl Doors {
    /// Opens both.
    pub(crate) async fn open(config: &NodeConfig, identity: &Identity) -> Result<Self, NodeError> {
        let (votes_in, votes) = mpsc::channel(bounds::VOTES_CHANNEL);
        let (bulk_in, bulk) = mpsc::channel(bounds::BULK_CHANNEL);
        let (incoming_in, incoming) = mpsc::channel(bounds::CLIENT_CHANNEL);
        let peers = Peers::start(peer_config(config, identity), Inbound { votes: votes_in, bulk: bulk_in })
            .await
            .map_err(|source| NodeError::Listen { whom: "the other replicas", source })?;
        let clients = ClientListener::start(listener_config(config, identity), incoming_in)
            .await
            .map_err(|source| NodeError::Listen { whom: "clients", source })?;
        Ok(Self { peers: Arc::new(peers), clients, votes, bulk, incoming })
    }
}

fn peer_config(config: &NodeConfig, identity: &Identity) -> PeerConfig {
    PeerConfig {
        id: identity.id(),
        membership: Arc::clone(identity.membership()),
        key: identity.key().clone(),
        listen: identity.listen(config).0,
        peers: identity.dial(config),
    }
}

fn listener_config(config: &NodeConfig, identity: &Identity) -> ListenerConfig {
    ListenerConfig { listen: identity.listen(config).1, key: identity.key().clone(), limits: config.clients.into() }
}

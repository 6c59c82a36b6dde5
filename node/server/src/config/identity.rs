//! Who a node is: the genesis file and the key, read and found to fit.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_crypto::{Signer, SigningKey};
use tetrarch_replica::Config;
use tetrarch_types::{Genesis, Member, Membership, ReplicaId};

use super::NodeConfig;
use crate::NodeError;
use crate::clock::Clock;

/// One member of one chain, with its secret.
#[derive(Clone)]
pub struct Identity {
    genesis: Arc<Genesis>,
    membership: Arc<Membership>,
    id: ReplicaId,
    key: SigningKey,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).field("chain", &self.genesis.digest()).finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the genesis file and the key that a configuration names.
    ///
    /// # Errors
    /// [`NodeError`] of class usage when either is missing, unreadable or not what it should be, or when the key is no member's.
    pub fn load(config: &NodeConfig) -> Result<Self, NodeError> {
        let text = fs::read_to_string(&config.genesis).map_err(|source| NodeError::Unreadable {
            what: "the genesis file",
            path: config.genesis.clone(),
            source,
        })?;
        let genesis =
            Genesis::from_json(&text).map_err(|source| NodeError::Genesis { path: config.genesis.clone(), source })?;
        let passphrase = config.key_passphrase_file.as_deref().map(passphrase).transpose()?;
        let key = SigningKey::load(&config.key, passphrase.as_deref()).map_err(NodeError::Key)?;
        let identity = Self::new(genesis, key)
            .ok_or_else(|| NodeError::NotAMember { key: config.key.clone(), genesis: config.genesis.clone() })?;
        identity.check_peer_addresses(config)?;
        Ok(identity)
    }

    /// The member of this genesis that has this key. None if there is none.
    pub fn new(genesis: Genesis, key: SigningKey) -> Option<Self> {
        let membership = genesis.membership();
        let id = membership.id_of(&key.public_key())?;
        Some(Self { genesis: Arc::new(genesis), membership: Arc::new(membership), id, key })
    }

    /// Which member.
    pub const fn id(&self) -> ReplicaId {
        self.id
    }

    /// The genesis.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The members.
    pub const fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }

    /// The secret.
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Where this node listens: for peers, for clients.
    pub(crate) fn listen(&self, config: &NodeConfig) -> (SocketAddr, SocketAddr) {
        let unspecified = SocketAddr::from(([127, 0, 0, 1], 0));
        let own = self.genesis.replicas.get(self.id.index());
        let of = |address: fn(&Member) -> SocketAddr| own.map_or(unspecified, address);
        (
            config.peer_listen.unwrap_or_else(|| of(|member| member.peer_address)),
            config.client_listen.unwrap_or_else(|| of(|member| member.client_address)),
        )
    }

    /// Where the replicas are dialled, by id.
    pub(crate) fn dial(&self, config: &NodeConfig) -> Vec<SocketAddr> {
        let address = |(id, member): (usize, &Member)| {
            config.peer_addresses.get(&id.to_string()).copied().unwrap_or(member.peer_address)
        };
        self.genesis.replicas.iter().enumerate().map(address).collect()
    }

    fn check_peer_addresses(&self, config: &NodeConfig) -> Result<(), NodeError> {
        let is_member = |id: &String| id.parse().is_ok_and(|id| self.membership.contains(ReplicaId::new(id)));
        if config.peer_addresses.keys().all(is_member) {
            return Ok(());
        }
        let problem = "must name replicas of the genesis file by their ids, as in 2 = \"127.0.0.1:7402\"";
        Err(NodeError::ConfigValue { path: config.file_or_placeholder(), field: "peer_addresses", problem })
    }

    /// What the replica is told.
    pub(crate) fn replica_config(&self, config: &NodeConfig) -> Config {
        let mut replica = Config::new(self.id, Arc::clone(&self.membership));
        replica.start = Clock::start_number();
        replica.base_timeout = Duration::from_millis(config.base_timeout_ms);
        replica.max_timeout = Duration::from_millis(config.max_timeout_ms);
        replica.pool = config.pool.into();
        replica
    }
}

fn passphrase(path: &Path) -> Result<String, NodeError> {
    let text = fs::read_to_string(path).map_err(|source| NodeError::Unreadable {
        what: "the key's passphrase",
        path: path.to_owned(),
        source,
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

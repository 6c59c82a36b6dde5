//! The file every replica and client of a chain starts from.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, Domain, PublicKey, WeakKey};

use crate::{Epoch, Membership, encode, limits};

/// One replica of a membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its Ed25519 key: it signs messages with it, and is known by it on the network.
    pub public_key: PublicKey,
    /// Where the other replicas reach it.
    pub peer_address: SocketAddr,
    /// Where clients reach it.
    pub client_address: SocketAddr,
}

/// Numbers that all replicas of a chain must share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// K: a checkpoint at every multiple of it.
    pub checkpoint_interval: u64,
    /// L: how many sequence numbers above the stable checkpoint may be in agreement; at least 2K.
    pub window: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { checkpoint_interval: 128, window: 256 }
    }
}

/// The start of a chain: its members, its parameters, and a salt that tells it from every other chain with the same ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// A name for people.
    pub chain: String,
    /// Random; makes the digest unique.
    pub salt: Digest,
    /// What the replicas share.
    pub parameters: Parameters,
    /// The members, by replica id.
    pub replicas: Vec<Member>,
}

/// Why a genesis is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Not JSON of the expected form.
    #[error("the genesis file does not read as genesis JSON: {0}")]
    Malformed(String),
    /// n = 2 and n = 3 tolerate nothing and still need everyone; too many is more than the tables are made for.
    #[error("{0} replicas: a chain has 1 (development only) or 4 to {max} of them", max = limits::MAX_REPLICAS)]
    Size(usize),
    /// A key that must not stand in a membership.
    #[error("replica {replica}'s public key is refused: {reason}")]
    Key {
        /// Whose.
        replica: usize,
        /// Why.
        reason: WeakKey,
    },
    /// Two members with one key would be one replica with two votes.
    #[error("replicas {0} and {1} have the same public key")]
    SharedKey(usize, usize),
    /// More replicas than a view change over this window can carry.
    #[error(
        "{replicas} replicas with a window of {window}: a view change would not fit a message; choose a smaller window"
    )]
    ViewChange {
        /// n.
        replicas: usize,
        /// L.
        window: u64,
    },
    /// Parameters outside their bounds.
    #[error(
        "checkpoint interval {interval} with window {window}: the interval must be at least 1 and the window between twice the \
         interval and {max}",
        max = limits::MAX_WINDOW
    )]
    Parameters {
        /// K.
        interval: u64,
        /// L.
        window: u64,
    },
}

impl Genesis {
    /// Reads and checks a genesis file's text.
    ///
    /// # Errors
    /// [`GenesisError`] for text that is not genesis JSON, and for every member or parameter that must not be used.
    pub fn from_json(text: &str) -> Result<Self, GenesisError> {
        let genesis: Self = serde_json::from_str(text).map_err(|error| GenesisError::Malformed(error.to_string()))?;
        genesis.check()?;
        Ok(genesis)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The chain's identity (rule W-3): over everything but the addresses, which may change without a new chain, because a
    /// connection is authenticated by key.
    pub fn digest(&self) -> Digest {
        let keys: Vec<PublicKey> = self.replicas.iter().map(|member| member.public_key).collect();
        Digest::of(
            Domain::Genesis,
            &[self.chain.as_bytes(), self.salt.as_bytes(), &encode(&self.parameters), &encode(&keys)],
        )
    }

    /// The first membership.
    pub fn membership(&self) -> Membership {
        let keys = self.replicas.iter().map(|member| member.public_key).collect();
        Membership::new(self.digest(), Epoch::ZERO, self.parameters, keys)
    }

    /// Checks sizes, keys and parameters.
    ///
    /// # Errors
    /// The first [`GenesisError`] found.
    pub fn check(&self) -> Result<(), GenesisError> {
        if !(self.replicas.len() == 1 || (4..=limits::MAX_REPLICAS).contains(&self.replicas.len())) {
            return Err(GenesisError::Size(self.replicas.len()));
        }
        self.check_keys()?;
        let Parameters { checkpoint_interval: interval, window } = self.parameters;
        if interval == 0 || window > limits::MAX_WINDOW || interval.saturating_mul(2) > window {
            return Err(GenesisError::Parameters { interval, window });
        }
        let largest = limits::largest_new_view(self.membership().quorum() as u64, window);
        if largest > limits::MAX_BULK_BYTES as u64 {
            return Err(GenesisError::ViewChange { replicas: self.replicas.len(), window });
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), GenesisError> {
        for (replica, member) in self.replicas.iter().enumerate() {
            member.public_key.check().map_err(|reason| GenesisError::Key { replica, reason })?;
            if let Some(other) =
                self.replicas[..replica].iter().position(|earlier| earlier.public_key == member.public_key)
            {
                return Err(GenesisError::SharedKey(other, replica));
            }
        }
        Ok(())
    }
}

//! The marker file `testnet.json`: what a directory is, so that nothing else is ever taken for a testnet, or wiped as one.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;

use crate::{LaunchError, Layout, Plan};

/// The marker's word for itself.
const FORMAT: &str = "tetrarch-testnet";

/// The shape of directory that this version makes and reads.
const VERSION: u32 = 1;

/// The most that is read of a marker, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// What stands in `testnet.json`. It decides; the addresses in the genesis follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    format: String,
    version: u32,
    /// How many replicas there are.
    pub n: u16,
    /// The first port: replica K's peers use base + 2K, its clients base + 2K + 1.
    pub base_port: u16,
    /// The TCP port of the gateway.
    #[serde(default = "etcds_port")]
    pub gateway_port: u16,
    /// The digest of the genesis that it was made with.
    pub chain: Digest,
}

/// What every version's marker has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

impl Description {
    pub(crate) fn new(plan: &Plan, chain: Digest) -> Self {
        let Plan { n, base_port, gateway_port, .. } = *plan;
        Self { format: FORMAT.into(), version: VERSION, n, base_port, gateway_port, chain }
    }

    /// Where the other replicas reach one.
    pub fn peer_address(&self, replica: u16) -> SocketAddr {
        local(crate::ports::peer(self.base_port, replica))
    }

    /// Where clients reach a replica.
    pub fn client_address(&self, replica: u16) -> SocketAddr {
        local(crate::ports::client(self.base_port, replica))
    }

    /// Where applications reach the gateway.
    pub fn gateway_address(&self) -> SocketAddr {
        local(self.gateway_port)
    }

    /// Reads the marker of a directory.
    ///
    /// # Errors
    /// [`LaunchError`] telling apart: nothing there, no testnet, a damaged marker, another version's directory.
    pub fn read(layout: &Layout) -> Result<Self, LaunchError> {
        let text = read_marker(layout)?;
        let damaged =
            |error: serde_json::Error| LaunchError::Damaged { path: layout.marker(), reason: error.to_string() };
        let header: Header = serde_json::from_str(&text).map_err(damaged)?;
        if header.format != FORMAT {
            return Err(LaunchError::Foreign { dir: layout.root().into() });
        }
        if header.version != VERSION {
            return Err(LaunchError::Version { dir: layout.root().into(), found: header.version, known: VERSION });
        }
        serde_json::from_str(&text).map_err(damaged)
    }

    pub(crate) fn write(&self, layout: &Layout) -> Result<(), LaunchError> {
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| LaunchError::Damaged { path: layout.marker(), reason: error.to_string() })?;
        text.push('\n');
        crate::files::write(&layout.marker(), text.as_bytes())
    }

    /// Whether a directory carries the marker, of whatever version.
    pub(crate) fn marks(layout: &Layout) -> bool {
        let header = read_marker(layout).ok().and_then(|text| serde_json::from_str::<Header>(&text).ok());
        header.is_some_and(|header| header.format == FORMAT)
    }
}

fn read_marker(layout: &Layout) -> Result<String, LaunchError> {
    let dir = layout.root();
    if !dir.exists() || is_empty(dir) {
        return Err(LaunchError::Missing { dir: dir.into() });
    }
    if !layout.marker().exists() {
        return Err(LaunchError::Foreign { dir: dir.into() });
    }
    crate::files::read(&layout.marker(), MAX_BYTES)
}

/// Whether this is a directory with nothing in it.
pub(crate) fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Where etcd's clients look first.
const fn etcds_port() -> u16 {
    2379
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

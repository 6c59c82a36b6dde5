//! The gateway that runs beside a testnet's replicas: etcd's API for the applications on this machine.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use tetrarch_crypto::SigningKey;

use crate::{LaunchError, Testnet, files};

/// What it takes to start one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    address: SocketAddr,
    identity: PathBuf,
    genesis: PathBuf,
}

impl Gateway {
    /// The testnet's gateway, with a key of its own, which is made if it is not there.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn prepare(testnet: &Testnet) -> Result<Self, LaunchError> {
        let layout = testnet.layout();
        let (dir, identity) = (layout.gateway(), layout.gateway_key());
        if !dir.exists() {
            files::make_dir(&dir).map_err(LaunchError::io(&dir, "create"))?;
        }
        if !identity.exists() {
            SigningKey::generate()?.save(&identity, None)?;
        }
        Ok(Self { address: testnet.description().gateway_address(), identity, genesis: layout.genesis() })
    }

    /// Where clients reach it.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the program is told.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["gateway".into(), "--listen".into(), self.address.to_string().into()];
        arguments.extend(["--identity".into(), self.identity.clone().into()]);
        arguments.extend(["--genesis".into(), self.genesis.clone().into(), "--exit-with-stdin".into()]);
        arguments
    }
}

//! A testnet's directory, opened and found whole.

use std::path::Path;
use std::time::{Duration, Instant};

use tetrarch_types::Genesis;

use crate::directory::{absolute, remove, sibling};
use crate::{Description, LaunchError, Layout, SupervisorLock};

/// The most that is read of a genesis, in bytes.
const MAX_GENESIS: u64 = 1024 * 1024;

/// How long the nodes of a supervisor that was killed may take to notice and to end.
const ORPHANS: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// A testnet's directory.
#[derive(Clone, Debug)]
pub struct Testnet {
    layout: Layout,
    description: Description,
    genesis: Genesis,
}

impl Testnet {
    /// Opens a directory made by [`create`](crate::create()) and checks that its chain is the one it was made with.
    ///
    /// # Errors
    /// [`LaunchError`] with what is missing, damaged, of another version or of another chain.
    pub fn open(dir: &Path) -> Result<Self, LaunchError> {
        let layout = Layout::new(absolute(dir)?);
        let description = Description::read(&layout)?;
        let genesis = read_genesis(&layout)?;
        check_chain(&layout, &description, &genesis)?;
        let mut testnet = Self { layout, description, genesis };
        // A move to other ports that was interrupted: the description was first and decides.
        testnet.write_addresses()?;
        Ok(testnet)
    }

    /// The paths.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Size and ports.
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// The chain.
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Moves all replicas to other ports. The chain stays the same: addresses are no part of its identity. The lock shows that
    /// nothing of it runs.
    ///
    /// # Errors
    /// When the ports do not exist, or a file cannot be written.
    pub fn move_ports(&mut self, base_port: u16, _lock: &SupervisorLock) -> Result<(), LaunchError> {
        crate::ports::check_range(base_port, self.description.n)?;
        self.description.base_port = base_port;
        self.description.write(&self.layout)?;
        self.write_addresses()
    }

    /// Gives the gateway another port. The lock shows that nothing runs.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn move_gateway(&mut self, port: u16, _lock: &SupervisorLock) -> Result<(), LaunchError> {
        self.description.gateway_port = port;
        self.description.write(&self.layout)
    }

    /// Finds every key and configuration to be there. What a replica's data lacks is for the replica to say: the others run
    /// without it.
    ///
    /// # Errors
    /// The first that is missing.
    pub fn check_files(&self) -> Result<(), LaunchError> {
        let of_replica = |replica| [self.layout.config(replica), self.layout.key(replica)];
        let mut paths = (0..self.description.n).flat_map(of_replica).chain([self.layout.client_key()]);
        paths.find(|path| !path.exists()).map_or(Ok(()), |path| Err(LaunchError::Incomplete { path }))
    }

    /// Finds all ports to be free. The nodes of a supervisor that was killed are given a moment to end.
    ///
    /// # Errors
    /// The first that is not, with its replica.
    pub fn check_ports(&self, lock: &SupervisorLock) -> Result<(), LaunchError> {
        until_free(lock, || crate::ports::check_free(self.description.base_port, self.description.n))
    }

    /// Finds the gateway's port to be free, with the same patience.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_gateway_port(&self, lock: &SupervisorLock) -> Result<(), LaunchError> {
        until_free(lock, || crate::ports::check_gateway(self.description.gateway_address()))
    }

    fn write_addresses(&mut self) -> Result<(), LaunchError> {
        let mut genesis = self.genesis.clone();
        for (replica, member) in (0..).zip(&mut genesis.replicas) {
            member.peer_address = self.description.peer_address(replica);
            member.client_address = self.description.client_address(replica);
        }
        if genesis != self.genesis {
            crate::files::write(&self.layout.genesis(), genesis.to_json().as_bytes())?;
            self.genesis = genesis;
        }
        Ok(())
    }
}

fn until_free(lock: &SupervisorLock, check: impl Fn() -> Result<(), LaunchError>) -> Result<(), LaunchError> {
    let patience = if lock.follows_crash() { ORPHANS } else { Duration::ZERO };
    let start = Instant::now();
    loop {
        match check() {
            Err(LaunchError::PortTaken { .. } | LaunchError::GatewayPortTaken { .. }) if start.elapsed() < patience => {
                std::thread::sleep(PAUSE);
            }
            checked => return checked,
        }
    }
}

/// Removes a testnet's directory with everything in it. The lock shows that nothing of it runs.
///
/// # Errors
/// When the directory does not carry the marker of a testnet: then nothing is touched. Or when the system refuses.
pub fn wipe(dir: &Path, _lock: &SupervisorLock) -> Result<(), LaunchError> {
    let layout = Layout::new(absolute(dir)?);
    if !Description::marks(&layout) {
        return Err(LaunchError::Foreign { dir: dir.into() });
    }
    let root = layout.root();
    // First aside under another name, so that a crash in the middle leaves nothing that looks like a testnet.
    let aside = sibling(root, "wiped")?;
    remove(&aside)?;
    std::fs::rename(root, &aside).map_err(LaunchError::io(root, "move aside"))?;
    remove(&aside)
}

fn read_genesis(layout: &Layout) -> Result<Genesis, LaunchError> {
    let path = layout.genesis();
    if !path.exists() {
        return Err(LaunchError::Incomplete { path });
    }
    let text = crate::files::read(&path, MAX_GENESIS)?;
    Genesis::from_json(&text).map_err(|error| LaunchError::Damaged { path, reason: error.to_string() })
}

fn check_chain(layout: &Layout, description: &Description, genesis: &Genesis) -> Result<(), LaunchError> {
    let found = genesis.digest();
    if found != description.chain {
        let (found, made) = (Box::new(found), Box::new(description.chain));
        return Err(LaunchError::OtherGenesis { path: layout.genesis(), found, made });
    }
    if genesis.replicas.len() != usize::from(description.n) {
        let reason = format!("it says n = {}, and the genesis has {} replicas", description.n, genesis.replicas.len());
        return Err(LaunchError::Damaged { path: layout.marker(), reason });
    }
    Ok(())
}

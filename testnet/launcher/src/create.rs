//! Making a testnet's directory: all of it, or nothing.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tetrarch_crypto::{Digest, NoEntropy, Signer, SigningKey};
use tetrarch_types::{Genesis, Member, Parameters};

use crate::description::is_empty;
use crate::directory::{absolute, remove, sibling};
use crate::{Description, LaunchError, Layout, Testnet, files, node, ports};

/// The chain's name for people.
const CHAIN: &str = "testnet";

/// What a testnet is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many replicas: 1, or 4 and more.
    pub n: u16,
    /// The first of 2n UDP ports.
    pub base_port: u16,
    /// The TCP port of the gateway.
    pub gateway_port: u16,
    /// What the replicas share.
    pub parameters: Parameters,
}

impl Default for Plan {
    fn default() -> Self {
        Self { n: 4, base_port: 7400, gateway_port: 2379, parameters: Parameters::default() }
    }
}

/// Makes a testnet: keys, genesis, configurations and initialised data directories. Everything is made in a sibling directory and
/// then renamed, so that after a crash there is a whole testnet at `dir` or none.
///
/// # Errors
/// When something is at `dir` already, somebody else makes it at this moment, the plan is impossible, or the system refuses.
pub fn create(dir: &Path, plan: &Plan) -> Result<Testnet, LaunchError> {
    ports::check_range(plan.base_port, plan.n)?;
    let root = absolute(dir)?;
    refuse_existing(&root)?;
    let keys = (0..plan.n).map(|_| SigningKey::generate()).collect::<Result<Vec<_>, _>>()?;
    let genesis = genesis(plan, &keys)?;
    genesis.check()?;
    let site = Site::open(&root)?;
    fill(&Layout::new(&site.path), plan, &genesis, &keys)?;
    site.finish(&root)?;
    Testnet::open(&root)
}

fn refuse_existing(root: &Path) -> Result<(), LaunchError> {
    let bad = |reason| Err(LaunchError::BadPath { dir: root.into(), reason });
    if !root.exists() {
        return Ok(());
    }
    if Description::marks(&Layout::new(root)) {
        return bad("a testnet is there already");
    }
    if !is_empty(root) {
        return Err(LaunchError::Foreign { dir: root.into() });
    }
    // It would be replaced by another directory of the same name, and the shell would stand in the old one.
    if std::env::current_dir().is_ok_and(|here| here == root) {
        return bad("it is the directory this command was called in");
    }
    Ok(())
}

/// The directory under construction. Its lock tells one that is being worked on from one that a crash left behind.
struct Site {
    path: PathBuf,
    _lock: File,
}

impl Site {
    fn open(root: &Path) -> Result<Self, LaunchError> {
        let path = sibling(root, "new")?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(LaunchError::io(parent, "create"))?;
        }
        Self::clear(root, &path)?;
        files::make_dir(&path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => LaunchError::BeingMade { dir: root.into() },
            _ => LaunchError::io(&path, "create")(error),
        })?;
        let lock = Self::lock(root, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Removes what a crash left behind.
    fn clear(root: &Path, path: &Path) -> Result<(), LaunchError> {
        if !path.exists() {
            return Ok(());
        }
        let _lock = Self::lock(root, path)?;
        remove(path)
    }

    fn lock(root: &Path, path: &Path) -> Result<File, LaunchError> {
        let dir = File::open(path).map_err(LaunchError::io(path, "open"))?;
        match dir.try_lock() {
            Ok(()) => Ok(dir),
            Err(fs::TryLockError::WouldBlock) => Err(LaunchError::BeingMade { dir: root.into() }),
            Err(fs::TryLockError::Error(error)) => Err(LaunchError::io(path, "lock")(error)),
        }
    }

    /// The rename: it replaces an empty directory and nothing else.
    fn finish(&self, root: &Path) -> Result<(), LaunchError> {
        fs::rename(&self.path, root).map_err(LaunchError::io(root, "create"))?;
        root.parent().map_or(Ok(()), files::sync_dir)
    }
}

fn genesis(plan: &Plan, keys: &[SigningKey]) -> Result<Genesis, LaunchError> {
    let description = Description::new(plan, Digest::ZERO);
    let member = |(replica, key): (u16, &SigningKey)| Member {
        public_key: key.public_key(),
        peer_address: description.peer_address(replica),
        client_address: description.client_address(replica),
    };
    let mut salt = [0; Digest::LEN];
    getrandom::fill(&mut salt).map_err(NoEntropy::from)?;
    let replicas = (0..).zip(keys).map(member).collect();
    Ok(Genesis { chain: CHAIN.into(), salt: Digest::from_bytes(salt), parameters: plan.parameters, replicas })
}

fn fill(layout: &Layout, plan: &Plan, genesis: &Genesis, keys: &[SigningKey]) -> Result<(), LaunchError> {
    // The marker is the first: what a crash leaves behind is recognised by it.
    Description::new(plan, genesis.digest()).write(layout)?;
    files::write(&layout.genesis(), genesis.to_json().as_bytes())?;
    SigningKey::generate()?.save(&layout.client_key(), None)?;
    for (replica, key) in (0..).zip(keys) {
        let dir = layout.replica(replica);
        files::make_dir(&dir).map_err(LaunchError::io(&dir, "create"))?;
        key.save(&layout.key(replica), None)?;
        node::prepare(layout, replica)?;
    }
    Ok(())
}

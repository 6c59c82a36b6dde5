//! From what is on the disk to a replica that may go on, or to the reason why it must not.
//!
//! ```text
//!   directory ──▶ store ──▶ journal ──▶ state ──▶ replica
//!       │           │          │          └─ rows that differ from their tree: rebuilt from the readable ones, the rest is fetched
//!       │           │          └─ gone, cut, altered: begun anew, and the replica is silent (rule A-2)
//!       │           └─ unreadable files: the readable rows are copied into a new database, the old one is set aside
//!       └─ wiped: silent, made anew, everything is fetched
//! ```
//!
//! *Cold*, a start reads and checks every row on the disk; *hot*, it takes the state as the latest checkpoint left it, and the journal
//! behind that, unless rows were lost or a transfer is under way: then it reads everything too. Either way it finds what was cut off
//! the journal. Whatever it finds it says, in the log and in the status.
//!
//! A chain of one replica has nobody to fetch from: there, damage is refused with its reason.

mod journal;
mod opening;
mod salvage;
mod state;

use std::sync::Arc;

use tetrarch_kv::{Execution, KvMachine, StateMachine};
use tetrarch_replica::{LiveRecords, Replica};
use tetrarch_storage::{HighWaterMark, Journal, RocksStore, Store, StoreError};
use tetrarch_types::Recovery;

use crate::clock::Clock;
use crate::evidence::Dossier;
use crate::{Identity, NodeConfig, NodeError, directory};
use journal::KeptMark;
use salvage::Mending;

/// What a start found, and did about it, a sentence each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    pub(crate) fn add(&mut self, finding: impl Into<String>) {
        let finding = finding.into();
        tracing::warn!(finding, "recovery");
        self.0.push(finding);
    }
}

/// What a directory or a test hands to recovery.
pub(crate) struct Durable<S> {
    pub(crate) store: S,
    pub(crate) mark: Box<dyn HighWaterMark>,
    /// Records of this replica's votes are known to be gone.
    pub(crate) lost: bool,
    pub(crate) findings: Findings,
}

/// What a node is made of before it runs: everything that can be refused has been.
pub(crate) struct Recovered<M, S: Store> {
    pub(crate) state: Arc<Execution<M, S>>,
    pub(crate) replica: Replica,
    pub(crate) journal: Journal<S>,
    pub(crate) live: LiveRecords,
    pub(crate) dossier: Dossier<S>,
    pub(crate) recovery: Recovery,
}

/// A node on its own directory.
pub(crate) type OnDisk = (Recovered<KvMachine, Arc<RocksStore>>, Arc<RocksStore>);

/// Opens a node's directory, mending it as far as that is possible.
///
/// # Errors
/// As for [`Recovered::open`], when nothing mends it.
pub(crate) fn recover(config: &NodeConfig, identity: &Identity, clock: &Clock) -> Result<OnDisk, NodeError> {
    let (mut mending, mut findings) = (Mending::default(), Findings::default());
    loop {
        match attempt(config, identity, &findings, clock) {
            Ok(whole) => return Ok(whole),
            Err(error) => mending = mending.mend(config, identity, error, &mut findings)?,
        }
    }
}

/// When it fails, the database is closed again.
fn attempt(config: &NodeConfig, identity: &Identity, findings: &Findings, clock: &Clock) -> Result<OnDisk, NodeError> {
    let durable = opening::open(config, identity, findings.clone())?;
    let store = Arc::clone(&durable.store);
    Ok((Recovered::open(config, identity, KvMachine, durable, clock)?, store))
}

impl<M: StateMachine, S: Store + Clone> Recovered<M, S> {
    /// Reads everything durable, mends what can be mended here, and refuses what must not be gone on with.
    ///
    /// # Errors
    /// [`NodeError::Store`] with damage that only a copy of the database gets rid of, and every reason not to run.
    pub(crate) fn open(
        config: &NodeConfig,
        identity: &Identity,
        machine: M,
        durable: Durable<S>,
        clock: &Clock,
    ) -> Result<Self, NodeError> {
        let Durable { store, mark, lost, mut findings } = durable;
        let mark = KeptMark::new(mark);
        let wiped = state::is_wiped::<M, S>(config, identity, &store, &mark, &mut findings)?;
        // In front of the state: one that is made anew here would hide from the next start that there was none.
        let opened = journal::open(config, identity, store.clone(), mark.clone(), lost || wiped, &mut findings)?;
        let journal::Opened { journal, live, records } = opened;
        let state = state::open(config, identity, machine, store.clone(), &mark, &mut findings)?;
        let dossier = Dossier::open(store).map_err(|error| store_error(config, error))?;
        let applied = state.applied().map_err(|error| store_error(config, error))?;
        let replica = Replica::recover(identity.replica_config(config), applied, records)
            .map_err(|source| NodeError::Contradiction { path: config.data_dir.clone(), source })?;
        let disk_micros = clock.time().as_micros();
        tracing::info!(
            kind = config.recovery.name(), executed = %replica.status().executed, after_ms = disk_micros / 1_000,
            "recovered what is on the disk"
        );
        let recovery = Recovery { findings: findings.0, disk_micros, ..Recovery::default() };
        Ok(Self { state: Arc::new(state), replica, journal, live, dossier, recovery })
    }
}

fn store_error(config: &NodeConfig, error: StoreError) -> NodeError {
    directory::store_error(&config.data_dir, error)
}

/// Whether other replicas are there to recover from.
fn has_peers(identity: &Identity) -> bool {
    identity.membership().size() > 1
}

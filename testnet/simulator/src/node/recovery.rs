//! Coming up on whatever the disk holds, as the server does it: what is gone is begun anew and said, what is damaged is not built on.

use std::sync::Arc;

use tetrarch_kv::Execution;
use tetrarch_replica::{Config, Record, Replica};
use tetrarch_storage::{FaultyStore, StoreError, Table};

use super::executor::{Executor, retention};
use super::fault::Fault;
use super::journal::Records;
use super::machine::Watched;
use super::{Disk, Start};
use crate::chain::Chain;
use crate::workload::Workload;

/// A node's parts before it runs.
pub(super) struct Recovered {
    pub(super) replica: Replica,
    pub(super) records: Records,
    pub(super) executor: Executor,
    /// The records that it starts from.
    pub(super) read: Vec<Record>,
}

/// Opens a disk. One that holds no chain, or whose journal does not open, was wiped or cut: its replica is told that it lost records.
pub(super) fn recover(config: Config, disk: &Disk, chain: &Chain, start: &Start) -> Result<Recovered, Fault> {
    let id = config.id;
    if disk.has_rot() && names_no_chain(disk, chain, start) {
        // What is left tells nothing: it is set aside whole.
        disk.wipe();
    }
    let is_wiped = State::is_empty(&disk.store)?;
    // In front of the state: one that is made anew would hide from the next start that there was none.
    let (records, read) = Records::open(disk, is_wiped)?;
    let execution = open_state(disk, chain, start)?;
    let executor = Executor::new(id, execution, chain);
    let applied = executor.applied()?;
    let replica = Replica::recover(config, applied, read.clone());
    let replica = replica.map_err(|error| Fault::Broken(error.to_string()))?;
    Ok(Recovered { replica, records, executor, read })
}

/// A watched machine's state on a simulated disk.
pub(super) type State = Execution<Watched, Arc<FaultyStore>>;

/// Every table of a node but the journal's.
pub(super) fn tables(workload: &Arc<dyn Workload>) -> Vec<Table> {
    State::tables(&Watched::new(workload.clone()))
}

/// Those that the state's root stands for.
pub(super) fn rooted_tables(workload: &Arc<dyn Workload>) -> Vec<Table> {
    State::rooted_tables(&Watched::new(workload.clone()))
}

/// The state; made anew where there is none.
fn open_state(disk: &Disk, chain: &Chain, start: &Start) -> Result<State, StoreError> {
    if State::is_empty(&disk.store)? {
        init(disk, chain)?;
    }
    let open = || open(disk, chain, start);
    let state = open().map_err(damaged)?;
    // A transfer trusts the tree of what is in place: one that goes on from here needs to know that it is right.
    let reads_everything = start.is_cold || state.is_damaged();
    let mut damages = 0_u64;
    if reads_everything {
        state.check_state(&mut |_| damages += 1)?;
    }
    let is_unreadable = !state.is_damaged() && matches!(state.applied(), Err(StoreError::Corrupt { .. }));
    // Tables that are no part of the state are read as well, and copied around if they cannot be.
    let has_rot = reads_everything && disk.has_rot();
    if damages == 0 && !is_unreadable && !has_rot {
        return Ok(state);
    }
    // What cannot be read is left behind, as a copy of the database leaves it. The copy notes that rows are missing before it is put
    // in place: no start takes it for whole.
    state.begin_install(None)?;
    disk.salvage()?;
    let state = open().map_err(damaged)?;
    state.give_up()?;
    Ok(state)
}

/// Whether nothing that can be read says which chain this is.
pub(super) fn names_no_chain(disk: &Disk, chain: &Chain, start: &Start) -> bool {
    matches!(open(disk, chain, start), Err(tetrarch_kv::OpenError::NotInitialised))
}

fn open(disk: &Disk, chain: &Chain, start: &Start) -> Result<State, tetrarch_kv::OpenError> {
    let machine = Watched::new(start.workload.clone());
    State::open(machine, disk.store.clone(), &chain.membership, retention(start.ledger))
}

/// Makes an empty disk the start of the chain.
pub(super) fn init(disk: &Disk, chain: &Chain) -> Result<(), StoreError> {
    State::init(&disk.store, &chain.membership).map_err(damaged)
}

fn damaged(error: tetrarch_kv::OpenError) -> StoreError {
    match error {
        tetrarch_kv::OpenError::Store(error) => error,
        other => StoreError::Corrupt { place: "The state".to_owned(), reason: other.to_string() },
    }
}

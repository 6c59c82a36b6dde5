//! Coming up on whatever the disk holds, as the server does it: what is gone is begun anew and said, what is damaged is not built on.

use std::sync::Arc;

use tetrarch_kv::{Execution, KvMachine};
use tetrarch_replica::{Config, Record, Replica};
use tetrarch_storage::{FaultyStore, StoreError};

use super::executor::{Executor, retention};
use super::journal::Records;
use super::{Disk, Start};
use crate::chain::Chain;

/// A node's parts before it runs.
pub(super) struct Recovered {
    pub(super) replica: Replica,
    pub(super) records: Records,
    pub(super) executor: Executor,
    /// The records that it starts from.
    pub(super) read: Vec<Record>,
}

/// Opens a disk. One that holds no chain, or whose journal does not open, was wiped or cut: its replica is told that it lost records.
pub(super) fn recover(config: Config, disk: &Disk, chain: &Chain, start: &Start) -> Result<Recovered, String> {
    let id = config.id;
    let (execution, is_wiped) = open_state(disk, chain, start).map_err(|error| error.to_string())?;
    let (mut records, mut read, is_fresh) = Records::open(disk)?;
    let is_lost = read.iter().rev().find_map(|record| match record {
        Record::Lost => Some(true),
        Record::Cured => Some(false),
        _ => None,
    });
    if (is_wiped || is_fresh) && is_lost != Some(true) {
        records.append(&[Record::Lost]).map_err(|error| error.to_string())?;
        read.push(Record::Lost);
    }
    let executor = Executor::new(id, execution, chain);
    let applied = executor.applied().map_err(|error| error.to_string())?;
    let replica = Replica::recover(config, applied, read.clone()).map_err(|error| error.to_string())?;
    Ok(Recovered { replica, records, executor, read })
}

/// The state on a simulated disk.
pub(super) type State = Execution<KvMachine, Arc<FaultyStore>>;

/// The state, and whether there was none.
fn open_state(disk: &Disk, chain: &Chain, start: &Start) -> Result<(State, bool), StoreError> {
    let is_wiped = State::is_empty(&disk.store)?;
    if is_wiped {
        init(disk, chain)?;
    } else if disk.has_rot() && names_no_chain(disk, chain, start) {
        // What is left tells nothing: it is set aside whole.
        disk.wipe();
        return open_state(disk, chain, start);
    }
    let open = || State::open(KvMachine, disk.store.clone(), &chain.membership, retention(start.ledger));
    let state = open().map_err(damaged)?;
    let mut damages = 0_u64;
    if start.is_cold && !state.is_damaged() {
        state.check_state(&mut |_| damages += 1)?;
    }
    let is_unreadable = !state.is_damaged() && matches!(state.applied(), Err(StoreError::Corrupt { .. }));
    // Tables that are no part of the state are read as well by a cold start, and copied around if they cannot be.
    let has_rot = start.is_cold && disk.has_rot();
    if damages == 0 && !is_unreadable && !has_rot {
        return Ok((state, is_wiped));
    }
    // What cannot be read is left behind, as a copy of the database leaves it.
    disk.salvage()?;
    let state = open().map_err(damaged)?;
    state.give_up()?;
    Ok((state, is_wiped))
}

/// Whether nothing that can be read says which chain this is.
pub(super) fn names_no_chain(disk: &Disk, chain: &Chain, start: &Start) -> bool {
    let open = State::open(KvMachine, disk.store.clone(), &chain.membership, retention(start.ledger));
    matches!(open, Err(tetrarch_kv::OpenError::NotInitialised))
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

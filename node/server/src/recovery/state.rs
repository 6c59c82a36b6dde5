//! The executed state as it is, made anew where there is none, and not built on where it is damaged.

use tetrarch_kv::{Damage, Execution, OpenError, Retention, StateMachine};
use tetrarch_storage::{HighWaterMark, Store, StoreError, Table, for_each_row};

use super::{Findings, has_peers, store_error};
use crate::config::StartCheck;
use crate::{Identity, NodeConfig, NodeError, directory};

/// Damaged places that are named one by one; of more, the number is said.
const NAMED: usize = 8;

/// Whether there is no state. In a cluster, such a store is one that was wiped, since `init` makes one. Writes nothing.
///
/// # Errors
/// Without peers, there is nobody to fetch it from.
pub(super) fn is_wiped<M: StateMachine, S: Store>(
    config: &NodeConfig,
    identity: &Identity,
    store: &S,
    mark: &dyn HighWaterMark,
    findings: &mut Findings,
) -> Result<bool, NodeError> {
    let wiped = Execution::<M, S>::is_empty(store).map_err(|error| store_error(config, error))?;
    if wiped && !has_peers(identity) {
        return Err(directory::without_state(config, mark));
    }
    if wiped {
        findings.add("the database holds no state, so this replica was wiped: it fetches everything from the others");
    }
    Ok(wiped)
}

/// Opens the state, or makes one where there is none.
pub(super) fn open<M: StateMachine, S: Store + Clone>(
    config: &NodeConfig,
    identity: &Identity,
    machine: M,
    store: S,
    mark: &dyn HighWaterMark,
    findings: &mut Findings,
) -> Result<Execution<M, S>, NodeError> {
    let membership = identity.membership();
    if Execution::<M, S>::is_empty(&store).map_err(|error| store_error(config, error))? {
        Execution::<M, S>::init(&store, membership).map_err(|error| directory::open_error(config, error))?;
    }
    let retain = Retention { batches: config.ledger_batches, ..Retention::default() };
    let tables = Execution::<M, S>::tables(&machine);
    let state = Execution::open(machine, store.clone(), membership, retain).map_err(|error| match error {
        // There is something, and nothing in it says what it is: rows were lost.
        OpenError::NotInitialised if has_peers(identity) => {
            let reason = "the rows that name its chain are missing or cannot be read".to_owned();
            store_error(config, StoreError::Corrupt { place: "the state".to_owned(), reason })
        }
        OpenError::NotInitialised => directory::without_state(config, mark),
        other => directory::open_error(config, other),
    })?;
    // A transfer trusts the tree of what is in place: one that goes on from here needs to know that it is right.
    if config.recovery == StartCheck::Cold || state.is_damaged() {
        tables.iter().try_for_each(|table| legible(&store, *table)).map_err(|error| store_error(config, error))?;
        check(config, identity, &state, findings)?;
        mend_ledger(config, &state, findings)?;
    }
    Ok(state)
}

/// Begins a ledger anew in which something is not as it was written: it would stop this node whenever somebody asks for that, or when its turn to go has
/// come. Nothing is fetched in its place, so a chain of one replica goes on like any other.
fn mend_ledger<M: StateMachine, S: Store>(
    config: &NodeConfig,
    state: &Execution<M, S>,
    findings: &mut Findings,
) -> Result<(), NodeError> {
    let mended = match state.check_ledger() {
        Err(error @ StoreError::Corrupt { .. }) => {
            findings.add(format!("the ledger of decided batches begins anew: {error}"));
            state.forget_ledger()
        }
        checked => checked,
    };
    mended.map_err(|error| store_error(config, error))
}

/// Reads a table once, whether or not it is under the state's root: damage in an index or the ledger stops a node as well, when it
/// is met.
fn legible(store: &impl Store, table: Table) -> Result<(), StoreError> {
    for_each_row(store, table, &mut |_, _| {}).map(|_| ())
}

/// Reads every row and compares it with the tree. Rows that cannot be read are for a copy of the database to get rid of; of the others a
/// new tree is built, and what is wrong is fetched.
fn check<M: StateMachine, S: Store>(
    config: &NodeConfig,
    identity: &Identity,
    state: &Execution<M, S>,
    findings: &mut Findings,
) -> Result<(), NodeError> {
    let failed = |error| store_error(config, error);
    if state.is_damaged() {
        findings.add(
            "the state is that of no batch: it was being repaired or replaced when this replica went down, or does not say where \
             it stands; what differs is fetched from the others",
        );
    }
    let mut damages = Vec::new();
    let mut count = 0_u64;
    let rows = state.check_state(&mut |damage: Damage| {
        count += 1;
        if damages.len() < NAMED {
            damages.push(damage);
        }
    });
    let rows = rows.map_err(failed)?;
    if count == 0 {
        tracing::info!(rows, "every row of the state is as its tree says");
        return Ok(());
    }
    if let Some(damage) = damages.iter().find(|damage| damage.is_unreadable()) {
        let place = "the state".to_owned();
        return Err(failed(StoreError::Corrupt { place, reason: damage.to_string() }));
    }
    let all = damages.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let problem = format!("{count} places of the state are damaged: {all}");
    if !has_peers(identity) {
        let problem =
            format!("{problem}. There is no other replica to repair it from: put back a copy of the directory");
        return Err(NodeError::State { path: config.data_dir.clone(), problem });
    }
    findings.add(format!("{problem}. What differs is fetched from the others"));
    state.give_up().map_err(failed)
}

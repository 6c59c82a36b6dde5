//! Whose state a store holds, and whether it can be used.

use tetrarch_crypto::Digest;
use tetrarch_storage::{Direction, Reader, StoreError, Table, WriteBatch};
use tetrarch_types::{CheckpointCertificate, Epoch, Membership, Parameters, encode};

use super::OpenError;
use super::rows::{CONFIGURATION, LOCAL, PROGRESS, PROGRESS_KEY, Progress};
use crate::tables::{row, unless_damaged};
use crate::tree;

/// The version of the tables' layout and rows.
const FORMAT: u32 = 6;

/// The key of [`CONFIGURATION`]'s row.
const CONFIGURATION_KEY: &[u8] = b"genesis";
/// The row of `LOCAL` that holds the chain's genesis digest.
const GENESIS_KEY: &[u8] = b"genesis";
/// The row of `LOCAL` that holds the version of all these tables.
const FORMAT_KEY: &[u8] = b"format";
/// The row of `LOCAL` that says that the state is that of no batch, and which checkpoint's takes its place.
const INSTALLING_KEY: &[u8] = b"installing";

/// What all replicas of a chain have under the state root from the start: genesis digest, epoch, parameters.
pub(super) type Configuration = (Digest, Epoch, Parameters);

/// Whether the state here can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It is the state behind a whole batch.
    Whole,
    /// It is that of no batch. What takes its place may be known.
    Damaged(Option<Box<CheckpointCertificate>>),
}

/// Which chain, in the two places that say so.
struct Identity {
    genesis: Option<Digest>,
    configuration: Option<Configuration>,
}

/// A chain's configuration.
pub(super) fn configuration(membership: &Membership) -> Configuration {
    let scope = membership.scope();
    (scope.genesis, Epoch::new(scope.epoch), *membership.parameters())
}

/// Writes what tells a store of this chain from an empty one, and the state that a chain starts with.
pub(super) fn put_start(batch: &mut WriteBatch, configuration: &Configuration) {
    put_identity(batch, configuration);
    let (configuration, progress) = (encode(configuration), encode(&Progress::default()));
    let rows: [(Table, &[u8], &[u8]); 2] =
        [(CONFIGURATION, CONFIGURATION_KEY, &configuration), (PROGRESS, PROGRESS_KEY, &progress)];
    tree::note_first(batch, &rows);
    rows.into_iter().for_each(|(table, key, value)| batch.put(table, key, value));
}

/// Whether there is anything in the tables that every chain begins with.
pub(super) fn is_begun(reader: &dyn Reader) -> Result<bool, StoreError> {
    let has_rows = |table| {
        let rows = reader.scan(table, &[], &[], Direction::Ascending, 1);
        Ok(unless_damaged(rows)?.is_none_or(|rows| !rows.is_empty()))
    };
    Ok(has_rows(LOCAL)? || has_rows(CONFIGURATION)? || has_rows(PROGRESS)?)
}

/// Writes this node's own rows about the chain.
pub(super) fn put_identity(batch: &mut WriteBatch, configuration: &Configuration) {
    batch.put(LOCAL, FORMAT_KEY, encode(&FORMAT));
    batch.put(LOCAL, GENESIS_KEY, encode(&configuration.0));
}

/// The chain in the store, if there is one.
pub(super) fn held(reader: &dyn Reader) -> Result<Option<Digest>, StoreError> {
    Ok(identity(reader)?.digest())
}

/// The configuration as the state has it.
pub(super) fn stored_configuration(reader: &dyn Reader) -> Result<Option<Configuration>, StoreError> {
    row(reader, CONFIGURATION, CONFIGURATION_KEY)
}

/// Refuses what is not this chain's, and tells whether the rest can be used.
///
/// The genesis digest covers the parameters. So a configuration that differs, under the same digest, is damage and no other
/// chain: the state is taken for damaged and repaired, as it is when one of these rows is gone.
pub(super) fn examine(reader: &dyn Reader, ours: &Configuration) -> Result<Condition, OpenError> {
    let version = unless_damaged(row(reader, LOCAL, FORMAT_KEY))?.flatten();
    let identity = identity(reader)?;
    let theirs = identity.digest().ok_or(OpenError::NotInitialised)?;
    if let Some(version) = version.filter(|version| *version != FORMAT) {
        return Err(OpenError::UnknownFormat { version });
    }
    if theirs != ours.0 {
        return Err(OpenError::OtherGenesis { ours: ours.0, theirs });
    }
    let is_whole = version.is_some() && identity.genesis.is_some() && identity.configuration.as_ref() == Some(ours);
    Ok(match unless_damaged(row(reader, LOCAL, INSTALLING_KEY))? {
        Some(None) if is_whole => Condition::Whole,
        Some(Some(target)) => Condition::Damaged(target),
        _ => Condition::Damaged(None),
    })
}

/// Notes that the state is that of no batch from now on.
pub(super) fn put_note(batch: &mut WriteBatch, target: Option<&CheckpointCertificate>) {
    batch.put(LOCAL, INSTALLING_KEY, encode(&target));
}

/// Notes that it is that of a whole batch again.
pub(super) fn remove_note(batch: &mut WriteBatch) {
    batch.delete(LOCAL, INSTALLING_KEY);
}

fn identity(reader: &dyn Reader) -> Result<Identity, StoreError> {
    Ok(Identity {
        genesis: unless_damaged(row(reader, LOCAL, GENESIS_KEY))?.flatten(),
        configuration: unless_damaged(stored_configuration(reader))?.flatten(),
    })
}

impl Identity {
    /// This node's own row counts for more: nothing that comes from peers is ever written there.
    fn digest(&self) -> Option<Digest> {
        self.genesis.or(self.configuration.as_ref().map(|configuration| configuration.0))
    }
}

//! Getting rid of files that cannot be read: a copy of what can, or nothing at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tetrarch_kv::{Execution, KvMachine, OpenError, Retention};
use tetrarch_storage::{Loss, MarkFile, RocksStore, StoreError};

use super::{Findings, has_peers};
use crate::directory::{self, DATABASE, MARK};
use crate::{Identity, NodeConfig, NodeError};

/// How far mending a directory has gone within one start: each step is tried once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mending {
    /// Nothing yet.
    #[default]
    Untouched,
    /// The readable rows were copied into a new database.
    Salvaged,
    /// The database was set aside whole.
    SetAside,
}

impl Mending {
    /// Mends what an attempt to open the directory found, if there is a way left. Nobody else opens it meanwhile.
    ///
    /// # Errors
    /// The attempt's own error when it is no damage, when nobody is there to recover from, or when everything was tried;
    /// [`NodeError::Locked`] when somebody else has it open by now; and what writing it may meet.
    pub(super) fn mend(
        self,
        config: &NodeConfig,
        identity: &Identity,
        error: NodeError,
        findings: &mut Findings,
    ) -> Result<Self, NodeError> {
        let is_damage = matches!(&error, NodeError::Store { source: StoreError::Corrupt { .. }, .. });
        if !is_damage || !has_peers(identity) || self == Self::SetAside {
            return Err(error);
        }
        let mark = config.data_dir.join(MARK);
        let _held = MarkFile::open(&mark).map_err(|error| directory::store_error(&config.data_dir, error))?;
        findings.add(error.to_string());
        if self == Self::Untouched && salvage(config, identity, findings)? {
            return Ok(Self::Salvaged);
        }
        set_aside(config)?;
        findings
            .add("the database could not be read and is set aside: this replica begins anew and fetches everything");
        Ok(Self::SetAside)
    }
}

/// Copies what can be read, and puts the copy in place; whether anything of use could be copied.
fn salvage(config: &NodeConfig, identity: &Identity, findings: &mut Findings) -> Result<bool, NodeError> {
    let (draft, copy) = (draft(&config.data_dir), salvaged(&config.data_dir));
    for path in [&draft, &copy] {
        remove(path).map_err(|source| failed("remove", path, source))?;
    }
    if !copy_rows(config, &draft, findings)? {
        return Ok(false);
    }
    if !distrust(config, identity, &draft)? {
        findings.add("what could be copied of the database does not say which chain it is of");
        remove(&draft).map_err(|source| failed("remove", &draft, source))?;
        return Ok(false);
    }
    // From now on the next start would put it in place.
    rename(config, "name", &draft, &copy)?;
    set_aside(config)?;
    rename(config, "put in place", &copy, &config.data_dir.join(DATABASE))?;
    findings.add(format!(
        "the readable rows are in a new database; the old one is in {}",
        damaged(&config.data_dir).display()
    ));
    Ok(true)
}

/// Copies what can be read of the database; whether it could be opened at all. Only damage speaks against it: one that is in use, or a disk that
/// is full, is no reason to give it up.
fn copy_rows(config: &NodeConfig, to: &Path, findings: &mut Findings) -> Result<bool, NodeError> {
    let losses = match RocksStore::salvage(&config.data_dir.join(DATABASE), to) {
        Ok(losses) => losses,
        Err(error @ StoreError::Corrupt { .. }) => {
            findings.add(format!("nothing of the database could be copied: {error}"));
            return Ok(false);
        }
        Err(error) => return Err(directory::store_error(&config.data_dir, error)),
    };
    for loss in losses {
        findings.add(format!("rows of the table {} could not be read, {}: {}", loss.table, range(&loss), loss.reason));
    }
    Ok(true)
}

/// Notes in the copy that its state is that of no batch: rows are missing, and the tree need not show it. Durable before the copy gets
/// the name under which a start looks for it, so that none takes it for whole. Its tree is built anew from its rows: what in the old one can be read, but
/// says nothing, would be copied with it, and found again by the start for which this is done. False if it holds no chain.
fn distrust(config: &NodeConfig, identity: &Identity, copy: &Path) -> Result<bool, NodeError> {
    let failed = |error| directory::store_error(&config.data_dir, error);
    let store = RocksStore::open(copy, &directory::tables(&KvMachine)).map_err(failed)?;
    match Execution::open(KvMachine, store, identity.membership(), Retention::default()) {
        Ok(state) => state.give_up().map(|()| true).map_err(failed),
        Err(OpenError::NotInitialised) => Ok(false),
        Err(error) => Err(directory::open_error(config, error)),
    }
}

/// The keys between which nothing could be read.
fn range(loss: &Loss) -> String {
    let key = |key: &Option<Vec<u8>>, none: &str| key.as_ref().map_or_else(|| none.to_owned(), |key| shown(key));
    format!("behind {} and before {}", key(&loss.after, "its start"), key(&loss.before, "its end"))
}

/// The first bytes of a key.
fn shown(key: &[u8]) -> String {
    let digits: String = key.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
    if key.len() > 32 { format!("key {digits}…") } else { format!("key {digits}") }
}

/// Moves the database out of the way, over an earlier one. Its snapshots share its files, and go.
fn set_aside(config: &NodeConfig) -> Result<(), NodeError> {
    let (database, aside) = (config.data_dir.join(DATABASE), damaged(&config.data_dir));
    let snapshots = config.data_dir.join(format!("{DATABASE}.snapshots"));
    for path in [&snapshots, &aside] {
        remove(path).map_err(|source| failed("remove", path, source))?;
    }
    rename(config, "set aside", &database, &aside)
}

/// Gives something in the data directory another name, durably.
fn rename(config: &NodeConfig, doing: &'static str, from: &Path, to: &Path) -> Result<(), NodeError> {
    fs::rename(from, to).map_err(|source| failed(doing, from, source))?;
    directory::sync(&config.data_dir).map_err(|source| failed("sync", &config.data_dir, source))
}

/// A copy that was complete, with the note of what it lacks, when its start was interrupted is put in place.
pub(super) fn finish(data_dir: &Path) -> io::Result<()> {
    let (database, copy) = (data_dir.join(DATABASE), salvaged(data_dir));
    if !database.exists() && copy.exists() {
        fs::rename(&copy, &database)?;
        directory::sync(data_dir)?;
    }
    Ok(())
}

/// Where a copy is made.
fn draft(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{DATABASE}.salvaging"))
}

/// Where it waits, complete, to be put in place.
fn salvaged(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{DATABASE}.salvaged"))
}

fn damaged(data_dir: &Path) -> PathBuf {
    data_dir.join(format!("{DATABASE}.damaged"))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> NodeError {
    NodeError::Io { doing, path: path.to_owned(), source }
}

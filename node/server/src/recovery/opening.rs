//! Opening the data directory: whole, or completed where something is missing.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tetrarch_kv::KvMachine;
use tetrarch_storage::{MarkFile, RocksStore, StoreError};

use super::salvage::finish;
use super::{Durable, Findings, has_peers};
use crate::directory::{DATABASE, MARK, make_directory, not_initialised, store_error, tables, without_state};
use crate::{Identity, NodeConfig, NodeError};

/// Opens a directory that `init` made, and that nobody else has open. In a cluster, one that is wiped or lacks a part is made anew: its
/// replica recovers from the others, and is silent until that is safe (rule A-2). The findings go along, whatever becomes of it.
pub(super) fn open(
    config: &NodeConfig,
    identity: &Identity,
    mut findings: Findings,
) -> Result<Durable<Arc<RocksStore>>, NodeError> {
    let path = &config.data_dir;
    let (mark_path, database) = (path.join(MARK), path.join(DATABASE));
    let mut lost = false;
    // The lock comes with it, so it comes first: nobody else puts anything in place meanwhile.
    let held = mark_path.exists().then(|| open_mark(&mark_path, identity, &mut lost, &mut findings)).transpose();
    let held = held.map_err(|error| store_error(path, error))?;
    finish(path).map_err(|source| NodeError::Io { doing: "finish the repair of", path: path.clone(), source })?;
    let has_database = database.join("CURRENT").exists();
    if has_peers(identity) && !(held.is_some() && has_database) {
        begin_to_complete(config, held.is_some(), &mut findings)?;
        lost = true;
    }
    let mark = match held {
        Some(mark) => mark,
        None if has_peers(identity) => MarkFile::open(&mark_path).map_err(|error| store_error(path, error))?,
        None if has_database => return Err(NodeError::MarkLost { path: mark_path }),
        None => return Err(not_initialised(config)),
    };
    if !has_database && !lost {
        return Err(without_state(config, &mark));
    }
    let store = RocksStore::open(&database, &tables(&KvMachine)).map_err(|error| store_error(path, error))?;
    Ok(Durable { store: Arc::new(store), mark: Box::new(mark), lost, findings })
}

/// Says what a directory lacks, and makes it if all of it is missing.
fn begin_to_complete(config: &NodeConfig, has_mark: bool, findings: &mut Findings) -> Result<(), NodeError> {
    let path = &config.data_dir;
    if !path.exists() || is_empty(path) {
        make_directory(path)?;
        let command = format!("`tetrarch node init --config {}`", config.file_or_placeholder().display());
        findings.add(format!(
            "{} is empty: this replica lost everything, and comes back from the others without voting for a while; if this is \
             the first start of a new chain, stop it, remove the directory and run {command} on every replica",
            path.display()
        ));
    } else {
        let missing = if has_mark { "the database" } else { "the high-water mark of the journal" };
        findings.add(format!("{missing} is missing in {}", path.display()));
    }
    Ok(())
}

fn is_empty(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// A mark that cannot be read does not tell a cut journal: in a cluster it is set aside and begun anew.
fn open_mark(
    path: &Path,
    identity: &Identity,
    lost: &mut bool,
    findings: &mut Findings,
) -> Result<MarkFile, StoreError> {
    match MarkFile::open(path) {
        Err(error @ StoreError::Corrupt { .. }) if has_peers(identity) => {
            findings.add(error.to_string());
            *lost = true;
            Ok(MarkFile::renew(path)?.0)
        }
        other => other,
    }
}

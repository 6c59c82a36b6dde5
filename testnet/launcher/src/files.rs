//! Reading within bounds, and writing so that a crash leaves the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::LaunchError;

/// Reads a small text file.
pub(crate) fn read(path: &Path, limit: u64) -> Result<String, LaunchError> {
    let mut text = String::new();
    let file = File::open(path).map_err(LaunchError::io(path, "open"))?;
    file.take(limit + 1).read_to_string(&mut text).map_err(LaunchError::io(path, "read"))?;
    if text.len() as u64 > limit {
        return Err(LaunchError::Damaged { path: path.into(), reason: format!("it is larger than {limit} bytes") });
    }
    Ok(text)
}

/// Writes a file anew, synced, by way of a temporary one beside it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), LaunchError> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(LaunchError::io(&temporary, "create"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(LaunchError::io(&temporary, "write"))?;
    fs::rename(&temporary, path).map_err(LaunchError::io(path, "replace"))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes one directory that only its owner enters.
pub(crate) fn make_dir(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Makes a directory's entries durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), LaunchError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(LaunchError::io(path, "sync"))
}

//! A testnet's directory from outside: its path, what may stand beside it, and how it is removed.

use std::path::{Path, PathBuf};

use crate::description::is_empty;
use crate::{Description, LaunchError, Layout};

/// Links resolved, where the directory is there.
pub(crate) fn absolute(dir: &Path) -> Result<PathBuf, LaunchError> {
    dir.canonicalize().or_else(|_| std::path::absolute(dir)).map_err(LaunchError::io(dir, "find"))
}

/// A hidden directory beside `root`, for work that must not be seen half done.
pub(crate) fn sibling(root: &Path, what: &str) -> Result<PathBuf, LaunchError> {
    let bad = |reason| LaunchError::BadPath { dir: root.into(), reason };
    let name = root.file_name().ok_or_else(|| bad("it has no name of its own"))?;
    let parent = root.parent().ok_or_else(|| bad("nothing can stand beside it"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".");
    hidden.push(what);
    Ok(parent.join(hidden))
}

/// Removes what carries our marker, and nothing else. The marker goes last, so that this can be interrupted and done again.
pub(crate) fn remove(dir: &Path) -> Result<(), LaunchError> {
    let layout = Layout::new(dir);
    if !dir.exists() {
        return Ok(());
    }
    if !is_empty(dir) && !Description::marks(&layout) {
        return Err(LaunchError::Foreign { dir: dir.into() });
    }
    for entry in std::fs::read_dir(dir).map_err(LaunchError::io(dir, "read"))? {
        let path = entry.map_err(LaunchError::io(dir, "read"))?.path();
        if path != layout.marker() {
            remove_entry(&path).map_err(LaunchError::io(&path, "remove"))?;
        }
    }
    std::fs::remove_dir_all(dir).map_err(LaunchError::io(dir, "remove"))
}

fn remove_entry(path: &Path) -> std::io::Result<()> {
    if path.symlink_metadata()?.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
}

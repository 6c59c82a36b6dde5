//! A place for a testnet that leaves nothing behind.

use std::path::{Path, PathBuf};

use crate::LaunchError;

/// A temporary directory, removed with everything in it when this value is dropped.
#[derive(Debug)]
pub struct Ephemeral {
    home: tempfile::TempDir,
}

impl Ephemeral {
    /// Makes one where the system keeps temporary files.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> Result<Self, LaunchError> {
        let place = std::env::temp_dir();
        let home = tempfile::Builder::new()
            .prefix("tetrarch-")
            .tempdir_in(&place)
            .map_err(LaunchError::io(&place, "create a directory in"))?;
        Ok(Self { home })
    }

    /// Where a testnet can be made.
    pub fn dir(&self) -> PathBuf {
        self.home.path().join("testnet")
    }

    /// The directory that will be removed.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

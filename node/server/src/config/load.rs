//! From text to settings that make sense.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::NodeConfig;
use crate::NodeError;

impl NodeConfig {
    /// Reads a configuration file. Relative paths in it are made to start from the file's folder.
    ///
    /// # Errors
    /// [`NodeError`] of class usage when the file is missing, cannot be read, is not TOML, has unknown names or senseless values.
    pub fn load(path: &Path) -> Result<Self, NodeError> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => NodeError::ConfigMissing { path: path.to_owned() },
            _ => NodeError::Unreadable { what: "the configuration", path: path.to_owned(), source },
        })?;
        Self::parse(&text, path)
    }

    /// Reads a configuration file's text; `path` is where it came from.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn parse(text: &str, path: &Path) -> Result<Self, NodeError> {
        let mut config: Self = toml::from_str(text).map_err(|error| malformed(text, path, &error))?;
        config.check(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        config.resolve(folder);
        config.file = Some(path.to_owned());
        Ok(config)
    }

    /// The text of a configuration file that reads as these settings.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    fn resolve(&mut self, folder: &Path) {
        let resolve = |path: &mut PathBuf| *path = folder.join(&*path);
        [&mut self.genesis, &mut self.key, &mut self.data_dir].into_iter().for_each(resolve);
        self.key_passphrase_file.iter_mut().for_each(resolve);
    }

    fn check(&self, path: &Path) -> Result<(), NodeError> {
        let value = |field, problem| NodeError::ConfigValue { path: path.to_owned(), field, problem };
        if self.base_timeout_ms == 0 || self.max_timeout_ms < self.base_timeout_ms {
            return Err(value("base_timeout_ms", "must be at least 1 and at most max_timeout_ms"));
        }
        if !(1..=64).contains(&self.verifier_workers) {
            return Err(value("verifier_workers", "must lie between 1 and 64"));
        }
        if self.pool.transactions == 0 || self.pool.bytes == 0 || self.pool.per_sender == 0 {
            return Err(value("pool", "must have room for at least one transaction"));
        }
        if self.clients.connections == 0 || self.clients.requests_in_flight == 0 || self.clients.idle_timeout_s == 0 {
            return Err(value("clients", "must let at least one connection ask one thing"));
        }
        Ok(())
    }
}

fn malformed(text: &str, path: &Path, error: &toml::de::Error) -> NodeError {
    let offset = error.span().map_or(0, |span| span.start);
    let line = text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
    NodeError::ConfigMalformed { path: path.to_owned(), line, problem: error.message().trim().replace('\n', " ") }
}

//! The file that a long soak leaves behind: a line of JSON for each seed that failed, and one for the whole.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::summary::{FailedSeed, Summary};
use crate::failure::Failure;

/// The file.
pub(super) struct Record {
    file: File,
    path: PathBuf,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Failed(&'a FailedSeed),
    Summary(&'a Summary),
}

impl Record {
    /// Opens it to write behind what it holds.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let file = file.map_err(|error| {
            let next = "name a file in a directory that exists and can be written";
            Failure::failed(format!("cannot open the record {}", path.display()), error.to_string(), next)
        })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// A seed failed.
    pub(super) fn failed(&mut self, failed: &FailedSeed) -> Result<(), Failure> {
        self.line(&Line::Failed(failed))
    }

    /// The soak is over.
    pub(super) fn summary(&mut self, summary: &Summary) -> Result<(), Failure> {
        self.line(&Line::Summary(summary))
    }

    /// In one write, so that soaks that share a file do not tear each other's lines.
    fn line(&mut self, line: &Line<'_>) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            self.file.write_all(&bytes)
        });
        bytes.map_err(|error| {
            let tried = format!("cannot write to the record {}", self.path.display());
            Failure::failed(tried, error.to_string(), "make room, and go on with --from")
        })
    }
}

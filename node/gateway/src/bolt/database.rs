//! A whole file.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use super::entries::{Entries, Listed};
use super::format::{FREELIST_PAGE, Holds, PAGE_BYTES, bucket, freelist, meta};
use super::tree::Tree;

/// A database that is planned and can be written once.
pub struct Database {
    /// In the order of their names, as they lie in the file.
    buckets: Vec<(Box<dyn Entries + Send>, Tree)>,
    names: Listed,
    /// The tree of the names, behind all others.
    root: Tree,
}

impl Database {
    /// Plans a database with these buckets.
    pub fn new(buckets: BTreeMap<Vec<u8>, Box<dyn Entries + Send>>) -> Self {
        let (mut planned, mut names, mut page) = (Vec::new(), Listed::default(), FREELIST_PAGE + 1);
        for (name, entries) in buckets {
            let tree = Tree::plan(&*entries, page);
            page = tree.end();
            names.0.push((name, bucket(tree.root())));
            planned.push((entries, tree));
        }
        Self { root: Tree::plan(&names, page), names, buckets: planned }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> u64 {
        self.root.end() * PAGE_BYTES as u64
    }

    /// Writes the file, from its first byte to its last.
    ///
    /// # Errors
    /// If a value cannot be read or is not as long as was said, or if what takes the bytes fails.
    pub fn write(mut self, out: &mut dyn Write) -> io::Result<()> {
        for number in [0, 1] {
            out.write_all(&meta(number, self.root.root(), self.root.end())?)?;
        }
        out.write_all(&freelist()?)?;
        for (entries, tree) in &mut self.buckets {
            tree.write(Holds::Values, &mut **entries, out)?;
        }
        self.root.write(Holds::Buckets, &mut self.names, out)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("names", &self.names).field("root", &self.root).finish_non_exhaustive()
    }
}

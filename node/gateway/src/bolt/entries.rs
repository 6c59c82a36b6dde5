//! What is in a bucket.

use std::io;

/// The entries of a bucket, counted from 0 in the order of their keys. Sizes are asked for more than once, each value once.
pub trait Entries {
    /// How many there are.
    fn count(&self) -> usize;

    /// A key: not empty, and greater than the one before.
    fn key(&self, at: usize) -> Vec<u8>;

    /// The bytes of a key.
    fn key_len(&self, at: usize) -> usize;

    /// The bytes of a value.
    fn value_len(&self, at: usize) -> usize;

    /// A value.
    ///
    /// # Errors
    /// If it cannot be read.
    fn value(&mut self, at: usize) -> io::Result<Vec<u8>>;
}

/// Entries that are in memory.
#[derive(Clone, Debug, Default)]
pub struct Listed(pub Vec<(Vec<u8>, Vec<u8>)>);

impl Entries for Listed {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn key(&self, at: usize) -> Vec<u8> {
        self.0[at].0.clone()
    }

    fn key_len(&self, at: usize) -> usize {
        self.0[at].0.len()
    }

    fn value_len(&self, at: usize) -> usize {
        self.0[at].1.len()
    }

    fn value(&mut self, at: usize) -> io::Result<Vec<u8>> {
        Ok(self.0[at].1.clone())
    }
}

//! A store whose snapshots are not what they were: its replica votes like any other, and misleads whoever fetches the state from it.

use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Page};
use tetrarch_storage::{Direction, Durability, Pair, Reader, RocksStore, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{decode, encode};

/// How state fetches are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answering {
    /// As it is, after a pause before each look into the state.
    Honestly(Duration),
    /// Values of the machine are other ones.
    WrongRows,
    /// Pages of the tree name other digests.
    WrongPages,
    /// What comes is an older checkpoint's.
    OtherCheckpoint,
    /// Nothing is said.
    NotAtAll,
    /// It says that it has nothing.
    WithNothing,
}

/// A RocksDB, seen so.
pub(crate) struct MisleadingStore {
    inner: Arc<RocksStore>,
    answering: Mutex<Answering>,
}

impl MisleadingStore {
    pub(crate) fn new(inner: Arc<RocksStore>, answering: Answering) -> Self {
        Self { inner, answering: Mutex::new(answering) }
    }

    pub(crate) fn answers(&self, answering: Answering) {
        *self.answering.lock().unwrap() = answering;
    }

    /// The oldest snapshot, which claims to be that of another batch.
    fn older(&self, real: Arc<dyn Reader + Send + Sync>) -> Result<Snapshot, StoreError> {
        let oldest = self.inner.snapshots()?.first().copied();
        Ok(oldest.map(|number| self.inner.snapshot(number)).transpose()?.flatten().unwrap_or(real))
    }
}

type Snapshot = Arc<dyn Reader + Send + Sync>;

impl Reader for MisleadingStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.inner.scan(table, from, to, direction, limit)
    }
}

impl Store for MisleadingStore {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.inner.write(batch, durability)
    }

    fn view(&self) -> Box<dyn Reader + '_> {
        self.inner.view()
    }

    fn take_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.inner.take_snapshot(number)
    }

    fn snapshots(&self) -> Result<Vec<u64>, StoreError> {
        self.inner.snapshots()
    }

    fn snapshot(&self, number: u64) -> Result<Option<Snapshot>, StoreError> {
        let answering = *self.answering.lock().unwrap();
        let Some(real) = self.inner.snapshot(number)? else { return Ok(None) };
        let shown = match answering {
            Answering::NotAtAll => {
                return Err(StoreError::Io { doing: "Lying".to_owned(), reason: "told to be silent".to_owned() });
            }
            Answering::WithNothing => return Ok(None),
            Answering::OtherCheckpoint => self.older(Arc::clone(&real))?,
            _ => Arc::clone(&real),
        };
        Ok(Some(Arc::new(Misleading { shown, real, answering })))
    }

    fn remove_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.inner.remove_snapshot(number)
    }

    fn stored_bytes(&self) -> Result<u64, StoreError> {
        self.inner.stored_bytes()
    }
}

struct Misleading {
    shown: Snapshot,
    real: Snapshot,
    answering: Answering,
}

impl Misleading {
    fn bent(&self, table: Table, mut value: Vec<u8>) -> Vec<u8> {
        match (self.answering, table.name()) {
            (Answering::WrongRows, "kv.records") => {
                value[0] ^= 1;
                value
            }
            (Answering::WrongPages, "execution.tree") => bent_page(&value),
            _ => value,
        }
    }
}

/// The first node that is not a leaf, or else the first leaf, becomes another.
fn bent_page(bytes: &[u8]) -> Vec<u8> {
    let mut page: Page = decode(bytes, bytes.len()).unwrap();
    let place = page.0.iter().position(|branch| *branch != Branch::Empty).unwrap();
    page.0[place] = Branch::Node(Digest::from_bytes([9; 32]));
    encode(&page)
}

impl Reader for Misleading {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        // Which batch it is of is looked at before anything is sent.
        let from = if table.name() == "execution.progress" { &self.real } else { &self.shown };
        Ok(from.get(table, key)?.map(|value| self.bent(table, value)))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        if let Answering::Honestly(pause) = self.answering {
            sleep(pause);
        }
        self.shown.scan(table, from, to, direction, limit)
    }
}

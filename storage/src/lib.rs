//! Ordered tables and atomic batches over RocksDB, memory, and a disk that fails.
//!
//! ```text
//!   WriteBatch ──write(Buffered | Synced)──▶ Store ──get, scan──▶ bytes
//!                                             ├── RocksStore    a directory on disk
//!                                             ├── MemoryStore   nothing survives, nothing fails
//!                                             ├── FaultyStore   loses, fails and rots exactly as the caller says
//!                                             └── snapshots     numbered, frozen, read like the store itself
//!
//!   Mark { index, chain }, and the last records again ──advance──▶ HighWaterMark ── MarkFile, MemoryMark
//! ```
//!
//! The rules, the same for every store:
//!
//! 1. A batch is applied wholly or not at all, its operations in order, and is visible to reads once `write` returned.
//! 2. A [`Durability::Synced`] write makes itself and everything written before it durable before it returns.
//! 3. What [`Durability::Buffered`] writes lose in a power failure is a suffix of the writes, never one from the middle.
//! 4. After a failed write or fsync a store is poisoned: it answers reads, and refuses every later write with
//!    [`StoreError::Poisoned`]. A failed fsync is never retried, because the kernel may have dropped the data and forgotten.
//! 5. A snapshot shows all tables as they were between two writes. It is whole and durable, or not there.
//!
//! RocksDB's recovery may cut a damaged tail off its own log without saying so. The high-water mark is a small file beside
//! it that remembers how far the records went, so that the owner of the records can tell, and the last of them, so that these are not
//! lost with one file.

#![forbid(unsafe_code)]

mod batch;
mod change;
mod error;
mod faulty;
mod files;
mod frozen;
mod journal;
mod mark;
mod mark_file;
mod memory;
mod rocks;
mod store;
mod tables;

pub use batch::{Operation, Table, WriteBatch};
pub use error::StoreError;
pub use faulty::{FailureKind, FaultCounters, FaultyStore, Image, Taken};
pub use journal::{Entry, JOURNAL, Journal, JournalError, JournalReport, check_journal};
pub use mark::{Beside, HighWaterMark, Mark, Marked, MemoryMark};
pub use mark_file::MarkFile;
pub use memory::MemoryStore;
pub use rocks::{Loss, RocksReader, RocksStore};
pub use store::{Direction, Durability, Pair, Reader, Store, for_each_row};

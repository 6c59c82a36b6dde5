//! Databases as bbolt keeps them: what etcd's snapshots are.
//!
//! A file is a row of pages. The first two say what is in it (one of them is enough), the third would list free pages, of which there are none in a
//! file that was written at once. The others are trees: leaves hold entries in the order of their keys, branches the first keys of what is
//! below them. An entry that does not fit into a page takes several. A bucket is an entry that names the root of a tree of its own, and
//! what names the buckets is a tree too.
//!
//! # Written from the front
//!
//! The first pages name the root and the number of all pages, so the layout has to be known before the first byte. It follows from sizes alone:
//! a [`Database`] is planned from how long keys and values are, and values are asked for ([`Entries`]) only when their page is written. Trees
//! come leaves first, level by level, and pages in the order of their numbers. Memory holds 16 bytes for each page and one leaf.
//!
//! Pure: no file, no runtime. Numbers are little-endian, as bbolt writes them on the machines that etcd supports best.

mod database;
mod entries;
mod format;
mod tree;

pub use database::Database;
pub use entries::{Entries, Listed};
pub use format::PAGE_BYTES;

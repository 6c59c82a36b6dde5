//! The store at one revision as the database of an etcd: what `etcdctl snapshot save` takes away, and `snapshot restore` makes a cluster of.
//!
//! etcd keeps records in the order of the revisions that put them, and a cluster tells them in the order of keys. So they are read once, page by
//! page, into a file without a name ([`Spool`]), and memory holds 24 bytes for each; sorted, those are the plan of the [`bolt`](crate::bolt)
//! database, which is then sent from its first byte on. The first message has to say how many bytes follow, and the first page how many
//! pages: both need all of the sizes before anything is sent, whichever way the pages are laid.

mod blobs;
mod database;
mod schema;
mod spool;

pub(crate) use blobs::send;
pub(crate) use database::database;
pub(crate) use spool::{Bounds, Spool, SpoolError};

#[cfg(test)]
mod tests;

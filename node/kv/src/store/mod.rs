//! The state machine that Tetrarch runs: a key-value store with etcd's revisions.
//!
//! # Rules
//!
//! 1. A fresh store is at revision 1. A command that changes something moves the revision up by one, however much it changes;
//!    one that changes nothing, as a delete of a missing key, does not move it.
//! 2. A command's operations run in order and see what those before them did. Each has its own result: one that is refused
//!    does not keep the others from running. A command that cannot be read, or is too large, is refused as a whole.
//! 3. A key's version counts its puts since it last came to be; its `create_revision` and `mod_revision` are the revisions of the
//!    first and the last of these.
//! 4. What an ordered command or a query reads, and what it answers, is bounded ([`bounds`]). The bounds are part of the
//!    protocol: results depend on them.
//!
//! # Tables
//!
//! ```text
//!   kv.records   key                          → KeyRecord              what is there now
//!   kv.events    revision, number within it   → what was put or deleted, for history and watches to come
//!   kv.meta      one row                      → revision, and how far back the events go
//! ```
//!
//! Events are kept up to a bound in number and in bytes, whole revisions at a time, and the latest revision always.

pub mod bounds;
mod changes;
mod command;
mod error;
mod events;
mod machine;
mod query;
mod record;
mod result;
mod select;

pub use command::{Command, Expected, Operation, prefix_end};
pub use error::KvError;
pub use machine::KvMachine;
pub use query::{KvQuery, QueryResult};
pub use record::KeyRecord;
pub use result::{CommandResult, OperationResult, Selection};

//! The state machine that Tetrarch runs: a key-value store with etcd's semantics (`specs/store.md`).
//!
//! # Rules
//!
//! 1. A fresh store is at revision 1. A request that changes a key moves the revision up by one, however much it changes; one that
//!    changes none, as a delete of a missing key, does not move it.
//! 2. A command's requests run in order and see what those before them did. Each has its own result: one that is refused changes nothing,
//!    and does not keep the others from running. A command that cannot be read, or is too large, is refused as a whole.
//! 3. A key's version counts its puts since it last came to be; its `create_revision` and `mod_revision` are the revisions of the
//!    first and the last of these.
//! 4. What an ordered command, a batch of them or a query reads, and what it answers, is bounded ([`bounds`]). The bounds are part of
//!    the protocol: results depend on them.
//! 5. Time is agreed time. Before a batch's commands leases end whose deadlines have passed.
//!
//! # Rooms
//!
//! `request` and `response` are what is said; `run` carries out commands, `query` answers without an order; both `read` ranges;
//! all of them work on the tables' `rows`; `chain` is how what happened is hashed.

pub mod bounds;
mod budget;
pub mod chain;
mod error;
mod failure;
mod load;
mod machine;
mod query;
mod read;
mod record;
mod request;
mod response;
mod rows;
mod run;

pub use error::KvError;
pub use machine::KvMachine;
pub use query::{
    Detail, EventTold, KvQuery, LeaseList, LeaseState, ListedLease, Place, Previous, QueryAnswer, QueryResult,
    RevisionTold, Story,
};
pub use record::{KeyRecord, Pair};
pub use request::{
    Command, Compare, Comparison, DeleteRangeRequest, Expected, KeyRange, Operation, PutRequest, RangeRequest, Request,
    Revisions, Sort, SortOrder, SortTarget, Target, TxnRequest, prefix_end,
};
pub use response::{Answered, CommandResult, Response, Selection, TxnResponse};

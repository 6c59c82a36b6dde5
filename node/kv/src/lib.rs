//! The replicated, deterministic key-value store.
//!
//! Rooms, each using those below it:
//!
//! * [`Installation`] replaces a state by that of a checkpoint, with the help of the two that follow.
//! * [`execution`] carries out decided batches on any [`StateMachine`]: exactly once, in order, one atomic write each. It owns
//!   what is replicated beside the machine's own state: nonces, replies, agreed time; and the ledger of what was decided.
//! * [`transfer`] fetches a state: which parts to ask of whom, and which to believe.
//! * [`tree`] is the authenticated tree over everything replicated: roots, proofs, parts, checks.
//! * [`store`] is the state machine that Tetrarch itself runs, a key-value store with etcd's revisions: [`KvMachine`].
//!
//! Everything here is pure: no clock, no randomness, no threads, no environment. Time is the batch's agreed time, and the only
//! thing touched is the [`Store`](tetrarch_storage::Store) that is passed in. That is what makes replicas agree.

#![forbid(unsafe_code)]

pub mod execution;
mod installation;
pub mod store;
mod tables;
pub mod transfer;
pub mod tree;

pub use execution::{
    Context, ExecuteError, Executed, Execution, Fate, Index, IndexRow, InstallError, OpenError, QueryError, Retention,
    StateMachine, StoredReply,
};
pub use installation::{InstallEvent, Installation};
pub use store::{
    Answered, Command, CommandResult, Compare, Comparison, DeleteRangeRequest, Expected, KeyRange, KeyRecord, KvError,
    KvMachine, KvQuery, Operation, PutRequest, QueryAnswer, QueryResult, RangeRequest, Request, Response, Selection,
    Target, TxnRequest, TxnResponse,
};
pub use tables::Overlay;
pub use tree::Damage;

//! The replicated, deterministic key-value store.
//!
//! Two rooms:
//!
//! * [`execution`] carries out decided batches on any [`StateMachine`]: exactly once, in order, one atomic write each. It owns
//!   what is replicated beside the machine's own state: nonces, replies, agreed time; and the ledger of what was decided.
//! * [`store`] is the state machine that Tetrarch itself runs, a key-value store with etcd's revisions: [`KvMachine`].
//!
//! Everything here is pure: no clock, no randomness, no threads, no environment. Time is the batch's agreed time, and the only
//! thing touched is the [`Store`](tetrarch_storage::Store) that is passed in. That is what makes replicas agree.

#![forbid(unsafe_code)]

pub mod execution;
pub mod store;

pub use execution::{
    Context, ExecuteError, Executed, Execution, Fate, OpenError, Overlay, QueryError, Retention, StateMachine,
    StoredReply,
};
pub use store::{
    Command, CommandResult, Expected, KeyRecord, KvError, KvMachine, KvQuery, Operation, OperationResult, QueryResult,
    Selection,
};

//! Carrying out decided batches, exactly once and in one atomic write each.
//!
//! ```text
//!   CommittedBatch ──▶ Execution ──▶ for each transaction whose nonce is unspent: StateMachine::execute over an Overlay
//!                          │
//!                          └──▶ one WriteBatch: the machine's tables, senders, replies, progress  (replicated, under the root)
//!                                               ledger, checkpoint roots                          (this node's own)
//! ```
//!
//! # Rules
//!
//! 1. Agreed time is the larger of the batch's stamp and the time so far. An empty batch moves nothing (rule T-2).
//! 2. A transaction whose (sender, nonce) is spent is skipped, whatever the batch says: it changes nothing, gets no leaf, and
//!    overwrites no reply (rule R-2).
//! 3. One that is no longer valid, or valid for too long, does not reach the machine; it spends its nonce and gets an answer.
//! 4. Every transaction that is not skipped has a leaf in the batch's result tree, in order, and a reply with the path to its
//!    root. The reply stays until the sender's nonces have moved on by a window, or the sender has been idle for long.
//! 5. All of a batch's effects are one atomic write. What is read is always the state behind some whole batch.
//!
//! # Why no write here is synced
//!
//! A client is told of a result when a quorum has executed the batch. Each of that quorum wrote the batch's bodies and its
//! prepared certificate to its journal, and synced them, before it sent the COMMIT that made execution possible. The journal
//! lives in the same store as the state, and a store loses only a suffix of its writes: so a journal record is discarded, at a
//! stable checkpoint, only together with or behind the state that it led to. A node that lost its youngest executions therefore
//! finds itself at an earlier whole batch, still has what it needs to be given the rest, and executes it again with the same
//! results; its nonces and replies went back with its state, so nothing is executed twice.
//!
//! # The state root, first form
//!
//! The root is a hash over every entry of the replicated tables but the reply cache and the indexes. That is O(n) at each checkpoint, n being the size of the whole
//! replicated state, and gives no proofs; an incremental tree will take its place behind the same function.

mod batch;
mod envelope;
mod errors;
mod ledger;
mod machine;
mod overlay;
mod replies;
mod root;
mod rows;
mod senders;

pub use batch::Executed;
pub use envelope::Execution;
pub use errors::{ExecuteError, OpenError, QueryError};
pub use ledger::Retention;
pub use machine::{Context, StateMachine};
pub use overlay::Overlay;
pub use replies::{Fate, StoredReply};
pub(crate) use rows::{behind, row, value};

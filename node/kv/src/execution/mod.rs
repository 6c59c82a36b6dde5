//! Carrying out decided batches, exactly once and in one atomic write each.
//!
//! ```text
//!   CommittedBatch ──▶ Execution ──▶ for each transaction whose nonce is unspent: StateMachine::execute over an Overlay
//!                          │
//!                          └──▶ one WriteBatch: the machine's tables, senders, replies, progress  (replicated, under the root)
//!                                               answers, nonces, idle                             (indexes over those)
//!                                               ledger, checkpoint roots                          (this node's own)
//! ```
//!
//! # Rules
//!
//! 1. Agreed time is the larger of the batch's stamp and the time so far (rule T-2). A batch that has a stamp begins with the machine's own
//!    turn, before its transactions and even without any. A gap filler has none, and moves nothing.
//! 2. A transaction whose (sender, nonce) is spent is skipped, whatever the batch says: it changes nothing, gets no leaf, and
//!    overwrites no reply (rule R-2).
//! 3. One that is no longer valid, or valid for too long, does not reach the machine; it spends its nonce and gets an answer.
//! 4. Every transaction that is not skipped has a leaf in the batch's result tree, in order, and a reply with the path to its
//!    root. The replies of the latest batches are kept, whole batches of them, within bounds of number and bytes.
//! 5. All of a batch's effects are one atomic write. What is read is always the state behind some whole batch.
//! 6. A result of more than `MAX_RESULT_BYTES` is empty and its command has no effect; so is one of more than 4 KiB once the
//!    results of its batch have used 16 MiB.
//!
//! # Which writes here are synced
//!
//! As a rule none. A batch is decided because a quorum wrote its bodies and its prepared certificate to their journals, and synced them,
//! before they sent the COMMITs that made execution possible. The journal lives in the same store as the state, and a store loses only a suffix
//! of its writes: so a journal record is discarded, at a stable checkpoint, only together with or behind the state that it led to. A node that
//! lost its youngest executions therefore finds itself at an earlier whole batch, still has what it needs to be given the rest, and
//! executes it again with the same results; its nonces and replies went back with its state, so nothing is executed twice. And its
//! journal tells it that it has prepared, and perhaps shown, what is not executed: nobody reads there until it is (rule X-4).
//!
//! A batch that the node did not prepare itself, because others decided it without, is the exception
//! ([`Execution::execute_durably`]): nothing would tell it that it has shown more than it has. So is a checkpoint that could not be frozen: when it is
//! stable, peers forget what led to it, and nobody might have it.
//!
//! # What is worked out before it is decided
//!
//! The effect of the next batch can be asked for while agreement on it goes on (rule X-2). It is a value: nothing of it is written, and nobody who
//! asks sees it. When that batch is decided it is written as if it had been worked out then; when another one is, or a state is installed,
//! it is forgotten. So a machine may be given commands that are never decided, and must not learn from them: it keeps nothing anyhow.
//!
//! # Installing a state
//!
//! A state that is damaged, or too far behind, is replaced by that of a checkpoint (rule S-4). A synced note stands in front of the
//! first row that is replaced, and goes in one write with the end. While it stands, nothing executes and nothing is answered here.
//!
//! # The state root
//!
//! Each batch notes which rooted rows it changed; a checkpoint folds that into the tree (`tree`), whose root all replicas agree on,
//! and freezes the store under its number (rule S-0). Proofs and the parts that peers fetch come from these snapshots. Where much
//! changes, the batches before a checkpoint fold a share each, so that none waits for long.

mod answers;
mod batch;
mod chain;
mod envelope;
mod errors;
mod folding;
mod head;
mod index;
mod install;
mod ledger;
mod machine;
mod replies;
mod rows;
mod senders;
mod snapshots;
mod tentative;
#[cfg(test)]
mod tests;

pub use batch::Executed;
pub use envelope::Execution;
pub use errors::{ExecuteError, InstallError, OpenError, QueryError};
pub use ledger::Retention;
pub use machine::{Context, Index, IndexRow, StateMachine};
pub use replies::{Fate, StoredReply};

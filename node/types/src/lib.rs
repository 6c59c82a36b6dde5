//! The vocabulary of Tetrarch: ids, time, transactions, batches, protocol messages, certificates, replies, genesis, membership and
//! the one canonical codec, together with the only two ways a signature enters or leaves the system: [`sign`] and [`Verifier`].
//!
//! Everything here is pure: no clock, no randomness, no I/O. Rules cited as `W-…`, `Q-…`, `N-…` are those of `specs/protocol.md`.

mod applied;
mod batch;
mod certificate;
mod client;
mod codec;
mod evidence;
mod genesis;
mod ids;
pub mod limits;
mod membership;
mod message;
mod nonce;
mod payload;
mod reply;
mod sender;
mod sharing;
mod state;
mod time;
mod transaction;
mod verify;

pub use applied::Applied;
pub use batch::{Batch, CommittedBatch};
pub use certificate::{CheckpointCertificate, CommitCertificate, PreparedCertificate, Votes};
pub use client::{Answer, NodeMode, NodeStatus, Query, Recovery, Refusal, Request, Response};
pub use codec::{DecodeError, decode, decode_own, encode};
pub use evidence::Evidence;
pub use genesis::{Genesis, GenesisError, Member, Parameters};
pub use ids::{Epoch, ReplicaId, SeqNum, TransactionId, View};
pub use membership::{Membership, nth_largest};
pub use message::{
    Checkpoint, Commit, Fetch, Lane, Message, MessageKind, NewView, PrePrepare, Prepare, Proposal, Signable, Signed,
    Status, Supply, ViewChange,
};
pub use nonce::NonceWindow;
pub use payload::{Payload, sign};
pub use reply::{
    Outcome, Reply, ReplyCertificate, Results, SignedResults, TentativeResults, TentativeVotes, result_leaf,
};
pub use sender::Sender;
pub use sharing::{Host, Taken};
pub use state::{Held, HeldVote, StatePart, StateProof, StateProofError, StateRow, TransferProgress};
pub use time::{Now, Time, Timestamp};
pub use transaction::{Transaction, TransactionBody};
pub use verify::{Rejection, Verified, Verifier};

//! Signs transactions, sends them to every replica and gathers reply certificates.
//!
//! A [`Client`] believes no replica. What it returns rests on numbers:
//!
//! - A write is answered at **q** matching replies, so that every later unordered read at q sees it (rule R-4). Matching means
//!   the same sequence number, outcome and result root; each reply's path and signature are checked first, and that the replica
//!   asked is the one that signed.
//! - A read is answered at **q** identical answers. Where replicas answer differently for long, [`ClientError::Disagree`] says
//!   so, and the caller orders the read as a transaction.
//! - A refusal is believed when **f + 1** replicas give the same one.
//! - A [`ReplyCertificate`](tetrarch_types::ReplyCertificate) holds the signatures of **f + 1** replicas that call it decided, or of q, and anyone can
//!   check it offline.
//! - A [`StateProof`](tetrarch_types::StateProof) is believed from **one** replica, because q signatures and a way through the
//!   state's tree come with it. How new it is one replica could lie about, so several are heard and the newest counts.
//!
//! A replica that lies, answers garbage or stays silent is one that did not answer: it cannot stop, mislead or crash a client as
//! long as no more than f of them do so.
//!
//! What is deliberately absent: knowledge of commands and queries, which are bytes here (`tetrarch-kv` knows them).

mod asks;
mod client;
mod document;
mod error;
mod nonce_file;
mod nonces;
mod options;
mod proofs;
mod queries;
mod read;
mod state_document;
mod submission;
mod tally;

pub use client::{Client, wall_clock};
pub use document::{DocumentError, receipt_from_json, receipt_to_json, transaction_from_json, transaction_to_json};
pub use error::{ClientError, NoQuorum, Trouble};
pub use nonce_file::{NonceFile, NonceFileError};
pub use options::ClientOptions;
pub use queries::Known;
pub use read::ReadAnswer;
pub use state_document::{proof_from_json, proof_to_json};
pub use submission::Submitted;

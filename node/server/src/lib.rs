//! One node: everything around the pure replica, a station for each step of a transaction's way.
//!
//! ```text
//!   clients ──▶ desk ──▶ verifier ──▶ desk ──▶ inbox ──▶ driver ──▶ journal, then peers
//!   peers ─────────────▶ verifier ──────────▶    ▲         │  ▲
//!                                                │         │  └─ its own messages
//!                                                │         ├──▶ supplier ──▶ peers that lag
//!                                                │         ▼
//!                                                └───── executor ──▶ egress ──▶ clients
//! ```
//!
//! What holds here:
//!
//! 1. Nothing that depends on a record leaves before it is durable; one fsync serves a whole turn of the driver.
//! 2. After an error of the disk the node votes no more, says so, and retries nothing. It goes on answering reads.
//! 3. Votes wait behind nothing else, on the way in and in the inbox.
//! 4. Every queue is bounded; their sizes and reasons are in `bounds.rs`. A full one makes the transport pause, drops what can be
//!    asked for again, or tells the client that the node is busy.
//! 5. Clocks are read in `clock.rs` and nowhere else.
//! 6. Killing the process at any moment is safe.
//! 7. What a start finds damaged it says, repairs from the other replicas, and does not vote with meanwhile where that matters
//!    (`recovery`).

#![forbid(unsafe_code)]

mod assembly;
mod bounds;
mod clock;
mod config;
mod counters;
mod desk;
mod directory;
mod doors;
mod driver;
mod egress;
mod error;
mod evidence;
mod executor;
mod health;
mod inbox;
mod node;
mod observe;
mod outbox;
mod recovery;
mod seam;
mod shared;
mod sharing;
mod status;
mod supplier;
mod threads;
mod verifier;
mod weight;

pub use config::{ClientConfig, Identity, LogConfig, LogFormat, NodeConfig, PoolConfig, StartCheck};
pub use directory::{init, tables};
pub use error::{ExitClass, NodeError};
pub use node::{Node, run, run_behind};
pub use seam::{Mouth, Seam};

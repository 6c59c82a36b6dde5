//! Starts, watches, breaks and mends the real node processes of a testnet on one machine.
//!
//! - [`create()`] makes a directory with everything a testnet needs; [`Testnet::open`] finds it whole.
//! - [`Supervisor`] starts the nodes, and a [`Gateway`] if there is to be one, and keeps them up. It holds the standard input of each: whatever becomes of the supervisor, no
//!   node outlives it. What crashes is started again, what was killed on purpose stays down.
//! - [`send`] tells a running supervisor, through a socket in the directory, whom to kill, start, pause, resume or corrupt.
//! - [`Observer`] says how everything is.
//!
//! Signals go to processes that the supervisor started and has not yet seen end, and to nothing else.

pub mod control;
mod create;
mod description;
mod detached;
mod directory;
mod ephemeral;
mod error;
mod files;
mod gateway;
mod last_words;
mod layout;
mod lock;
mod log_file;
mod log_reader;
mod node;
mod ports;
mod protocol;
mod recovery;
mod status;
mod supervisor;
mod testnet;
mod whom;

pub use control::send;
pub use create::{Plan, create};
pub use description::Description;
pub use detached::{Detached, lead_session};
pub use ephemeral::Ephemeral;
pub use error::LaunchError;
pub use gateway::Gateway;
pub use layout::Layout;
pub use lock::SupervisorLock;
pub use log_reader::LogReader;
pub use protocol::{Answer, Command, GatewayStatus, ProcessState, ProcessStatus, Refusal, SupervisorStatus};
pub use recovery::{RecoveryStatus, TransferStatus};
pub use status::{Observer, ReplicaState, ReplicaStatus, TestnetStatus};
pub use supervisor::Supervisor;
pub use testnet::{Testnet, wipe};
pub use tetrarch_liar::{Corruption, Mode};
pub use whom::Whom;

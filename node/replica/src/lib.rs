//! The PBFT state machine, pure and synchronous.
mod config;
mod door;
mod event;
#[cfg(feature = "mutants")]
mod mutant;
mod replica;
mod turn;

pub use config::{Config, PoolLimits};
pub use door::{Effect, Effects, Input, Recipients, Record};
pub use event::{Event, Evidence, Ignored, Missing, ProposalFault, ViewChangeReason};
#[cfg(feature = "mutants")]
pub use mutant::Mutant;
pub use replica::{Corrupt, Replica, ReplicaStatus};
pub use turn::Turn;

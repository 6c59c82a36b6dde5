//! A small deterministic cluster around the real core: nothing is delivered, no clock moves and no replica falls or rises until it
//! is told to.

pub(crate) mod chain;
pub(crate) mod cluster;
pub(crate) mod envelope;
pub(crate) mod machine;
pub(crate) mod names;
pub(crate) mod node;
pub(crate) mod promises;
pub(crate) mod scheme;
pub(crate) mod shown;

use tetrarch_types::{ReplicaId, SeqNum, View};

pub(crate) fn id(number: usize) -> ReplicaId {
    ReplicaId::new(u16::try_from(number).unwrap())
}

pub(crate) const fn seq(number: u64) -> SeqNum {
    SeqNum::new(number)
}

pub(crate) const fn view(number: u64) -> View {
    View::new(number)
}

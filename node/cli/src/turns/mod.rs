//! `tetrarch lock` and `tetrarch elect`: a turn that is held while something runs.

mod elect;
mod held;
mod lock;
mod program;

pub(crate) use elect::{ElectArguments, run as elect};
pub(crate) use lock::{LockArguments, run as lock};

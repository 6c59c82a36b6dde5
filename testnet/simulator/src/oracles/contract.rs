//! The machine's contract: what it answers and writes follows from the command, its context and the state, and from nothing else.

use super::{Oracle, Rules, Verdict};
use crate::sight::Sight;

/// See the module.
pub(super) struct Contract;

impl Oracle for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Misbehaved { by, what } => Err(format!("on replica {by}, {what}")),
            _ => Ok(()),
        }
    }
}

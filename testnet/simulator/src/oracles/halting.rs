//! No honest replica finds itself on another state than a quorum, and none stops voting.

use tetrarch_replica::Event;

use super::{Oracle, Rules, Verdict};
use crate::sight::Sight;

/// See the module.
pub(super) struct Halting;

impl Oracle for Halting {
    fn name(&self) -> &'static str {
        "no-divergence"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Observed { by, event: Event::Diverged { seq, own, agreed } } => {
                Err(format!("replica {by} has root {own:?} at {seq} and a quorum has {agreed:?}"))
            }
            _ => Ok(()),
        }
    }
}

//! The workload's own invariant holds in the state behind every batch, and in every honest replica's at the end.

use super::{Oracle, Rules, Verdict};
use crate::sight::Sight;

/// See the module.
pub(super) struct Invariant;

impl Oracle for Invariant {
    fn name(&self) -> &'static str {
        "invariant"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Judged { by, seq, verdict: Err(what) } => Err(format!("replica {by} behind batch {seq}: {what}")),
            _ => Ok(()),
        }
    }
}

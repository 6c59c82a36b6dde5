//! Agreed time never runs ahead: a batch that is executed was stamped at most the allowed bound after a clock that is right.
//!
//! A quorum accepted the stamp, and at most f of it lie or have wrong clocks: so one whose clock is right did (rule T-1).

use std::time::Duration;

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// The protocol's bound, said a second time.
const BOUND: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct AgreedTime;

impl Oracle for AgreedTime {
    fn name(&self) -> &'static str {
        "agreed-time"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        let Sight::Stamped { by, seq, stamp, latest } = sight else { return Ok(()) };
        ensure(*stamp <= latest.plus(BOUND), || {
            let ahead = stamp.distance(*latest);
            format!("replica {by} executes batch {seq}, stamped {ahead:?} ahead of every clock that is right")
        })
    }
}

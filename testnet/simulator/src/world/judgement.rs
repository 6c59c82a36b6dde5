//! What the workload says of states.

use tetrarch_types::SeqNum;

use super::{World, replica_id};
use crate::sight::Sight;

impl World {
    /// A replica has just executed a batch. If it is the first, the workload is asked about the state.
    pub(super) fn judge_first(&mut self, index: usize, seq: SeqNum) {
        if seq > self.judged && self.judge(index, seq) {
            self.judged = seq;
        }
    }

    /// Asks the workload about a replica's state; whether it could say something.
    pub(super) fn judge(&mut self, index: usize, seq: SeqNum) -> bool {
        let Some(verdict) = self.nodes[index].judged() else { return false };
        self.see(&Sight::Judged { by: replica_id(index), seq, verdict });
        true
    }
}

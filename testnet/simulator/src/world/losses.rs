//! What a power failure took, and whether promises went with it.

use tetrarch_storage::{JOURNAL, Taken};

use super::{World, replica_id};
use crate::faults::{CrashPoint, LOST_WRITES, NodeTrouble, forms};
use crate::node::JournalEnds;
use crate::sight::Sight;

/// A node before its power fails.
pub(super) struct Before {
    point: Option<CrashPoint>,
    was_lying: bool,
    ends: JournalEnds,
}

impl World {
    /// Looks at a node that is about to lose its power. No sector is torn if that could take more promises than a cluster bears.
    pub(super) fn before_crash(&mut self, index: usize) -> Before {
        let spared = self.is_honest(index) && !self.may_forget(index);
        let node = &mut self.nodes[index];
        if let Some((CrashPoint::Torn { sector }, _)) = &mut node.doomed {
            *sector = *sector && !spared;
        }
        let point = node.doomed.map(|(point, _)| point);
        Before { point, was_lying: node.disk.is_lying(), ends: node.disk.journal_ends() }
    }

    /// Counts what is gone, and says whether the node forgot promises.
    pub(super) fn after_crash(&mut self, index: usize, before: &Before, taken: &Taken) {
        self.count(LOST_WRITES, taken.writes as u64);
        self.count_torn(index, before, taken);
        let ends = self.nodes[index].disk.journal_ends();
        if ends.is_mended() {
            self.count(forms::MENDED_TAIL, 1);
        }
        if taken.synced == 0 && !before.was_lying {
            return;
        }
        let shows = ends.shows();
        if !shows && !ends.has_lost_since(&before.ends) {
            return;
        }
        if before.was_lying {
            self.strike(NodeTrouble::LostFsync, index);
            self.count(if shows { forms::LOST_FSYNC_SHOWN } else { forms::LOST_FSYNC_HIDDEN }, 1);
        }
        if self.is_honest(index) {
            self.forget(index, shows);
        }
    }

    fn count_torn(&mut self, index: usize, before: &Before, taken: &Taken) {
        match before.point {
            Some(CrashPoint::Torn { sector: true }) if taken.synced > 0 => {
                self.strike(NodeTrouble::TornSector, index);
            }
            Some(CrashPoint::Torn { .. }) if taken.writes > 0 => {
                let is_entry = taken.first.contains(&JOURNAL);
                self.strike(NodeTrouble::TornWrite, index);
                self.count(if is_entry { forms::TORN_ENTRY } else { forms::TORN_BATCH }, 1);
            }
            _ => {}
        }
    }

    /// From here on the replica counts among the faulty ones.
    pub(super) fn forget(&mut self, index: usize, shows: bool) {
        self.harms.forgetful.insert(index);
        self.see(&Sight::Forgot { by: replica_id(index), shows });
    }
}

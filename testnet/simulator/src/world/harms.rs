//! What befalls the disks of nodes that are down, and how much of it a cluster must bear.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::World;
use crate::faults::{Harm, NodeTrouble};
use crate::node::Backup;

/// Who was harmed, and the copies that may be put back.
#[derive(Default)]
pub(super) struct Harms {
    backups: BTreeMap<usize, Backup>,
    /// Replicas that lost records of their votes: faulty, like liars, whatever becomes of them.
    pub(super) forgetful: BTreeSet<usize>,
    /// Replicas with a damaged state, or without a snapshot of it.
    pub(super) damaged: BTreeSet<usize>,
    /// Replicas whose wall clocks are wrong now.
    pub(super) misled: BTreeSet<usize>,
}

impl World {
    /// Does it, unless more replicas would be faulty than any cluster bears.
    pub(super) fn harm(&mut self, index: usize, harm: Harm, down: Duration) {
        if !self.is_honest(index) || self.nodes[index].running.is_none() || !self.is_bearable(index, harm) {
            return;
        }
        if harm == Harm::Restore && self.nodes[index].disk.is_lying() {
            return;
        }
        if harm == Harm::Restore && !self.harms.backups.contains_key(&index) {
            let backup = self.nodes[index].disk.back_up();
            self.harms.backups.insert(index, backup);
            return;
        }
        self.crash(index, down);
        let before = self.nodes[index].disk.back_up();
        if !self.befall(index, harm) {
            return;
        }
        // What no longer says which chain it is of will be set aside whole, journal and all.
        let is_set_aside = !harm.takes_votes() && self.nodes[index].names_no_chain(&self.chain);
        if is_set_aside && !self.may_forget(index) {
            self.nodes[index].disk.restore(&before);
            return;
        }
        self.strike(NodeTrouble::Harm(harm), index);
        if harm.takes_votes() || is_set_aside {
            self.forget(index, harm.shows());
        } else {
            self.harms.damaged.insert(index);
        }
    }

    fn is_bearable(&self, index: usize, harm: Harm) -> bool {
        if harm.takes_votes() { self.may_forget(index) } else { self.may_be_damaged(index) }
    }

    /// Whether one more may have a damaged state, or lack a snapshot.
    pub(super) fn may_be_damaged(&self, index: usize) -> bool {
        self.harms.damaged.iter().filter(|other| **other != index).count() < self.rules.f()
    }

    /// Whether one more may lose records of its votes.
    pub(super) fn may_forget(&self, index: usize) -> bool {
        let others = self.harms.forgetful.iter().filter(|other| **other != index).count();
        self.rules.liars.len() + others < self.rules.f()
    }

    /// Whether anything was there to be harmed.
    fn befall(&mut self, index: usize, harm: Harm) -> bool {
        let (disk, starts_cold) = (self.nodes[index].disk.clone(), self.nodes[index].starts_cold());
        match harm {
            Harm::Wipe => disk.wipe(),
            Harm::Reinit => {
                disk.wipe();
                if let Err(what) = self.nodes[index].init(&self.chain) {
                    self.fail("set-up", what);
                }
            }
            Harm::Restore => {
                if let Some(backup) = self.harms.backups.remove(&index) {
                    disk.restore(&backup);
                }
            }
            Harm::LoseMark => return disk.lose_mark(),
            Harm::CutJournal => return disk.cut_journal(),
            Harm::FlipJournal => return disk.flip_journal(&mut self.rng),
            Harm::FlipVote => return disk.flip_vote(&mut self.rng),
            Harm::MisdirectJournal => return disk.misdirect_journal(&mut self.rng),
            Harm::Rot => return disk.rot(&mut self.rng),
            Harm::MisdirectTable => return disk.misdirect_table(starts_cold, &mut self.rng),
            Harm::FlipSnapshot => return disk.flip_snapshot(&mut self.rng),
            Harm::RotSnapshot => return disk.rot_snapshot(&mut self.rng),
            Harm::MisdirectSnapshot => return disk.misdirect_snapshot(&mut self.rng),
        }
        true
    }
}

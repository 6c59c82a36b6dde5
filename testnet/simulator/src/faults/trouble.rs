//! What can happen to nodes and links.

use super::{
    Action, Harm, Scene, bridge, clock_freeze, clock_jump, crash, crash_in_turn, crash_storm, full_disk, harm,
    isolate_primary, lost_fsync, one_way, partition, pause, power_cut, ring, slow_disk, starved_link, torn_write,
};
use crate::rng::Rng;

/// Something that can happen to nodes and links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeTrouble {
    /// A node crashes at any moment.
    Crash,
    /// A node crashes between the parts of a turn.
    CrashInTurn,
    /// A node crashes again and again.
    CrashStorm,
    /// All nodes crash at once.
    PowerCut,
    /// A node crashes, and a write reached the disk in part.
    TornWrite,
    /// The same, and the sector that was torn held synced writes as well.
    TornSector,
    /// A node crashes whose disk only said that it had synced.
    LostFsync,
    /// A node's disk is full.
    FullDisk,
    /// A node's disk is slow.
    SlowDisk,
    /// The replicas fall into two groups.
    Partition,
    /// Some links work in one direction only.
    OneWay,
    /// The replicas fall into two groups, and one replica hears both.
    Bridge,
    /// Each replica hears its two neighbours only.
    Ring,
    /// The primary is cut off.
    IsolatePrimary,
    /// A link gets through only a trickle.
    StarvedLink,
    /// A node stands still.
    Pause,
    /// A node's wall clock jumps.
    ClockJump,
    /// A node's wall clock stands still.
    ClockFreeze,
    /// Something befalls a node's disk.
    Harm(Harm),
}

impl NodeTrouble {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::Crash,
        Self::CrashInTurn,
        Self::CrashStorm,
        Self::PowerCut,
        Self::TornWrite,
        Self::TornSector,
        Self::LostFsync,
        Self::FullDisk,
        Self::SlowDisk,
        Self::Partition,
        Self::OneWay,
        Self::Bridge,
        Self::Ring,
        Self::IsolatePrimary,
        Self::StarvedLink,
        Self::Pause,
        Self::ClockJump,
        Self::ClockFreeze,
        Self::Harm(Harm::Wipe),
        Self::Harm(Harm::Reinit),
        Self::Harm(Harm::Restore),
        Self::Harm(Harm::LoseMark),
        Self::Harm(Harm::CutJournal),
        Self::Harm(Harm::FlipJournal),
        Self::Harm(Harm::FlipVote),
        Self::Harm(Harm::MisdirectJournal),
        Self::Harm(Harm::Rot),
        Self::Harm(Harm::MisdirectTable),
        Self::Harm(Harm::FlipSnapshot),
        Self::Harm(Harm::RotSnapshot),
        Self::Harm(Harm::MisdirectSnapshot),
    ];

    /// What it is counted under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::CrashInTurn => "crash-in-turn",
            Self::CrashStorm => "crash-storm",
            Self::PowerCut => "power-cut",
            Self::TornWrite => "torn-write",
            Self::TornSector => "torn-sector",
            Self::LostFsync => "lost-fsync",
            Self::FullDisk => "full-disk",
            Self::SlowDisk => "slow-disk",
            Self::Partition => "partition",
            Self::OneWay => "one-way",
            Self::Bridge => "bridge",
            Self::Ring => "ring",
            Self::IsolatePrimary => "isolate-primary",
            Self::StarvedLink => "starved-link",
            Self::Pause => "pause",
            Self::ClockJump => "clock-jump",
            Self::ClockFreeze => "clock-freeze",
            Self::Harm(harm) => harm.name(),
        }
    }

    /// What is to happen now.
    pub fn strike(self, scene: &Scene, rng: &mut Rng) -> Vec<Action> {
        match self {
            Self::Crash => crash::strike(scene, rng),
            Self::CrashInTurn => crash_in_turn::strike(scene, rng),
            Self::CrashStorm => crash_storm::strike(scene, rng),
            Self::PowerCut => power_cut::strike(scene, rng),
            Self::TornWrite => torn_write::strike(false, scene, rng),
            Self::TornSector => torn_write::strike(true, scene, rng),
            Self::LostFsync => lost_fsync::strike(scene, rng),
            Self::FullDisk => full_disk::strike(scene, rng),
            Self::SlowDisk => slow_disk::strike(scene, rng),
            Self::Partition => partition::strike(scene, rng),
            Self::OneWay => one_way::strike(scene, rng),
            Self::Bridge => bridge::strike(scene, rng),
            Self::Ring => ring::strike(scene, rng),
            Self::IsolatePrimary => isolate_primary::strike(scene, rng),
            Self::StarvedLink => starved_link::strike(scene, rng),
            Self::Pause => pause::strike(scene, rng),
            Self::ClockJump => clock_jump::strike(scene, rng),
            Self::ClockFreeze => clock_freeze::strike(scene, rng),
            Self::Harm(harm) => harm::strike(harm, scene, rng),
        }
    }
}

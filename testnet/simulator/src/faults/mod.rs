//! What goes wrong without anyone lying, one kind a file.
//!
//! Two sorts. A [`MessageTrouble`] changes the way of one message through the network. A [`NodeTrouble`] looks at the scene from
//! time to time and says what is to happen, as data; the world carries it out and counts it.
//!
//! ```text
//!   links    loss duplication reordering burst slow-link │ starved-link one-way partition bridge ring isolate-primary
//!   power    crash crash-in-turn crash-storm power-cut torn-write torn-sector lost-fsync
//!   disks    full-disk slow-disk, and what befalls one while its node is down (Harm)
//!   time     pause clock-jump clock-freeze
//! ```

mod action;
mod bridge;
mod burst;
mod clock_freeze;
mod clock_jump;
mod crash;
mod crash_in_turn;
mod crash_storm;
mod duplication;
mod full_disk;
mod harm;
mod isolate_primary;
mod loss;
mod lost_fsync;
mod message;
mod one_way;
mod partition;
mod pause;
mod power_cut;
mod reordering;
mod ring;
mod scene;
mod slow_disk;
mod slow_link;
mod starved_link;
mod torn_write;
mod trouble;

pub use action::{Action, CrashPoint};
pub use full_disk::WritePoint;
pub use harm::Harm;
pub use message::{MessageTrouble, Route};
pub use scene::Scene;
pub(crate) use slow_disk::FSYNC as SLOW_FSYNC;
pub use trouble::NodeTrouble;

/// What crashes take from the disk: counted beside the faults, since no fault does it alone.
pub const LOST_WRITES: &str = "lost-writes";

/// Forms of faults that are counted beside the fault itself, so that none of them can stay away unnoticed.
pub mod forms {
    /// The write that was torn was of the journal.
    pub const TORN_ENTRY: &str = "torn-write-journal";
    /// The write that was torn was a batch of the executor.
    pub const TORN_BATCH: &str = "torn-write-batch";
    /// What a lost fsync took of the journal is missed by the mark.
    pub const LOST_FSYNC_SHOWN: &str = "lost-fsync-shown";
    /// The mark lost its fsync as well: the node cannot know.
    pub const LOST_FSYNC_HIDDEN: &str = "lost-fsync-hidden";
    /// The last append is there beside the mark alone.
    pub const MENDED_TAIL: &str = "mended-tail";
    /// The wall clock is ahead.
    pub const CLOCK_AHEAD: &str = "clock-ahead";
    /// The wall clock is behind.
    pub const CLOCK_BEHIND: &str = "clock-behind";
    /// The power fails between two writes of a start.
    pub const CRASH_IN_START: &str = "crash-in-start";
    /// The power fails at a write of a state installation.
    pub const CRASH_IN_INSTALL: &str = "crash-in-install";

    /// All of them.
    pub const ALL: [&str; 9] = [
        TORN_ENTRY,
        TORN_BATCH,
        LOST_FSYNC_SHOWN,
        LOST_FSYNC_HIDDEN,
        MENDED_TAIL,
        CLOCK_AHEAD,
        CLOCK_BEHIND,
        CRASH_IN_START,
        CRASH_IN_INSTALL,
    ];
}

//! What is to be done to nodes and links, as data.

use std::time::Duration;

use super::{Harm, WritePoint};

/// Where in a turn a crash strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// What needed no record has left; the records are lost.
    BeforeWrite,
    /// While the records and the mark with their copies are being synced: each is there after the crash, or not.
    DuringSync,
    /// The records are durable; of what waited for them only this many effects ran.
    AfterSync(usize),
    /// While the records are being synced, and a write is torn: one that is not whole, and if the disk tears whole sectors, perhaps
    /// synced ones in front of it.
    Torn {
        /// Whether it does.
        sector: bool,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A node loses its power, and comes back.
    Crash {
        /// Which.
        node: usize,
        /// For how long.
        down: Duration,
    },
    /// A node loses its power inside its next turn that writes something.
    CrashInTurn {
        /// Which.
        node: usize,
        /// Where in the turn.
        point: CrashPoint,
        /// For how long.
        down: Duration,
    },
    /// A node loses its power, and again each time shortly after it came back; also inside a start, and inside an installation.
    Storm {
        /// Which.
        node: usize,
        /// How often it comes back in vain.
        times: u32,
    },
    /// A node's disk says that fsyncs are done, and they are not; then the node loses its power.
    LoseFsyncs {
        /// Which.
        node: usize,
        /// How long the disk lies.
        lasting: Duration,
        /// For how long the node is down then.
        down: Duration,
    },
    /// A node's disk has no room for its next write at a certain point: the node stops, and comes back when there is room.
    Fill {
        /// Which.
        node: usize,
        /// The point.
        point: WritePoint,
        /// For how long it is down.
        down: Duration,
    },
    /// A node's fsyncs take long.
    SlowDisk {
        /// Which.
        node: usize,
        /// For how long.
        lasting: Duration,
    },
    /// A node loses its power, and something befalls its disk.
    Harm {
        /// Which.
        node: usize,
        /// What.
        harm: Harm,
        /// For how long it is down.
        down: Duration,
    },
    /// Nothing passes on these links, each in its own direction.
    Cut {
        /// From where to where.
        links: Vec<(usize, usize)>,
        /// For how long.
        lasting: Duration,
    },
    /// On these links only one message passes each time; what comes sooner is dropped.
    Starve {
        /// From where to where.
        links: Vec<(usize, usize)>,
        /// The time from one that passes to the next.
        every: Duration,
        /// For how long.
        lasting: Duration,
    },
    /// A node stands still and finds everything that happened meanwhile in its inbox.
    Pause {
        /// Which.
        node: usize,
        /// For how long.
        lasting: Duration,
    },
    /// A node's wall clock is set wrong, and later right again. Its monotonic clock knows nothing of it.
    SetClock {
        /// Which.
        node: usize,
        /// Microseconds ahead of what it showed; negative for behind.
        ahead: i64,
        /// Until it is set right.
        lasting: Duration,
    },
    /// A node's wall clock stands still, and then shows the right time again.
    FreezeClock {
        /// Which.
        node: usize,
        /// For how long.
        lasting: Duration,
    },
}

//! What goes wrong without anyone lying, one kind a file.
//!
//! Two sorts. A [`MessageTrouble`] changes the way of one message through the network. A [`NodeTrouble`] looks at the scene from
//! time to time and says what is to happen, as data; the world carries it out and counts it.

mod burst;
mod crash;
mod crash_in_turn;
mod duplication;
mod harm;
mod isolate_primary;
mod loss;
mod one_way;
mod partition;
mod pause;
mod power_cut;
mod reordering;
mod slow_link;

use std::time::Duration;

use tetrarch_types::Time;

pub use harm::Harm;

use crate::rng::Rng;

/// What crashes take from the disk: counted beside the faults, since no fault does it alone.
pub const LOST_WRITES: &str = "lost-writes";

/// The way of one message: when each of its copies arrives, counted from its departure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// When it leaves.
    pub departs: Time,
    /// From where, as an index over replicas and clients.
    pub from: usize,
    /// To where.
    pub to: usize,
    /// A way for each copy; none if it is lost.
    pub copies: Vec<Duration>,
}

/// Something that can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageTrouble {
    /// It never arrives.
    Loss,
    /// It arrives more than once.
    Duplication,
    /// Others overtake it.
    Reordering,
    /// It waits, and arrives together with others.
    Burst,
    /// A few links are slow, the others are not.
    SlowLink,
}

impl MessageTrouble {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Loss, Self::Duplication, Self::Reordering, Self::Burst, Self::SlowLink];

    /// What it is counted under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Duplication => "duplication",
            Self::Reordering => "reordering",
            Self::Burst => "burst",
            Self::SlowLink => "slow-link",
        }
    }

    /// Does it to a message; whether anything changed.
    pub fn befall(self, route: &mut Route, rng: &mut Rng) -> bool {
        let before = route.copies.clone();
        match self {
            Self::Loss => loss::befall(route),
            Self::Duplication => duplication::befall(route, rng),
            Self::Reordering => reordering::befall(route, rng),
            Self::Burst => burst::befall(route),
            Self::SlowLink => slow_link::befall(route),
        }
        route.copies != before
    }
}

/// What a [`NodeTrouble`] can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Which replicas are up.
    pub up: Vec<bool>,
    /// The primary of the highest view that an honest replica is in.
    pub primary: usize,
    /// Who lies: whoever breaks the network may be in league with them.
    pub liars: Vec<usize>,
    /// The replicas' first timeout.
    pub timeout: Duration,
}

impl Scene {
    /// The replicas that are up.
    pub fn alive(&self) -> Vec<usize> {
        (0..self.up.len()).filter(|node| self.up[*node]).collect()
    }

    /// All replicas.
    pub fn everyone(&self) -> Vec<usize> {
        (0..self.up.len()).collect()
    }
}

/// Where in a turn a crash strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// What needed no record has left; the records are lost.
    BeforeWrite,
    /// While the records are being synced: they are there after the crash, or not.
    DuringSync,
    /// The records are durable; of what waited for them only this many effects ran.
    AfterSync(usize),
}

/// What is to be done to nodes and links.
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
    /// A node stands still and finds everything that happened meanwhile in its inbox.
    Pause {
        /// Which.
        node: usize,
        /// For how long.
        lasting: Duration,
    },
}

/// Something that can happen to nodes and links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeTrouble {
    /// A node crashes at any moment.
    Crash,
    /// A node crashes between the parts of a turn.
    CrashInTurn,
    /// All nodes crash at once.
    PowerCut,
    /// The replicas fall into two groups.
    Partition,
    /// Some links work in one direction only.
    OneWay,
    /// The primary is cut off.
    IsolatePrimary,
    /// A node stands still.
    Pause,
    /// Something befalls a node's disk.
    Harm(Harm),
}

impl NodeTrouble {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Crash,
        Self::CrashInTurn,
        Self::PowerCut,
        Self::Partition,
        Self::OneWay,
        Self::IsolatePrimary,
        Self::Pause,
        Self::Harm(Harm::Wipe),
        Self::Harm(Harm::Reinit),
        Self::Harm(Harm::Restore),
        Self::Harm(Harm::LoseMark),
        Self::Harm(Harm::CutJournal),
        Self::Harm(Harm::FlipJournal),
        Self::Harm(Harm::Rot),
        Self::Harm(Harm::FlipSnapshot),
    ];

    /// What it is counted under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::CrashInTurn => "crash-in-turn",
            Self::PowerCut => "power-cut",
            Self::Partition => "partition",
            Self::OneWay => "one-way",
            Self::IsolatePrimary => "isolate-primary",
            Self::Pause => "pause",
            Self::Harm(Harm::Wipe) => "wiped-disk",
            Self::Harm(Harm::Reinit) => "second-init",
            Self::Harm(Harm::Restore) => "restored-backup",
            Self::Harm(Harm::LoseMark) => "lost-mark",
            Self::Harm(Harm::CutJournal) => "cut-journal",
            Self::Harm(Harm::FlipJournal) => "rot-journal",
            Self::Harm(Harm::Rot) => "rot-table",
            Self::Harm(Harm::FlipSnapshot) => "rot-snapshot",
        }
    }

    /// What is to happen now.
    pub fn strike(self, scene: &Scene, rng: &mut Rng) -> Vec<Action> {
        match self {
            Self::Crash => crash::strike(scene, rng),
            Self::CrashInTurn => crash_in_turn::strike(scene, rng),
            Self::PowerCut => power_cut::strike(scene, rng),
            Self::Partition => partition::strike(scene, rng),
            Self::OneWay => one_way::strike(scene, rng),
            Self::IsolatePrimary => isolate_primary::strike(scene, rng),
            Self::Pause => pause::strike(scene, rng),
            Self::Harm(harm) => harm::strike(harm, scene, rng),
        }
    }
}

/// How long something lasts: often shorter than a timeout, sometimes longer than several.
fn lasting(rng: &mut Rng) -> Duration {
    let most = rng.one_of([5, 50, 500, 2_000]);
    rng.span(Duration::from_millis(1), Duration::from_millis(most))
}

/// Every link between the two groups, in both directions.
fn between(one: &[usize], other: &[usize]) -> Vec<(usize, usize)> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
    pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
}

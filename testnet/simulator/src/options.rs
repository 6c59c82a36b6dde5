//! What the caller of a run may fix. Everything else is drawn from the seed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::adversary::Lie;
use crate::client::Mischief;
use crate::scheme::Signatures;
use crate::trouble::Trouble;

/// Which kinds of trouble a run may draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// A good network, no faults at all.
    Calm,
    /// A bad network and nodes that crash, pause and lose their power.
    Crashes,
    /// A fair network and up to f lying replicas.
    Byzantine,
    /// All of it.
    #[default]
    Mixed,
    /// More than f replicas run twice with one key: the order may fork, and then those who made it are to be convicted.
    Overrun,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Calm, Self::Crashes, Self::Byzantine, Self::Mixed, Self::Overrun];

    /// As it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Crashes => "crashes",
            Self::Byzantine => "byzantine",
            Self::Mixed => "mixed",
            Self::Overrun => "overrun",
        }
    }

    /// Whether nodes may crash and the network may break.
    pub const fn has_faults(self) -> bool {
        matches!(self, Self::Crashes | Self::Mixed)
    }

    /// Whether no more replicas are faulty than the protocol bears, so that it keeps all its promises.
    pub const fn is_bearable(self) -> bool {
        !matches!(self, Self::Overrun)
    }

    /// Whether replicas may lie and clients may be hostile.
    pub const fn has_liars(self) -> bool {
        matches!(self, Self::Byzantine | Self::Mixed)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not a profile's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no profile; there are calm, crashes, byzantine, mixed and overrun")]
pub struct NoProfile(String);

impl FromStr for Profile {
    type Err = NoProfile;

    fn from_str(text: &str) -> Result<Self, NoProfile> {
        Self::ALL.into_iter().find(|profile| profile.name() == text).ok_or_else(|| NoProfile(text.to_owned()))
    }
}

/// How long everyone may take to be well again after the faults: many of the longest timeouts. Four times that where timeouts are tight.
pub const HEAL_WITHIN: Duration = Duration::from_secs(30);

/// What the caller fixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What trouble may be drawn.
    pub profile: Profile,
    /// The number of replicas, else drawn.
    pub n: Option<usize>,
    /// The number of clients, at least 1, else drawn.
    pub clients: Option<usize>,
    /// How much each client has under way at most, at least 1, else drawn.
    pub depth: Option<usize>,
    /// What is drawn but not done: the rest of the draw stays as it is.
    pub without: Vec<Trouble>,
    /// Which course things take under what is drawn: delays, losses, when faults strike. 0 is that of the seed alone.
    pub schedule: u64,
    /// How long faults last, in simulated time, however much happens; else drawn.
    pub faulty_for: Option<Duration>,
    /// How messages are signed, else drawn: with real signatures in one run of sixty-four.
    pub signatures: Option<Signatures>,
    /// How liars lie, each of them in all these ways; drawn if none is named.
    pub lies: Vec<Lie>,
    /// How hostile clients misbehave, each of them in all these ways; drawn if none is named.
    pub mischief: Vec<Mischief>,
    /// How long everyone may take to be well after the faults, instead of [`HEAL_WITHIN`].
    pub heal_within: Option<Duration>,
    /// A replica, and how many of its writes succeed before one finds no room.
    pub full_at: Option<(usize, u64)>,
    /// Whether the report has a record of everything that happened.
    pub trace: bool,
    /// Oracles that are not asked: to see what the others notice.
    pub muted: Vec<&'static str>,
    /// A bug put back into everything that ships, for this run.
    #[cfg(feature = "mutants")]
    pub mutant: Option<tetrarch_mutants::Mutant>,
}

//! The ways of lying.

use std::fmt;
use std::str::FromStr;

/// A way of lying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lie {
    /// As primary, different batches for one number to different replicas.
    Equivocate,
    /// Two votes for one number.
    DoubleVote,
    /// Says nothing of some kinds, or nothing to some replicas.
    Silence,
    /// As new primary, re-proposals that do not follow from the VIEW-CHANGEs.
    WrongReproposals,
    /// VIEW-CHANGEs that hide what was prepared.
    OmitPrepared,
    /// Old messages, its own and others', again.
    Replay,
    /// Numbers, digests and signatures slightly off.
    Mutate,
    /// Tells clients other results.
    WrongReply,
    /// Lies to replicas that recover.
    LieState,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Equivocate,
        Self::DoubleVote,
        Self::Silence,
        Self::WrongReproposals,
        Self::OmitPrepared,
        Self::Replay,
        Self::Mutate,
        Self::WrongReply,
        Self::LieState,
    ];

    /// As it is written and counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocate => "equivocate",
            Self::DoubleVote => "double-vote",
            Self::Silence => "silence",
            Self::WrongReproposals => "wrong-reproposals",
            Self::OmitPrepared => "omit-prepared",
            Self::Replay => "replay",
            Self::Mutate => "mutate",
            Self::WrongReply => "wrong-reply",
            Self::LieState => "lie-state",
        }
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a lie.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no lie that replicas here tell; there are {all}", all = Lie::ALL.map(Lie::name).join(", "))]
pub struct NoLie(String);

impl FromStr for Lie {
    type Err = NoLie;

    fn from_str(text: &str) -> Result<Self, NoLie> {
        Self::ALL.into_iter().find(|lie| lie.name() == text).ok_or_else(|| NoLie(text.to_owned()))
    }
}

//! The ways of lying.

use std::fmt;
use std::str::FromStr;

/// Declares each lie once, so that [`Lie::ALL`] and the names cannot fall behind the enum.
macro_rules! lies {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// A way of lying.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Lie {
            $($(#[$doc])* $variant,)+
        }

        impl Lie {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As it is written and counted.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

lies! {
    /// As primary, different batches for one number to different replicas.
    Equivocate = "equivocate",
    /// Two votes for one number, one vote several times, votes that are not its to give.
    DoubleVote = "double-vote",
    /// Says nothing of some kinds, or nothing to some replicas.
    Silence = "silence",
    /// Old messages, its own and others', again; those of views that are over too.
    Replay = "replay",
    /// Words signed for another chain or epoch.
    OtherScope = "other-scope",
    /// Others' signatures under statements of another kind.
    Relabel = "relabel",
    /// Numbers, digests, senders and signatures slightly off, and random bytes.
    Mutate = "mutate",
    /// Words in others' names.
    Impersonate = "impersonate",
    /// Certificates of decisions and checkpoints that never were.
    ForgeCertificate = "forge-certificate",
    /// VIEW-CHANGEs that hide what was prepared.
    OmitPrepared = "omit-prepared",
    /// VIEW-CHANGEs that claim more than was prepared.
    InventPrepared = "invent-prepared",
    /// As new primary, re-proposals that do not follow from the VIEW-CHANGEs.
    WrongReproposals = "wrong-reproposals",
    /// NEW-VIEWs on too few VIEW-CHANGEs, on doctored ones, or out of turn.
    ForgeNewView = "forge-new-view",
    /// Proposals and votes at numbers and in views that are out of the way.
    Jump = "jump",
    /// Lies to replicas that recover.
    LieState = "lie-state",
    /// CHECKPOINTs for roots that nobody has.
    SplitCheckpoints = "split-checkpoints",
    /// VIEW-CHANGEs without a reason, again and again.
    Storm = "storm",
    /// As primary, proposes just before the timeout.
    Slow = "slow",
    /// Knows nothing of one client's transactions.
    Censor = "censor",
    /// As primary, puts one client's transactions first.
    UnfairOrder = "unfair-order",
    /// As primary, batches that no backup may accept.
    BadBatch = "bad-batch",
    /// As primary, stamps that are not the time.
    BadStamp = "bad-stamp",
    /// As primary, proposes nothing.
    NeverPropose = "never-propose",
    /// Tells clients other results.
    WrongReply = "wrong-reply",
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a lie.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no lie that replicas here tell; there are {all}", all = all_names())]
pub struct NoLie(String);

fn all_names() -> String {
    Lie::ALL.iter().map(|lie| lie.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Lie {
    type Err = NoLie;

    fn from_str(text: &str) -> Result<Self, NoLie> {
        Self::ALL.iter().copied().find(|lie| lie.name() == text).ok_or_else(|| NoLie(text.to_owned()))
    }
}

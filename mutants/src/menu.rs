//! The bugs.

use std::fmt;
use std::str::FromStr;

/// Declares each mutant once, so that [`Mutant::ALL`], the numbers and the names cannot fall behind the enum.
macro_rules! mutants {
    ($($(#[$doc:meta])* $number:literal $variant:ident = $name:literal,)+) => {
        /// A deliberate bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant {
            $($(#[$doc])* $variant = $number,)+
        }

        impl Mutant {
            /// All of them, in the menu's order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its number in the menu (`specs/testing.md`), counted from 1.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// Its name, as it is written on the command line and in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

mutants! {
    /// A batch is decided with one COMMIT too few: 2f of them at n = 3f + 1 (rule N-6).
    1 CommitQuorumTooSmall = "commit-quorum-too-small",
    /// A batch is prepared with one PREPARE too few (rule N-4).
    2 PrepareQuorumTooSmall = "prepare-quorum-too-small",
    /// A vote that arrives again counts again (rule Q-2).
    3 VotesNotDeduplicated = "votes-not-deduplicated",
    /// A certificate may name one signer several times (rule Q-2).
    4 RepeatedSignersCertified = "repeated-signers-certified",
    /// A PREPARE of the primary counts beside its PRE-PREPARE (rule N-4).
    5 PrimaryCountedTwice = "primary-counted-twice",
    /// Votes for one number count together whatever batch they are for (rules N-4, N-6).
    6 DigestNotCompared = "digest-not-compared",
    /// PREPARE and COMMIT are signed over the same bytes (rule W-2).
    7 PrepareSignedAsCommit = "prepare-signed-as-commit",
    /// A COMMIT's signature is not checked (rule B-5).
    8 CommitNotVerified = "commit-not-verified",
    /// One VIEW-CHANGE is enough for a NEW-VIEW (rule V-5).
    9 NewViewFromOneViewChange = "new-view-from-one-view-change",
    /// A backup believes a NEW-VIEW's re-proposals without computing them again (rule V-6).
    10 ReproposalsNotRecomputed = "reproposals-not-recomputed",
    /// The prepared certificates in a VIEW-CHANGE are not checked (rules V-3, B-5).
    11 PreparedNotVerified = "prepared-not-verified",
    /// Of several prepared certificates for one number that of the lowest view wins (rule V-6).
    12 LowestViewChosen = "lowest-view-chosen",
    /// Numbers that nobody prepared get no no-op in a new view (rule V-6).
    13 GapsNotFilled = "gaps-not-filled",
    /// COMMITs of different views count together (rule N-6).
    14 CommitViewUnchecked = "commit-view-unchecked",
    /// A replica that has sent its VIEW-CHANGE goes on voting in the view that it gave up (rule V-8).
    15 VotesWhileChanging = "votes-while-changing",
    /// A VIEW-CHANGE is sent once, and never again (rule V-8).
    16 ViewChangeNotRepeated = "view-change-not-repeated",
    /// A view that fails does not make the next one's timeout longer (rule V-7).
    17 TimeoutNeverDoubled = "timeout-never-doubled",
    /// A view's time begins with a proposal, not with a request that waits (rule V-1).
    18 TimerWaitsForProposal = "timer-waits-for-proposal",
    /// Votes are admitted and given at any distance above the stable checkpoint (rule B-3).
    19 HighWatermarkUnchecked = "high-watermark-unchecked",
    /// A checkpoint is stable with f + 1 CHECKPOINTs (rule C-2).
    20 StableAtWeakQuorum = "stable-at-weak-quorum",
    /// What a peer sends as a part of the state is put in place without a look at its digest (rule S-1).
    21 StateNotVerified = "state-not-verified",
    /// A vote leaves before the record that it depends on is durable (rules D-1, D-2).
    22 VoteBeforeFsync = "vote-before-fsync",
    /// What was answered before a restart is not remembered after it (rules ).
    23 RepliesLostOnRestart = "replies-lost-on-restart",
    /// Signatures are bound to no chain and no epoch (rule W-2).
    24 ScopeNotSigned = "scope-not-signed",
    /// What was worked out for a batch that was prepared is written for whatever is decided in its place (rule X-2).
    25 TentativeNotCompared = "tentative-not-compared",
    /// A client is told what a batch comes to before its prepared certificate is durable (rules X-2, D-2).
    26 ToldBeforeFsync = "told-before-fsync",
    /// A replica that comes back answers readers from before what it may have told clients (rule X-4).
    27 ToldForgotten = "told-forgotten",
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not a mutant's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no mutant; specs/testing.md lists them")]
pub struct NoMutant(String);

impl FromStr for Mutant {
    type Err = NoMutant;

    fn from_str(text: &str) -> Result<Self, NoMutant> {
        Self::ALL.iter().copied().find(|it| it.name() == text).ok_or_else(|| NoMutant(text.to_owned()))
    }
}

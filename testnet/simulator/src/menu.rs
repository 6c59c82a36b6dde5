//! The menu: everything that the harness makes go wrong, by number, and the counters that prove that it did.
//!
//! Coverage of faults, as [`coverage`](crate::coverage) is of rules: what is on the menu and never fires is not tested, whatever the
//! oracles say. Whoever adds a fault, a lie or a mischief puts it here; a test holds that nothing stands beside it.

use std::collections::BTreeSet;

use crate::adversary::Lie;
use crate::client::Mischief;
use crate::faults::{Harm, LOST_WRITES, MessageTrouble, NodeTrouble, WritePoint, forms};
use crate::oracles::FORKS;
use crate::world::TWINS;

/// One fault of the menu.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Its number.
    pub number: u8,
    /// What goes wrong.
    pub name: &'static str,
    /// What does it here.
    causes: &'static [Cause],
    /// A test of real processes that does what a simulation cannot.
    pub elsewhere: Option<&'static str>,
}

/// What makes it go wrong.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Lie(Lie),
    Mischief(Mischief),
    Message(MessageTrouble),
    Node(NodeTrouble),
    Harm(Harm),
    Full,
    Form(&'static str),
}

impl Cause {
    /// Itself and each of its forms.
    fn counters(self) -> Vec<&'static str> {
        match self {
            Self::Lie(lie) => lie.forms().iter().copied().chain([lie.name()]).collect(),
            Self::Mischief(kind) => kind.forms().to_vec(),
            Self::Message(trouble) => vec![trouble.name()],
            Self::Node(trouble) => vec![trouble.name()],
            Self::Harm(harm) => vec![harm.name()],
            Self::Full => WritePoint::ALL.map(WritePoint::name).to_vec(),
            Self::Form(name) => vec![name],
        }
    }
}

impl Item {
    /// What counts it, all of which have to be there.
    pub fn counters(&self) -> BTreeSet<&'static str> {
        self.causes.iter().flat_map(|cause| cause.counters()).collect()
    }

    const fn new(number: u8, name: &'static str, causes: &'static [Cause]) -> Self {
        Self { number, name, causes, elsewhere: None }
    }

    const fn and(self, elsewhere: &'static str) -> Self {
        Self { elsewhere: Some(elsewhere), ..self }
    }
}

/// What is on the menu and was not counted, with the counters that are missing.
pub fn missing(was_counted: impl Fn(&str) -> bool) -> Vec<(Item, Vec<&'static str>)> {
    let lacks = |item: &Item| item.counters().into_iter().filter(|name| !was_counted(name)).collect();
    MENU.into_iter().map(|item| (item, lacks(&item))).filter(|(_, missing): &(_, Vec<_>)| !missing.is_empty()).collect()
}

use Cause as C;
use Lie as L;
use Mischief as M;
use NodeTrouble as N;

/// Everything that goes wrong.
pub const MENU: [Item; 37] = [
    // Replicas lie.
    Item::new(1, "equivocating proposals", &[C::Lie(L::Equivocate)]),
    Item::new(2, "two votes, repeated votes", &[C::Lie(L::DoubleVote)]),
    Item::new(3, "twins: two instances of one key", &[C::Form(TWINS)]),
    Item::new(4, "selective silence", &[C::Lie(L::Silence)]),
    Item::new(
        5,
        "delays, overtaking, bursts, a starved link",
        &[
            C::Message(MessageTrouble::Reordering),
            C::Message(MessageTrouble::Burst),
            C::Message(MessageTrouble::SlowLink),
            C::Node(N::StarvedLink),
        ],
    ),
    Item::new(6, "replays, other chains, other kinds", &[C::Lie(L::Replay), C::Lie(L::OtherScope), C::Lie(L::Relabel)]),
    Item::new(7, "fields slightly off, random bytes", &[C::Lie(L::Mutate)]),
    Item::new(8, "words in others' names", &[C::Lie(L::Impersonate)]),
    Item::new(9, "forged certificates", &[C::Lie(L::ForgeCertificate)]),
    Item::new(10, "doctored VIEW-CHANGEs", &[C::Lie(L::OmitPrepared), C::Lie(L::InventPrepared)]),
    Item::new(11, "wrong NEW-VIEWs", &[C::Lie(L::WrongReproposals), C::Lie(L::ForgeNewView)]),
    Item::new(12, "jumps of numbers and views", &[C::Lie(L::Jump)]),
    Item::new(13, "lying state transfers", &[C::Lie(L::LieState)]),
    Item::new(14, "split CHECKPOINTs", &[C::Lie(L::SplitCheckpoints)]),
    Item::new(15, "storms of view changes", &[C::Lie(L::Storm)]),
    Item::new(16, "a primary just under the timeout", &[C::Lie(L::Slow)]),
    Item::new(17, "censorship", &[C::Lie(L::Censor)]),
    Item::new(18, "unfair order", &[C::Lie(L::UnfairOrder)]),
    Item::new(19, "batches that nobody may accept", &[C::Lie(L::BadBatch)]),
    Item::new(20, "stamps that are not the time", &[C::Lie(L::BadStamp)]),
    Item::new(21, "a primary that never proposes", &[C::Lie(L::NeverPropose)]),
    // Clients misbehave.
    Item::new(
        22,
        "requests that do not hold",
        &[
            C::Mischief(M::BadSignature),
            C::Mischief(M::WeakKey),
            C::Mischief(M::TorsionSignature),
            C::Mischief(M::OtherChain),
            C::Mischief(M::Replay),
            C::Mischief(M::FarNonces),
            C::Mischief(M::Malformed),
            C::Mischief(M::Validity),
        ],
    ),
    Item::new(23, "one nonce for two transactions", &[C::Mischief(M::DoubleNonce), C::Mischief(M::ContestedNonce)]),
    Item::new(24, "requests to one replica, or to backups only", &[C::Mischief(M::Partial)]),
    Item::new(25, "floods, oversize, slow readers", &[C::Mischief(M::Flood), C::Mischief(M::Oversize)])
        .and("node/cli/tests/suite/e2e_floods.rs"),
    // Disks fail.
    Item::new(
        26,
        "torn writes and lost fsyncs, then a crash",
        &[
            C::Node(N::TornWrite),
            C::Node(N::TornSector),
            C::Node(N::LostFsync),
            C::Form(LOST_WRITES),
            C::Form(forms::TORN_ENTRY),
            C::Form(forms::TORN_BATCH),
            C::Form(forms::LOST_FSYNC_SHOWN),
            C::Form(forms::LOST_FSYNC_HIDDEN),
            C::Form(forms::MENDED_TAIL),
        ],
    )
    .and("storage/tests/suite/torn.rs"),
    Item::new(
        27,
        "bit rot",
        &[
            C::Harm(Harm::FlipJournal),
            C::Harm(Harm::FlipVote),
            C::Harm(Harm::Rot),
            C::Harm(Harm::FlipSnapshot),
            C::Harm(Harm::RotSnapshot),
        ],
    ),
    Item::new(
        28,
        "misdirected writes",
        &[C::Harm(Harm::MisdirectJournal), C::Harm(Harm::MisdirectTable), C::Harm(Harm::MisdirectSnapshot)],
    ),
    Item::new(29, "a full disk at each write point", &[C::Node(N::FullDisk), C::Full]),
    Item::new(30, "a slow disk", &[C::Node(N::SlowDisk)]),
    Item::new(
        31,
        "old copies and lost directories",
        &[
            C::Harm(Harm::Restore),
            C::Harm(Harm::Wipe),
            C::Harm(Harm::Reinit),
            C::Harm(Harm::LoseMark),
            C::Harm(Harm::CutJournal),
        ],
    ),
    // The world around them.
    Item::new(
        32,
        "wrong clocks",
        &[C::Node(N::ClockJump), C::Node(N::ClockFreeze), C::Form(forms::CLOCK_AHEAD), C::Form(forms::CLOCK_BEHIND)],
    ),
    Item::new(
        33,
        "crashes, storms of them, pauses",
        &[
            C::Node(N::Crash),
            C::Node(N::CrashInTurn),
            C::Node(N::CrashStorm),
            C::Node(N::PowerCut),
            C::Node(N::Pause),
            C::Form(forms::CRASH_IN_START),
            C::Form(forms::CRASH_IN_INSTALL),
        ],
    ),
    Item::new(
        34,
        "partitions of every shape",
        &[C::Node(N::Partition), C::Node(N::OneWay), C::Node(N::Bridge), C::Node(N::Ring), C::Node(N::IsolatePrimary)],
    ),
    Item::new(
        35,
        "messages lost and doubled",
        &[C::Message(MessageTrouble::Loss), C::Message(MessageTrouble::Duplication)],
    ),
    Item::new(36, "more than f liars, and a fork", &[C::Form(FORKS)]),
    Item::new(37, "wrong answers to clients", &[C::Lie(L::WrongReply)]),
];

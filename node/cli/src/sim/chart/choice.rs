//! Which messages are shown.

use clap::ValueEnum;
use tetrarch_simulator::recording::{Entry, Kind, Mark, Party, Passage, What};
use tetrarch_types::{MessageKind, SeqNum};

/// Kinds of messages that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kinds {
    /// All of them.
    All,
    /// PRE-PREPARE, PREPARE, COMMIT.
    Votes,
    /// CHECKPOINT.
    Checkpoints,
    /// VIEW-CHANGE, NEW-VIEW.
    Views,
    /// STATUS, FETCH, SUPPLY.
    CatchUp,
    /// Requests and replies.
    Clients,
}

impl Kinds {
    fn has(self, kind: Kind) -> bool {
        use MessageKind as M;
        match self {
            Self::All => true,
            Self::Votes => matches!(kind, Kind::Peer(M::PrePrepare | M::Prepare | M::Commit)),
            Self::Checkpoints => matches!(kind, Kind::Peer(M::Checkpoint)),
            Self::Views => matches!(kind, Kind::Peer(M::ViewChange | M::NewView)),
            Self::CatchUp => matches!(kind, Kind::Peer(M::Status | M::Fetch | M::Supply)),
            Self::Clients => matches!(kind, Kind::Request | Kind::Reply),
        }
    }
}

/// What the caller wants to see.
pub(super) struct Choice {
    pub(super) kinds: Vec<Kinds>,
    /// All of them if none is named.
    pub(super) replicas: Vec<usize>,
    pub(super) seq: Option<u64>,
}

impl Choice {
    /// Whether a message is shown, if its time is.
    pub(super) fn takes(&self, passage: &Passage) -> bool {
        let is_about = |seq: u64| {
            let seqs = passage.label.seqs;
            seqs.is_some_and(|(first, last)| (first.get()..=last.get()).contains(&seq))
        };
        self.kinds.iter().any(|kinds| kinds.has(passage.label.kind))
            && self.seq.is_none_or(is_about)
            && self.has(passage.from)
            && self.has(passage.to)
    }

    /// Whether an entry is shown, if its time is.
    pub(super) fn takes_entry(&self, entry: &Entry) -> bool {
        match &entry.what {
            What::Message(passage) => self.takes(passage),
            What::Mark { at, mark, .. } => self.has(*at) && self.takes_mark(*mark),
            What::Cut(_) | What::Healed | What::Failed(_) => true,
        }
    }

    /// Whether a client or replica is shown.
    pub(super) fn has(&self, party: Party) -> bool {
        match party {
            Party::Client(_) => self.kinds.iter().any(|kinds| kinds.has(Kind::Request)),
            Party::Node(node) => self.replicas.is_empty() || self.replicas.contains(&node),
        }
    }

    fn takes_mark(&self, mark: Mark) -> bool {
        let is_it = |seq: SeqNum| self.seq.is_none_or(|wanted| wanted == seq.get());
        match mark {
            Mark::Executed(seq) | Mark::Stable(seq) | Mark::Told(seq) => is_it(seq),
            _ => true,
        }
    }
}

//! By what each rule of specs/protocol.md, specs/state.md and specs/store.md shows.

use tetrarch_replica::{Event, Ignored, Missing, ProposalFault, Record, ViewChangeReason};
use tetrarch_types::{Fetch, Message, Outcome, Refusal, Rejection, Supply};

use crate::sight::Sight;

/// The rules that a simulated run can show at work. A test demands that all of them are, and that a rule which code cites is here
/// or in [`ELSEWHERE`].
pub const SHOWN: [&str; 58] = [
    "A-1", "A-2", "A-3", "B-1", "B-2", "B-3", "B-5", "C-1", "C-2", "C-3", "D-1", "D-2", "D-3", "D-4", "D-5", "D-7",
    "L-1", "L-2", "L-3", "L-4", "L-5", "N-1", "N-2", "N-3", "N-4", "N-5", "N-6", "P-1", "Q-1", "Q-2", "R-1", "R-2",
    "R-3", "R-4", "R-5", "R-6", "S-0", "S-1", "S-4", "S-5", "T-1", "T-2", "T-3", "V-1", "V-2", "V-3", "V-4", "V-5",
    "V-6", "V-7", "V-8", "V-9", "V-10", "W-1", "W-2", "X-1", "X-2", "X-3",
];

/// Rules that have code and no place in a simulation, with what shows them.
pub const ELSEWHERE: [(&str, &str); 20] = [
    (
        "A-4",
        "node/replica/tests/scenarios/forgotten_*below_checkpoint.txt, new_views.rs: nothing is said where it holds; and the fuzz target journal",
    ),
    ("B-4", "node/transport/tests: votes beside a full bulk lane"),
    ("B-6", "node/server/tests: one host's flood beside another's requests"),
    (
        "C-4",
        "node/replica/tests/scenarios/diverged.txt, damaged_state.txt: no fault here leaves a state that nobody notices",
    ),
    (
        "E-1",
        "node/kv/tests/suite/kv_leases.rs: deadlines by agreed time; and every run, by the reference that answers are compared with",
    ),
    ("E-2", "node/kv/tests/suite/kv_leases.rs: who ends when, and in which order"),
    ("E-3", "node/kv/tests/suite/kv_leases.rs: a full lease"),
    ("E-4", "every run, as T-3: simulated clients leave leases to end"),
    ("H-1", "node/kv/tests/suite/kv_model.rs: every revision that is kept, against whole snapshots"),
    ("H-2", "node/kv/tests/suite/kv_model.rs: the story from every revision"),
    ("H-3", "node/kv/tests/suite/kv_story.rs: the chain, followed by hand"),
    ("H-4", "node/kv/tests/suite/kv_story.rs: rows given back, so many with each batch"),
    ("H-5", "node/kv/tests/suite/kv_story.rs: what is kept, in revisions and in bytes"),
    ("D-6", "storage/tests: the journal through every cut and flip"),
    (
        "L-6",
        "node/replica/tests/suite/floods.rs, node/server/src/supplier: a flood of questions costs a bounded number of answers",
    ),
    ("S-2", "node/kv/tests/suite/transfer_*.rs: liars are convicted"),
    ("S-3", "crypto/tests/suite/state_tree*.rs, node/cli/tests: proofs"),
    ("W-3", "node/types/tests: genesis digests"),
    ("W-4", "crypto/tests: one acceptance predicate"),
    ("X-4", "node/server/tests/suite/tentative.rs; and every run, by what any quorum could answer to a reader"),
];

/// The rules at work in an observation.
pub(super) fn of(sight: &Sight) -> &'static [&'static str] {
    match sight {
        Sight::Sent { by, message } => of_message(*by == message.open().signer(), message.open()),
        Sight::Recorded { record, .. } => of_record(record),
        // decided by a certificate. N-6 and X-1: by whatever certificate, in order.
        Sight::Executing { batch, .. } if batch.batch.is_noop() => &["T-2", "X-1"],
        Sight::Executing { batch, .. } if batch.batch.transactions.is_empty() => &["T-3", "N-6", "X-1"],
        Sight::Executing { .. } => &["Q-1", "N-6", "X-1"],
        Sight::Executed { executed, .. } => {
            let is_late = executed.replies.iter().any(|reply| !matches!(reply.outcome, Outcome::Executed(_)));
            if is_late { &["R-3"] } else { &[] }
        }
        Sight::ToldEarly { .. } => &["X-2"],
        Sight::Observed { event, .. } => of_event(event),
        Sight::Restarted { .. } => &["D-5", "L-4"],
        Sight::Issued { .. } => &["R-1"],
        Sight::Told { answer, .. } if answer.is_early => &["R-4", "R-5", "W-1", "X-3"],
        Sight::Told { .. } => &["R-4", "R-5", "W-1"],
        Sight::ToldNever { .. } | Sight::Refused { refusal: Refusal::NonceSpent { .. }, .. } => &["R-6"],
        Sight::Refused { refusal: Refusal::Busy, .. } => &["B-2"],
        _ => &[],
    }
}

fn of_message(is_own: bool, message: &Message) -> &'static [&'static str] {
    match message {
        Message::PrePrepare(_) => &["N-1", "N-2"],
        Message::Commit(_) => &["N-5"],
        Message::Checkpoint(_) => &["C-1"],
        Message::ViewChange(it) if !it.payload.prepared.is_empty() => &["V-3"],
        Message::NewView(_) if !is_own => &["V-8"],
        Message::NewView(it) if it.payload.proposals.is_empty() => &["V-5"],
        Message::NewView(_) => &["V-5", "V-6"],
        Message::Status(_) => &["L-1"],
        Message::Fetch(it) => match &it.payload {
            Fetch::Held { .. } => &["A-1"],
            Fetch::State { .. } => &["S-1"],
            Fetch::Committed { .. } => &["L-3"],
            _ => &[],
        },
        Message::Supply(it) => match &it.payload {
            Supply::Stable(_) => &["L-5"],
            Supply::State { .. } => &["S-0"],
            _ => &[],
        },
        _ => &[],
    }
}

fn of_record(record: &Record) -> &'static [&'static str] {
    match record {
        Record::Proposed { .. } | Record::Accepted { .. } => &["D-1"],
        Record::Drafted { .. } => &["D-1", "D-7"],
        Record::Prepared(_) => &["D-2", "N-4"],
        Record::ViewChanging { .. } => &["D-3"],
        Record::Starting(_) | Record::Entered(_) => &["D-4"],
        Record::Stable(_) => &["C-2", "C-3"],
        Record::Lost => &["A-2"],
        Record::Cured => &["A-3"],
    }
}

fn of_event(event: &Event) -> &'static [&'static str] {
    match event {
        Event::Ignored { reason: Ignored::OutsideWindow, .. } => &["B-3"],
        Event::Equivocation(_) => &["B-1"],
        Event::ProposalRefused { reason, .. } => match reason {
            ProposalFault::StampNotLater | ProposalFault::StampOffClock => &["T-1", "N-3"],
            ProposalFault::Validity => &["R-3", "N-3"],
            _ => &["N-3"],
        },
        Event::ViewChangeStarted { reason, .. } => match reason {
            ViewChangeReason::NoProgress => &["V-1"],
            ViewChangeReason::Censorship => &["V-2"],
            ViewChangeReason::SlowPrimary => &["V-9"],
            ViewChangeReason::Asked => &["V-10"],
            ViewChangeReason::Joined => &["V-4"],
            ViewChangeReason::NewViewTimeout => &["V-7"],
            ViewChangeReason::BadNewView => &["V-6"],
        },
        Event::Diverged { .. } => &["C-4"],
        Event::RecordsLost => &["A-2"],
        Event::Silent { .. } => &["A-3"],
        Event::Transferring { .. } => &["S-5"],
        Event::StateInstalled { .. } => &["S-4"],
        Event::Fetching { what: Missing::Committed, .. } => &["L-3"],
        _ => &[],
    }
}

/// The rules at work in a refusal.
pub(super) fn of_rejection(why: &Rejection) -> &'static [&'static str] {
    match why {
        // Also what it is that tells another kind, chain or epoch from this one.
        Rejection::BadSignature => &["B-5", "W-2"],
        Rejection::UnorderedVotes | Rejection::TooFewVotes { .. } => &["B-5", "Q-2"],
        _ => &["B-5"],
    }
}

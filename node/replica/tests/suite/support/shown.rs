//! What a journal shows its replica to have said, and what a silent one may write: compared record by record, without asking production
//! code.

use tetrarch_replica::Record;
use tetrarch_types::{HeldVote, Message, Payload, ReplicaId, SeqNum, View};

/// Whether a statement of `own` follows from its journal (rules D-1 to D-4). What is no statement always does.
pub(crate) fn shows(journal: &[Record], own: ReplicaId, message: &Message) -> bool {
    match message {
        Message::PrePrepare(it) => shows_vote(journal, own, &HeldVote::PrePrepare(it.pre_prepare.clone())),
        Message::Prepare(it) => shows_vote(journal, own, &HeldVote::Prepare(it.clone())),
        Message::Commit(it) => shows_vote(journal, own, &HeldVote::Commit(it.clone())),
        Message::ViewChange(it) => journal.contains(&Record::ViewChanging { view: it.payload.view }),
        Message::NewView(it) => journal.iter().any(|record| starts(record, own, it.payload.view)),
        Message::Checkpoint(_) | Message::Status(_) | Message::Fetch(_) | Message::Supply(_) => true,
    }
}

/// Whether a vote of `own` follows from its journal.
pub(crate) fn shows_vote(journal: &[Record], own: ReplicaId, vote: &HeldVote) -> bool {
    journal.iter().any(|record| shows_one(record, own, vote))
}

fn shows_one(record: &Record, own: ReplicaId, vote: &HeldVote) -> bool {
    match (record, vote) {
        (Record::Proposed { view, seq, batch, .. }, HeldVote::PrePrepare(it)) => {
            (*view, *seq, batch.digest()) == (it.payload.view, it.payload.seq, it.payload.digest)
        }
        (Record::Starting(Payload::NewView { proposals, .. }), HeldVote::PrePrepare(it)) => {
            proposals.contains(&it.payload)
        }
        (Record::Entered(new_view), HeldVote::PrePrepare(it)) if new_view.signer == own => {
            new_view.payload.proposals.iter().any(|proposal| proposal.payload == it.payload)
        }
        (
            Record::Accepted { view, seq, batch, .. } | Record::Drafted { view, seq, batch, .. },
            HeldVote::Prepare(it),
        ) => (*view, *seq, batch.digest()) == (it.payload.view, it.payload.seq, it.payload.digest),
        (Record::Prepared(held), HeldVote::Commit(it)) => {
            (held.view, held.seq, held.digest) == (it.payload.view, it.payload.seq, it.payload.digest)
        }
        _ => false,
    }
}

fn starts(record: &Record, own: ReplicaId, view: View) -> bool {
    match record {
        Record::Starting(Payload::NewView { view: started, .. }) => *started == view,
        Record::Entered(new_view) => new_view.signer == own && new_view.payload.view == view,
        _ => false,
    }
}

/// Whether a record stands in front of something that its replica says in agreement.
pub(crate) const fn is_promise(record: &Record) -> bool {
    match record {
        Record::Proposed { .. }
        | Record::Accepted { .. }
        | Record::Drafted { .. }
        | Record::Prepared(_)
        | Record::ViewChanging { .. }
        | Record::Starting(_) => true,
        Record::Entered(_) | Record::Stable(_) | Record::Lost | Record::Cured => false,
    }
}

/// Whether a journal tells of lost records, and of no cure since.
pub(crate) fn is_silent(journal: &[Record]) -> bool {
    let last = journal.iter().rev().find(|record| matches!(record, Record::Lost | Record::Cured));
    last == Some(&Record::Lost)
}

/// The last stable checkpoint that a journal tells of.
pub(crate) fn stable(journal: &[Record]) -> SeqNum {
    let stable = journal.iter().rev().find_map(|record| match record {
        Record::Stable(certificate) => Some(certificate.seq),
        _ => None,
    });
    stable.unwrap_or_default()
}

/// Rule A-2: a silent replica promises nothing new. What it writes again at a checkpoint is not new.
pub(crate) fn check_silence(own: ReplicaId, journal: &[Record], records: &[Record]) {
    let mut silent = is_silent(journal);
    for record in records {
        match record {
            Record::Lost => silent = true,
            Record::Cured => silent = false,
            _ => {
                // To which view it had moved it may learn from others.
                let is_moved = matches!(record, Record::ViewChanging { .. });
                let is_new = is_promise(record) && !is_moved && !journal.contains(record);
                assert!(!silent || !is_new, "replica {own} is silent and promises {record:?}");
            }
        }
    }
}

//! What may be cut off the journal, record by record.

use tetrarch_crypto::{Digest, Scope, SigningKey};
use tetrarch_replica::{LiveRecords, Record};
use tetrarch_types::{Batch, CheckpointCertificate, NewView, Payload, ReplicaId, SeqNum, Signed, View};

fn slot(seq: u64) -> Record {
    Record::Proposed { view: View::ZERO, seq: SeqNum::new(seq), batch: Batch::noop(), transactions: Vec::new() }
}

fn stable(seq: u64) -> Record {
    Record::Stable(CheckpointCertificate { seq: SeqNum::new(seq), ..CheckpointCertificate::genesis() })
}

fn entered(view: u64) -> Record {
    let new_view = NewView { view: View::new(view), view_changes: Vec::new(), proposals: Vec::new() };
    let scope = Scope { genesis: Digest::ZERO, epoch: 0 };
    Record::Entered(Signed::new(new_view, ReplicaId::ZERO, &scope, &SigningKey::from_seed([1; 32])))
}

fn changing(view: u64) -> Record {
    Record::ViewChanging { view: View::new(view) }
}

fn starting(view: u64) -> Record {
    Record::Starting(Payload::NewView { view: View::new(view), view_changes: Vec::new(), proposals: Vec::new() })
}

/// Writes records from index 1 on and cuts at a checkpoint: the first index that must stay.
fn first_kept(records: impl IntoIterator<Item = Record>, through: u64) -> u64 {
    let mut live = LiveRecords::default();
    let mut next = 1;
    for record in records {
        live.note(next, &record);
        next += 1;
    }
    live.discard(SeqNum::new(through), next)
}

#[test]
fn nothing_written_nothing_needed() {
    assert_eq!(first_kept([], 8), 1);
}

#[test]
fn slots_through_the_checkpoint_go() {
    assert_eq!(first_kept([slot(1), slot(2), slot(3), stable(2)], 2), 3);
    assert_eq!(first_kept([slot(1), slot(2), stable(2)], 2), 3);
    // Out of order, as agreement is: a dead one behind a live one stays with it.
    assert_eq!(first_kept([slot(3), slot(1), slot(2), stable(2)], 2), 1);
}

#[test]
fn the_last_of_its_kind_stays() {
    assert_eq!(first_kept([stable(4), stable(8), slot(9)], 8), 2);
    assert_eq!(first_kept([entered(1), entered(2), stable(8)], 8), 2);
    assert_eq!(first_kept([changing(1), starting(1), stable(8)], 8), 1);
}

#[test]
fn entering_a_view_settles_the_way_there() {
    assert_eq!(first_kept([changing(1), starting(1), entered(1), stable(8)], 8), 3);
    assert_eq!(first_kept([changing(2), entered(1), stable(8)], 8), 1);
    assert_eq!(first_kept([changing(1), starting(1), changing(2), stable(8)], 8), 3);
}

#[test]
fn records_written_again_free_the_older_ones() {
    let history = [entered(1), slot(7), slot(8), stable(8), entered(1)];
    assert_eq!(first_kept(history, 8), 4);
    let moving = [entered(1), changing(3), slot(8), stable(8), entered(1), changing(3)];
    assert_eq!(first_kept(moving, 8), 4);
}

#[test]
fn cut_again_from_where_it_was_cut() {
    let mut live = LiveRecords::default();
    for (index, record) in [slot(1), slot(2), stable(1), slot(3), stable(2)].iter().enumerate() {
        live.note(index as u64 + 1, record);
    }
    assert_eq!(live.discard(SeqNum::new(1), 6), 2);
    assert_eq!(live.discard(SeqNum::new(2), 6), 4);
}

#[test]
fn lost_records_are_remembered_until_cured() {
    assert_eq!(first_kept([Record::Lost, stable(2), slot(3), stable(4)], 4), 1);
    // Written again at the checkpoint, it frees what is older.
    assert_eq!(first_kept([Record::Lost, stable(2), slot(3), stable(4), Record::Lost], 4), 4);
    assert_eq!(first_kept([Record::Lost, stable(4), Record::Cured], 4), 2);
    // Lost once more: the last of them counts.
    assert_eq!(first_kept([Record::Lost, Record::Cured, stable(4), Record::Lost, stable(8)], 8), 4);
}

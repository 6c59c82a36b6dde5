//! What is slow, by the measure alone.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId};

use super::*;

const fn ms(millis: u64) -> Time {
    Time::from_micros(millis * 1_000)
}

/// A batch whose requests were all held since `at`: so many, and how many milliseconds they waited, agreement took and execution took, if it is over.
fn note(turnaround: &mut Turnaround, seq: u64, at: u64, requests: usize, took: (u64, u64, Option<u64>)) {
    let ((waited, agreed, executed), seq) = (took, SeqNum::new(seq));
    let (accepted, decided) = (at + waited, at + waited + agreed);
    let counted = turnaround.note_accepted(ms(accepted), seq, false, std::iter::repeat_n(ms(at), requests));
    turnaround.follow(ms(accepted), seq, counted);
    turnaround.note_decided(ms(decided), seq);
    if let Some(executed) = executed {
        turnaround.note_executed(ms(decided + executed), seq);
    }
}

/// What is found when a second is over.
fn is_found_slow(mut turnaround: Turnaround) -> bool {
    let membership = Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), Vec::new());
    turnaround.judge(ms(1_000), &Config::new(ReplicaId::new(1), Arc::new(membership)));
    turnaround.slow_until.is_some()
}

/// Ten requests that waited so long, in a batch that took 10 ms to agree on, and so long to execute.
fn is_slow(waited: u64, executed: Option<u64>) -> bool {
    let mut turnaround = Turnaround::default();
    note(&mut turnaround, 1, 0, 10, (waited, 10, executed));
    is_found_slow(turnaround)
}

#[test]
fn what_waits_for_execution_is_not_the_primarys_fault() {
    assert!(is_slow(300, Some(20)));
    assert!(!is_slow(300, Some(290)));
    assert!(is_slow(700, Some(290)));
    // What is not executed when it is judged counts as long as it has taken.
    assert!(!is_slow(300, None));
    assert!(is_slow(900, None));
}

#[test]
fn a_short_wait_is_always_fair() {
    assert!(!is_slow(60, Some(0)));
    assert!(is_slow(70, Some(0)));
}

/// Fifteen requests one by one, each agreed on in 3 ms, and so many together that waited so long, agreed on in 40 ms.
fn is_slow_behind_a_few(crowd: usize, waited: u64) -> bool {
    let mut turnaround = Turnaround::default();
    (0..15).for_each(|few| note(&mut turnaround, 1 + few, 20 * few, 1, (1, 3, Some(0))));
    note(&mut turnaround, 16, 400, crowd, (waited, 40, Some(0)));
    is_found_slow(turnaround)
}

#[test]
fn agreement_counts_for_those_who_waited_for_it() {
    assert!(!is_slow_behind_a_few(300, 100));
    assert!(is_slow_behind_a_few(300, 140));
    // What few of those who waited took part in says little.
    assert!(is_slow_behind_a_few(15, 140));
}

//! What is slow, by the measure alone.

use std::sync::Arc;

use tetrarch_crypto::Digest;
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId};

use super::*;

const fn ms(millis: u64) -> Time {
    Time::from_micros(millis * 1_000)
}

/// Ten requests that waited so long, in a batch that took 10 ms to agree on, and so long to execute; judged when a second is over.
fn is_slow(waited: u64, executed: Option<u64>) -> bool {
    let membership = Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), Vec::new());
    let config = Config::new(ReplicaId::new(1), Arc::new(membership));
    let (mut turnaround, seq) = (Turnaround::default(), SeqNum::new(1));
    let requests = turnaround.note_accepted(ms(waited), seq, false, std::iter::repeat_n(ms(0), 10));
    turnaround.follow(ms(waited), seq, requests);
    turnaround.note_decided(ms(waited + 10), seq);
    if let Some(executed) = executed {
        turnaround.note_executed(ms(waited + 10 + executed), seq);
    }
    turnaround.judge(ms(1_000), &config);
    turnaround.slow_until.is_some()
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
    let membership = Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), Vec::new());
    let config = Config::new(ReplicaId::new(1), Arc::new(membership));
    let mut turnaround = Turnaround::default();
    let mut batch = |seq, at, requests, waited, agreement| {
        let held = std::iter::repeat_n(ms(at), requests);
        let counted = turnaround.note_accepted(ms(at + waited), seq, false, held);
        turnaround.follow(ms(at + waited), seq, counted);
        turnaround.note_decided(ms(at + waited + agreement), seq);
        turnaround.note_executed(ms(at + waited + agreement), seq);
    };
    (0..15).for_each(|at| batch(SeqNum::new(1 + at), 20 * at, 1, 1, 3));
    batch(SeqNum::new(16), 400, crowd, waited, 40);
    turnaround.judge(ms(1_000), &config);
    turnaround.slow_until.is_some()
}

#[test]
fn agreement_counts_for_those_who_waited_for_it() {
    assert!(!is_slow_behind_a_few(300, 100));
    assert!(is_slow_behind_a_few(300, 140));
    // What few of those who waited took part in says little.
    assert!(is_slow_behind_a_few(15, 140));
}

//! What is asked of whom, and when: only what differs, and nothing of those who are of no use.

use std::time::Duration;

use crate::transfer_support::{Conduct, Here, Net, TARGET, certificate, ids, wide};
use crate::tree_support::{ROOTED, change, everything, fill, folded, many, number, root_of, rows_in, store_of};
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_kv::transfer::{Ask, Local, MAX_FRONTIER, MAX_REQUESTS, Placed, Transfer};
use tetrarch_storage::{FailureKind, FaultyStore, StoreError};
use tetrarch_types::{CheckpointCertificate, Fetch, SeqNum, StatePart, Time};

const MANY: usize = 100_000;

fn places(ask: &Ask) -> &[Prefix] {
    let Fetch::State { parts, .. } = &ask.fetch else { unreachable!() };
    parts
}

#[test]
fn one_row_that_differs_is_all_but_all_that_is_fetched() {
    let rows = wide(&many(20_000));
    let there = store_of(&rows);
    for change_of in [Some(b"damaged".to_vec()), None] {
        let here = store_of(&rows);
        change(&here, &vec![(number(777), change_of)]);
        folded(&here);
        let local = Here::new(&here);
        let mut net = Net::new(&there, &there, vec![Conduct::Honest; 3], 1);
        let mut transfer = net.transfer(root_of(&rows));
        assert!(net.run(&mut transfer, &local, MANY));
        assert_eq!(everything(&here), everything(&there));
        let parts: usize = net.asks.iter().map(|ask| places(ask).len()).sum();
        let progress = transfer.progress();
        assert!(parts <= 6 && progress.rows <= 40 && progress.bytes < 16_384, "{parts} parts, {progress:?}");
        assert_eq!(local.installed.get().0, 1);
    }
}

#[test]
fn an_empty_target_is_not_fetched() {
    let here = store_of(&many(50));
    let mut transfer = Transfer::new(CheckpointCertificate::genesis(), ids(3), Time::ZERO);
    let mut out = Vec::new();
    assert_eq!(transfer.deadline(), Some(Time::ZERO));
    transfer.on_deadline(&Here::new(&here), Time::ZERO, &mut out).unwrap();
    assert!(transfer.is_complete() && out.is_empty());
    assert!(rows_in(&here).is_empty());
}

#[test]
fn equal_states_ask_for_nothing() {
    let rows = many(50);
    let here = store_of(&rows);
    let mut transfer = Transfer::new(certificate(TARGET, root_of(&rows)), ids(3), Time::ZERO);
    let mut out = Vec::new();
    transfer.on_deadline(&Here::new(&here), Time::ZERO, &mut out).unwrap();
    assert!(transfer.is_complete() && out.is_empty() && !transfer.is_stuck());
    assert_eq!(transfer.deadline(), None);
}

#[test]
fn nobody_left_to_ask_is_stuck_until_there_is_a_newer_target() {
    let (old, new) = (wide(&many(900)), wide(&many(1_000)));
    let (there, other) = (store_of(&new), store_of(&many(30)));
    let here = store_of(&many(0));
    let mut net = Net::new(&there, &other, vec![Conduct::HasNothing; 3], 3);
    let mut transfer = Transfer::new(certificate(SeqNum::new(64), root_of(&old)), ids(3), Time::ZERO);
    assert!(!net.run(&mut transfer, &Here::new(&here), 60));
    assert!(transfer.is_stuck() && transfer.liars().count() == 0);
    // They are asked now and then, in case that changes, but not for ever more often.
    let asked = net.asks.len();
    assert!((3..60).contains(&asked), "{asked}");
    assert!(net.now > Time::ZERO.after(Duration::from_secs(10)));

    net.peers = vec![Conduct::Honest, Conduct::HasNothing, Conduct::OtherState];
    transfer.retarget(certificate(TARGET, root_of(&new)), net.now);
    assert!(!transfer.is_stuck());
    assert_eq!((transfer.target().seq, transfer.deadline()), (TARGET, Some(net.now)));
    assert!(net.run(&mut transfer, &Here::new(&here), MANY));
    assert_eq!(everything(&here), everything(&there));
}

#[test]
fn a_peer_that_answers_after_all_is_of_use_again() {
    let rows = wide(&many(1_500));
    let (here, there) = (store_of(&many(0)), store_of(&rows));
    let mut net = Net::new(&there, &there, vec![Conduct::HasNothing], 3);
    let mut transfer = net.transfer(root_of(&rows));
    net.run(&mut transfer, &Here::new(&here), 2);
    assert!(transfer.is_stuck());
    net.underway.clear();
    net.peers = vec![Conduct::Honest];
    while transfer.is_stuck() {
        net.run(&mut transfer, &Here::new(&here), 1);
    }
    assert!(!transfer.is_complete(), "one answer is not all, and says that there is more");
    assert!(net.run(&mut transfer, &Here::new(&here), MANY));
}

#[test]
fn liars_alone_are_not_asked_again() {
    let rows = wide(&many(900));
    let (there, other) = (store_of(&rows), store_of(&many(30)));
    let here = store_of(&many(5));
    let before = everything(&here);
    let mut net = Net::new(&there, &other, vec![Conduct::OtherState; 4], 3);
    let mut transfer = net.transfer(root_of(&rows));
    assert!(!net.run(&mut transfer, &Here::new(&here), 100));
    assert!(transfer.is_stuck());
    assert_eq!((transfer.liars().count(), transfer.deadline()), (4, None));
    // Some were asked once more before their lie came, for what others had not answered yet.
    let asked = net.asks.len();
    assert!((4..=8).contains(&asked), "{asked}");
    assert_eq!(everything(&here), before);
    // Not for a newer target either.
    transfer.retarget(certificate(TARGET.next(), root_of(&rows)), net.now);
    assert!(!net.run(&mut transfer, &Here::new(&here), 10));
    assert!(transfer.is_stuck() && net.asks.len() == asked);
}

#[test]
fn silence_costs_a_peer_its_turn_longer_each_time() {
    let here = store_of(&many(0));
    let mut transfer = Transfer::new(certificate(TARGET, Digest::from_bytes([1; 32])), ids(1), Time::ZERO);
    let mut asked = Vec::new();
    for _ in 0..40 {
        let mut out = Vec::new();
        let now = transfer.deadline().unwrap();
        transfer.on_deadline(&Here::new(&here), now, &mut out).unwrap();
        asked.extend(out.iter().map(|_| now.as_micros() / 1_000_000));
    }
    assert!(transfer.is_stuck(), "nobody else may hold the target");
    // Waiting 1, 2, 4 and then 8 seconds; resting 2, 4, 8, 16 and then 32 behind every third time.
    assert_eq!(&asked[..12], [0, 1, 3, 9, 17, 25, 37, 45, 53, 69, 77, 85]);
    let last = asked.windows(2).next_back().map(|two| two[1] - two[0]);
    assert!(last.is_some_and(|gap| gap == 8 || gap == 40));
}

#[test]
fn what_was_not_asked_is_not_looked_at() {
    let rows = many(200);
    let (here, there) = (store_of(&many(0)), store_of(&rows));
    let local = Here::new(&here);
    let mut transfer = Transfer::new(certificate(TARGET, root_of(&rows)), ids(2), Time::ZERO);
    let mut out = Vec::new();
    transfer.on_deadline(&local, Time::ZERO, &mut out).unwrap();
    let asked = out[0].to;
    let other = ids(2).into_iter().find(|id| *id != asked).unwrap();
    let good = tetrarch_kv::tree::part(&there, &ROOTED, &Prefix::ROOT, 1 << 20).unwrap();
    let bad = StatePart::Rows(vec![]);
    out.clear();
    let mut hand_in = |from, seq, place: Prefix, part: &StatePart| {
        transfer.on_parts(&local, Time::ZERO, from, seq, vec![(place, part.clone())], &mut out).unwrap();
        (transfer.liars().count(), transfer.progress().bytes, transfer.is_complete())
    };
    for (from, seq, place) in
        [(other, TARGET, Prefix::ROOT), (asked, TARGET.next(), Prefix::ROOT), (asked, TARGET, Prefix::ROOT.child(1))]
    {
        assert_eq!(hand_in(from, seq, place.clone(), &bad), (0, 0, false));
        assert_eq!(hand_in(from, seq, place, &good), (0, 0, false));
    }
    assert!(hand_in(asked, TARGET, Prefix::ROOT, &good).2);
    assert!(out.is_empty());
    assert_eq!(everything(&here), everything(&there));
}

#[test]
fn a_store_that_fails_is_told_of_and_the_walk_begins_anew() {
    let rows = wide(&many(1_500));
    let there = store_of(&rows);
    let here = FaultyStore::new();
    fill(&here, &wide(&many(20)));
    here.fail_write_at(3, FailureKind::Io);
    let local = Here::new(&here);
    let mut net = Net::new(&there, &there, vec![Conduct::Honest; 2], 9);
    let mut transfer = net.transfer(root_of(&rows));
    let mut out = Vec::new();
    transfer.on_deadline(&local, Time::ZERO, &mut out).unwrap();
    let mut failed = false;
    while !failed {
        let Ask { to, fetch: Fetch::State { parts, rows_up_to, .. } } = out.remove(0) else { unreachable!() };
        let parts = tetrarch_kv::tree::parts(&there, &ROOTED, &parts, rows_up_to as usize).unwrap();
        failed = transfer.on_parts(&local, Time::ZERO, to, TARGET, parts, &mut out).is_err();
    }
    let pause = Time::ZERO.after(Duration::from_secs(1));
    assert_eq!((transfer.deadline(), transfer.frontier()), (Some(pause), 0));
    here.crash(|unsynced| unsynced);
    net.now = pause;
    assert!(net.run(&mut transfer, &local, MANY));
    assert_eq!(everything(&here), everything(&there));
}

/// A state that has nothing, ever, and a peer that invents a page for every place: nothing bounds the tree but its depth.
struct Nothing;

impl Local for Nothing {
    fn branch_at(&self, _: &Prefix) -> Result<Branch, StoreError> {
        Ok(Branch::Empty)
    }

    fn install(&self, _: &[Placed]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn a_tree_as_wide_and_deep_as_there_can_be_stays_within_the_bounds() {
    // The same page everywhere below would need a digest that is its own; so a chain of pages is made from below.
    let mut page = tetrarch_crypto::state_tree::Page([Branch::Node(Digest::from_bytes([1; 32])); 16]);
    let mut pages = vec![page.clone()];
    for _ in 0..63 {
        page = tetrarch_crypto::state_tree::Page([page.joined(); 16]);
        pages.push(page.clone());
    }
    pages.reverse();
    let mut transfer = Transfer::new(certificate(TARGET, pages[0].joined().digest()), ids(7), Time::ZERO);
    let mut out = Vec::new();
    transfer.on_deadline(&Nothing, Time::ZERO, &mut out).unwrap();
    let (mut widest, mut deepest) = (0, 0);
    for turn in 0..6_000 {
        assert!(!out.is_empty(), "there is always something to ask");
        // At times the youngest, at times the oldest: in breadth and in depth.
        let ask = if turn % 3 == 0 { out.remove(0) } else { out.pop().unwrap() };
        let answered = places(&ask).iter().filter_map(|place| {
            let page = pages.get(place.len())?;
            Some((place.clone(), StatePart::Page(Box::new(page.clone()))))
        });
        let answered: Vec<_> = answered.collect();
        deepest = deepest.max(answered.iter().map(|(place, _)| place.len() + 1).max().unwrap_or(0));
        if answered.is_empty() {
            break;
        }
        transfer.on_parts(&Nothing, Time::ZERO, ask.to, TARGET, answered, &mut out).unwrap();
        assert!(transfer.frontier() <= MAX_FRONTIER);
        assert!(ids(7).into_iter().all(|id| transfer.requests(id) <= MAX_REQUESTS));
        widest = widest.max(transfer.frontier());
    }
    assert!(widest > 1_000 && deepest == 64, "{widest} wide, {deepest} deep");
}

//! A peer that asks without end costs a bounded number of answers, and one that needs them gets them all the same (rule L-6).

use std::time::Duration;

use crate::support::chain::{Chain, VALIDITY};
use crate::support::cluster::Cluster;
use crate::support::envelope::Pattern;
use crate::support::{self, id, view};
use tetrarch_replica::{Effect, Recipients};
use tetrarch_types::{Fetch, Message, Payload, ReplicaId, SeqNum, Status, Supply, TransactionId};

/// Bytes of a body.
const BODY: usize = 1024 * 1024;

/// Replica 3 hears nothing of four batches that the others decide; the body of the last is still in their logs.
fn late() -> (Cluster, Vec<TransactionId>) {
    let mut cluster = Cluster::new(Chain::new(4, 3, 8), |config| config.batch_transactions = 1);
    cluster.crash(id(3));
    let transactions: Vec<_> = (1..=4)
        .map(|nonce| {
            let valid_until = cluster.clock(ReplicaId::ZERO).plus(VALIDITY);
            cluster.chain.transaction('A', nonce, BODY, valid_until)
        })
        .collect();
    for to in [0, 1, 2] {
        cluster.request(id(to), &transactions);
    }
    cluster.pass(Duration::from_millis(500), true);
    assert_eq!(cluster.executed(id(0)), SeqNum::new(4));
    cluster.effects.clear();
    cluster.bag.clear();
    (cluster, transactions.iter().map(|it| it.id()).collect())
}

/// Says something in the name of replica 3 to replica 0, at an even rate; what replica 0 sends to it for that.
fn flood(cluster: &mut Cluster, payload: &Payload, times: u32, each: Duration) -> Vec<Payload> {
    for _ in 0..times {
        let message = cluster.chain.sign(payload.clone(), id(3));
        cluster.post(id(3), ReplicaId::ZERO, message);
        cluster.settle();
        cluster.pass(each, true);
    }
    let sent = std::mem::take(&mut cluster.effects).into_iter();
    let is_answer = |(from, effect)| match effect {
        Effect::Send { to: Recipients::One(to), payload } if from == ReplicaId::ZERO && to == id(3) => Some(payload),
        _ => None,
    };
    sent.filter_map(is_answer).collect()
}

const BEHIND: Payload = Payload::Status(Status {
    view: view(0),
    changing: false,
    executed: SeqNum::ZERO,
    stable: SeqNum::ZERO,
    slow: false,
});

#[test]
fn statuses_are_answered_now_and_then() {
    let few = flood(&mut late().0, &BEHIND, 5, Duration::from_millis(200)).len();
    assert!(few >= 5 * 3, "an honest one is told its votes and certificates each time: {few}");
    let many = flood(&mut late().0, &BEHIND, 2_000, Duration::from_micros(500)).len();
    assert!(many <= 4 * few + few, "four times as often as an honest one is the most: {many} and {few}");
}

#[test]
fn bodies_are_given_at_a_rate() {
    let (mut cluster, ids) = late();
    let fetch = Payload::Fetch(Fetch::Transactions(ids));
    let at_once = flood(&mut cluster, &fetch, 100, Duration::ZERO).len();
    assert!((14..=16).contains(&at_once), "a burst of 16 MiB, at a little more than one each: {at_once}");
    // Half a second at 32 MiB a second.
    let later = flood(&mut cluster, &fetch, 500, Duration::from_millis(1)).len();
    assert!((14..=17).contains(&later), "{later}");
}

/// The laggard itself comes up while somebody uses up what replica 0 repeats in the name of replica 2.
#[test]
fn an_honest_laggard_is_served_beside_a_flood() {
    let (mut cluster, _) = late();
    cluster.restart(id(3));
    cluster.answer_held(id(3));
    for _ in 0..1_000 {
        let message = cluster.chain.sign(BEHIND, id(2));
        cluster.post(id(2), ReplicaId::ZERO, message);
        cluster.settle();
        cluster.pass(Duration::from_millis(1), true);
    }
    assert_eq!(cluster.executed(id(3)), SeqNum::new(4));
}

/// With one more complaint than the liar's own it decides whether f + 1 others complain: whenever it does, all who hear it complain too.
#[test]
fn a_complaint_that_comes_and_goes_is_joined_now_and_then() {
    let mut cluster = Cluster::new(Chain::new(5, 3, 8), |_| {});
    cluster.blocks = vec![Pattern { from: Some(id(2)), ..Pattern::default() }];
    let say = |cluster: &mut Cluster, from: usize, slow: bool| {
        let status = Status { view: view(0), changing: false, executed: SeqNum::ZERO, stable: SeqNum::ZERO, slow };
        let message = cluster.chain.sign(Payload::Status(status), id(from));
        cluster.post(id(from), id(2), message);
        cluster.settle();
    };
    say(&mut cluster, 1, true);
    cluster.effects.clear();
    for number in 0..2_000 {
        say(&mut cluster, 4, number % 2 == 1);
        cluster.pass(Duration::from_micros(500), false);
    }
    let is_said = |(from, effect): &(ReplicaId, Effect)| {
        *from == id(2) && matches!(effect, Effect::Send { payload: Payload::Status(it), .. } if it.slow)
    };
    let said = cluster.effects.iter().filter(|it| is_said(it)).count();
    assert!((2..=25).contains(&said), "{said} in a second");
}

/// Who says that it is ahead and then keeps nothing is one peer of several: the others are asked as well, before a whole state is fetched
/// (rule L-3).
#[test]
fn a_peer_that_keeps_nothing_forces_no_transfer() {
    let (mut cluster, _) = late();
    let (liar, laggard) = (id(2), id(3));
    cluster.crash(liar);
    cluster.restart(laggard);
    cluster.answer_held(laggard);
    cluster.bag.clear();
    let far =
        Status { view: view(0), changing: false, executed: SeqNum::new(1_000), stable: SeqNum::ZERO, slow: false };
    for _ in 0..100 {
        let message = cluster.chain.sign(Payload::Status(far), liar);
        cluster.post(liar, laggard, message);
        let none = cluster.chain.sign(Payload::Supply(Supply::Committed(Vec::new())), liar);
        cluster.post(liar, laggard, none);
        // What the others say of themselves is still under way.
        let is_under_way =
            |it: &support::envelope::Envelope| matches!(it.message, Message::Status(_)) && it.from != liar;
        cluster.bag.retain(|it| !is_under_way(it));
        cluster.settle();
        cluster.pass(Duration::from_millis(20), false);
    }
    let is_fetched = |(_, effect): &(ReplicaId, Effect)| matches!(effect, Effect::FetchState(_));
    assert!(!cluster.effects.iter().any(is_fetched), "the others keep what was decided");
    assert_eq!(cluster.executed(laggard), SeqNum::new(4));
}

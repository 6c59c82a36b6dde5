//! Who is served, how often, and how much may wait.

use std::collections::VecDeque;
use std::time::Duration;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_types::{ReplicaId, SeqNum};

use super::{Wish, Wishes};
use crate::bounds;
use crate::clock::Clock;

const ONE: ReplicaId = ReplicaId::new(1);
const TWO: ReplicaId = ReplicaId::new(2);

fn batches(after: u64) -> Wish {
    Wish::Batches { after: SeqNum::new(after) }
}

fn state(checkpoint: u64) -> Wish {
    Wish::State { checkpoint: SeqNum::new(checkpoint), parts: vec![Prefix::ROOT], rows_up_to: 0 }
}

fn held(wishes: &Wishes, peer: ReplicaId) -> usize {
    wishes.lock().wishes.get(&peer).map_or(0, VecDeque::len)
}

/// What is granted next, and to whom: the number of its batch or checkpoint.
fn granted(wishes: &Wishes, clock: &Clock) -> Option<(ReplicaId, u64)> {
    wishes.next(clock).map(|(peer, wish)| match wish {
        Wish::Batches { after } => (peer, after.get()),
        Wish::State { checkpoint, .. } => (peer, checkpoint.get()),
    })
}

#[test]
fn a_later_wish_for_batches_replaces_the_one_before() {
    let (wishes, clock) = (Wishes::default(), Clock::start());
    (1..100).for_each(|after| wishes.add(ONE, batches(after)));
    assert_eq!(held(&wishes, ONE), 1);
    assert_eq!(granted(&wishes, &clock), Some((ONE, 99)));
    assert_eq!(held(&wishes, ONE), 0);
}

#[test]
fn a_peer_has_a_few_wishes_and_leaves_others_theirs() {
    let (wishes, clock) = (Wishes::default(), Clock::start());
    (1..100).for_each(|checkpoint| wishes.add(ONE, state(checkpoint)));
    assert_eq!(held(&wishes, ONE), bounds::PEER_WISHES);
    wishes.add(TWO, batches(7));
    let first = [granted(&wishes, &clock), granted(&wishes, &clock)];
    assert!(first.contains(&Some((ONE, 1))) && first.contains(&Some((TWO, 7))), "{first:?}");
    // The oldest are kept, in their order.
    for checkpoint in 2..=bounds::PEER_WISHES as u64 {
        assert_eq!(granted(&wishes, &clock), Some((ONE, checkpoint)));
    }
    assert_eq!((held(&wishes, ONE), held(&wishes, TWO)), (0, 0));
}

#[test]
fn who_was_served_rests() {
    let (wishes, clock) = (Wishes::default(), Clock::start());
    wishes.add(ONE, batches(1));
    assert_eq!(granted(&wishes, &clock), Some((ONE, 1)));
    let before = clock.time();
    wishes.add(ONE, batches(2));
    assert_eq!(granted(&wishes, &clock), Some((ONE, 2)));
    assert!(clock.time().since(before) >= bounds::SUPPLY_INTERVAL / 2);
}

#[test]
fn what_was_expensive_is_rested_for() {
    let (wishes, clock) = (Wishes::default(), Clock::start());
    let now = clock.time();
    let due = |peer| wishes.lock().rested.get(&peer).copied().unwrap_or_default().since(now);
    wishes.charge(ONE, now, now, bounds::SUPPLY_BYTES_A_SECOND / 4);
    assert_eq!(due(ONE), Duration::from_millis(250));
    // Long to read and short to tell.
    wishes.charge(TWO, now, now.after(Duration::from_millis(10)), 1_000);
    assert_eq!(due(TWO), Duration::from_millis(10) * (1 + bounds::SUPPLY_REST));
}

#[test]
fn nobody_is_served_behind_the_end() {
    let (wishes, clock) = (Wishes::default(), Clock::start());
    wishes.add(ONE, state(1));
    wishes.close();
    assert_eq!(granted(&wishes, &clock), None);
}

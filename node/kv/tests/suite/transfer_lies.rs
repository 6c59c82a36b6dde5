//! Transfers end with the certified state, whatever all peers but one do and whatever becomes of messages.

use crate::transfer_support::{Conduct, Here, Net, wide};
use crate::tree_support::{apply, changes, everything, many, root_of, rows_in, store_of};
use proptest::prelude::*;

/// More than any of these transfers takes.
const MANY: usize = 100_000;

fn conduct() -> impl Strategy<Value = Conduct> {
    (0..Conduct::ALL.len()).prop_map(|at| Conduct::ALL[at])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn one_honest_peer_is_enough(
        others in prop::collection::vec(conduct(), 0..6),
        (at, seed) in (any::<prop::sample::Index>(), any::<u64>()),
        (lost, twice) in (0_usize..30, 0_usize..30),
        (mine, theirs) in (prop_oneof![Just(0_u32), 1..2_500_u32], prop_oneof![Just(0_u32), 1..2_500_u32]),
        since in changes(2_500, 60),
    ) {
        let mut rows = wide(&many(theirs));
        apply(&mut rows, &since);
        let (here, there, other) = (store_of(&wide(&many(mine))), store_of(&rows), store_of(&wide(&many(2_000))));
        let mut peers = others;
        peers.insert(at.index(peers.len() + 1), Conduct::Honest);
        let mut net = Net::new(&there, &other, peers, seed);
        (net.lost, net.twice) = (lost, twice);
        let mut transfer = net.transfer(root_of(&rows));
        prop_assert!(net.run(&mut transfer, &Here::new(&here), MANY), "{:?}", transfer.progress());
        prop_assert_eq!(rows_in(&here), rows.clone());
        // A state that was never folded has no page, not even an empty one.
        if !rows.is_empty() {
            prop_assert_eq!(everything(&here), everything(&there));
        }
    }

    #[test]
    fn each_lie_is_seen_by_itself(at in 0..Conduct::ALL.len(), seed in any::<u64>()) {
        let rows = wide(&many(1_500));
        let (here, there, other) = (store_of(&wide(&many(700))), store_of(&rows), store_of(&wide(&many(1_000))));
        // The liar is asked first.
        let mut net = Net::new(&there, &other, vec![Conduct::ALL[at], Conduct::Honest], seed);
        net.slow = 500;
        let mut transfer = net.transfer(root_of(&rows));
        prop_assert!(net.run(&mut transfer, &Here::new(&here), MANY));
        prop_assert_eq!(everything(&here), everything(&there));
        prop_assert_eq!(transfer.liars().count(), usize::from(Conduct::ALL[at].is_lie()));
    }

    #[test]
    fn what_was_interrupted_goes_on_where_it_was(
        seed in any::<u64>(),
        cuts in prop::collection::vec(1_usize..40, 1..12),
        peers in 1_usize..5,
    ) {
        let rows = wide(&many(3_000));
        let (here, there) = (store_of(&many(0)), store_of(&rows));
        let local = Here::new(&here);
        let mut net = Net::new(&there, &there, vec![Conduct::Honest; peers], seed);
        for cut in cuts {
            let mut transfer = net.transfer(root_of(&rows));
            net.run(&mut transfer, &local, cut);
            net.underway.clear();
        }
        let mut last = net.transfer(root_of(&rows));
        prop_assert!(net.run(&mut last, &local, MANY));
        prop_assert_eq!(everything(&here), everything(&there));
        // No row came in twice.
        prop_assert_eq!(local.installed.get().1, rows.len());
    }
}

#[test]
fn what_is_in_place_is_not_fetched_again() {
    let rows = wide(&many(20_000));
    let (here, there) = (store_of(&many(0)), store_of(&rows));
    let bytes = |here: &Here<'_>, most: usize| {
        let mut net = Net::new(&there, &there, vec![Conduct::Honest; 3], 5);
        let mut transfer = net.transfer(root_of(&rows));
        net.run(&mut transfer, here, most);
        (transfer.progress().bytes, transfer.is_complete())
    };
    let (whole, _) = bytes(&Here::new(&store_of(&many(0))), MANY);
    let (first, is_complete) = bytes(&Here::new(&here), 12);
    assert!(!is_complete && first > whole / 10);
    let (second, is_complete) = bytes(&Here::new(&here), MANY);
    // What is fetched twice is a few pages.
    assert!(is_complete && first + second < whole + 64 * 1_200, "{first} + {second} of {whole}");
    assert_eq!(bytes(&Here::new(&here), MANY), (0, true));
}

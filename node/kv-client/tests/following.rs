//! The follower among liars: what it delivers is exactly what happened, and all of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use support::world::{Scene, World};
use tetrarch_kv::{Command, Operation, PutRequest, Request, TxnRequest};

const SEEDS: u64 = 150;

/// Steps within which everything must have come, once nothing new happens.
const ENOUGH: usize = 60_000;

fn scene(size: u8, liars: usize) -> Scene {
    Scene { size, liars, from: 2, compacts: false, with_previous: true }
}

/// Lets things happen, and then waits for all of it. Returns how much of what liars said was found to be nonsense.
fn play(seed: u64, scene: Scene, turns: usize) -> usize {
    let mut world = World::new(seed, scene);
    for turn in 0..turns {
        if turn % 12 == 0 {
            world.order_any();
        }
        world.step();
    }
    let done = |world: &World| world.next > world.newest().max(scene.from - 1) || world.follower.compacted().is_some();
    for _ in 0..ENOUGH {
        if done(&world) {
            break;
        }
        world.step();
    }
    assert!(done(&world), "seed {seed}, {scene:?}: {} of {}; {:?}", world.next, world.newest(), world.lies());
    assert!(scene.compacts || world.follower.compacted().is_none(), "seed {seed}: nothing is gone");
    world.nonsense
}

#[test]
fn among_f_liars_all_that_happened_is_delivered_once_and_in_order() {
    let nonsense: usize = (0..SEEDS).map(|seed| play(seed, scene(4, 1), 600)).sum();
    assert!(nonsense > 1_000, "the liars are not heard: {nonsense}");
    for seed in 0..SEEDS / 3 {
        play(seed, scene(7, 2), 600);
    }
}

#[test]
fn one_replica_is_believed_where_none_may_lie_and_so_are_two() {
    for seed in 0..SEEDS / 5 {
        play(seed, scene(1, 0), 300);
        play(seed, scene(2, 0), 300);
        play(seed, Scene { with_previous: false, ..scene(4, 1) }, 300);
    }
}

#[test]
fn a_start_in_the_future_delivers_nothing_earlier() {
    for seed in 0..SEEDS / 3 {
        play(seed, Scene { from: 2 + seed, ..scene(4, 1) }, 400);
    }
}

#[test]
fn what_is_compacted_is_said_to_be_and_only_that() {
    for seed in 0..SEEDS {
        play(seed, Scene { compacts: true, ..scene(4, 1) }, 600);
    }
    for seed in 0..SEEDS / 3 {
        play(seed, Scene { compacts: true, ..scene(7, 2) }, 600);
    }
}

#[test]
fn revisions_of_many_large_records_come_in_parts() {
    for seed in 0..12 {
        let mut world = World::new(seed, scene(4, 1));
        let keys = || ["a", "b", "c"].into_iter();
        for value in [b'1', b'2'] {
            keys().for_each(|key| world.order(Request::put(key, vec![value; 1_000_000]).into()));
        }
        let keeping = |key| Operation::Put(PutRequest { ignore_value: true, ..PutRequest::new(key, "") });
        let kept = TxnRequest { success: keys().map(keeping).collect(), ..TxnRequest::default() };
        world.order(Command::from(Request::Txn(kept)));
        let all = tetrarch_kv::DeleteRangeRequest { range: tetrarch_kv::KeyRange::between("a", "d"), prev_kv: false };
        world.order(Command::from(Request::DeleteRange(all)));
        assert_eq!(world.newest(), 9);
        for _ in 0..20_000 {
            world.step();
            if world.next == 10 {
                break;
            }
        }
        assert_eq!(world.next, 10, "seed {seed}: {:?}", world.lies());
    }
}

/// With more liars than the membership stands for nothing is promised, and this shows that the tests above can fail.
#[test]
fn more_than_f_liars_are_believed() {
    let fooled = (0..40).filter(|seed| std::panic::catch_unwind(|| play(*seed, scene(4, 3), 300)).is_err());
    assert!(fooled.count() > 5);
}

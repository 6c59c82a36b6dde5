//! Snapshots that peers are fetching, and what was decided behind them: they stay, for a while and a few of them (rules S-0, S-5).

use std::sync::Arc;
use std::time::Duration;

use crate::support::{INTERVAL, Node, batch, genesis, put};
use tetrarch_crypto::PublicKey;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_kv::{Execution, KvMachine, Retention};
use tetrarch_storage::{MemoryStore, Store};
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum, Time};

/// Batches that a ledger keeps when nobody fetches a state.
const KEPT: u64 = 8;

/// A replica of four, and the last batch it executed.
struct Scene {
    store: Arc<MemoryStore>,
    node: Node,
    last: u64,
    now: Time,
}

impl Scene {
    fn new() -> Self {
        let keys = (1..=4).map(|key| PublicKey::from_bytes([key; 32])).collect();
        let parameters = Parameters { checkpoint_interval: INTERVAL, window: 2 * INTERVAL };
        let membership = Membership::new(genesis(), Epoch::ZERO, parameters, keys);
        let store = Arc::new(MemoryStore::new());
        Node::<Arc<MemoryStore>>::init(&store, &membership).unwrap();
        let retain = Retention { batches: KEPT, ..Retention::default() };
        let node = Execution::open(KvMachine, store.clone(), &membership, retain).unwrap();
        Self { store, node, last: 0, now: Time::ZERO }
    }

    /// Executes the batches up to the next checkpoint.
    fn execute(&mut self) {
        for _ in 0..INTERVAL {
            self.last += 1;
            self.node.execute(&batch(self.last, vec![put(1, self.last, "k", "v")])).unwrap();
        }
    }

    /// The same, and the checkpoint is stable a second later.
    fn go_on(&mut self) {
        self.execute();
        self.now = self.now.after(Duration::from_secs(1));
        self.node.retire_snapshots(SeqNum::new(self.last), self.now).unwrap();
    }

    fn ask(&self, peer: u16, checkpoint: u64) -> bool {
        let checkpoint = SeqNum::new(checkpoint);
        self.node.hold_snapshot(ReplicaId::new(peer), checkpoint, self.now).unwrap();
        self.node.parts(checkpoint, &[Prefix::ROOT], 0).unwrap().is_some()
    }

    /// Snapshots beside the two latest.
    fn held(&self) -> Vec<u64> {
        let mut numbers = self.store.snapshots().unwrap();
        numbers.truncate(numbers.len() - 2);
        numbers
    }
}

#[test]
fn a_snapshot_stays_while_a_peer_asks_for_it_however_fast_the_others_move_on() {
    let mut scene = Scene::new();
    (0..3).for_each(|_| scene.go_on());
    let target = scene.last;
    for _ in 0..50 {
        assert!(scene.ask(1, target));
        (0..20).for_each(|_| scene.go_on());
        assert_eq!(scene.held(), [target]);
    }
    (0..70).for_each(|_| scene.go_on());
    assert!(scene.held().is_empty(), "it has not asked for a minute");
    assert!(!scene.ask(1, target));
}

#[test]
fn a_peer_holds_one() {
    let mut scene = Scene::new();
    (0..3).for_each(|_| scene.go_on());
    let mut last = 0;
    for _ in 0..10 {
        assert!(scene.ask(1, scene.last));
        last = scene.last;
        (0..3).for_each(|_| scene.go_on());
    }
    assert_eq!(scene.held(), [last]);
}

/// One liar asks for whatever is newest, another replica for what it began with.
#[test]
fn a_liar_takes_nobody_elses_place() {
    let mut scene = Scene::new();
    (0..3).for_each(|_| scene.go_on());
    let target = scene.last;
    for _ in 0..40 {
        scene.ask(2, scene.last);
        assert!(scene.ask(1, target));
        scene.go_on();
    }
    // More than f + 1 are not held: the disk is bounded.
    for peer in [0, 1, 2, 3] {
        scene.ask(peer, scene.last);
        (0..3).for_each(|_| scene.go_on());
        assert!(scene.held().len() <= 2, "{:?}", scene.held());
    }
}

#[test]
fn what_was_decided_behind_a_state_that_is_fetched_stays_up_to_a_bound() {
    let mut scene = Scene::new();
    (0..3).for_each(|_| scene.go_on());
    let (target, behind) = (scene.last, SeqNum::new(scene.last));
    let kept = |scene: &Scene| scene.node.committed_after(behind).unwrap().len() as u64;
    scene.ask(1, target);
    for _ in 0..KEPT {
        scene.go_on();
        assert_eq!(kept(&scene), scene.last - target);
    }
    assert_eq!(scene.last - target, 4 * KEPT);
    scene.go_on();
    assert_eq!(kept(&scene), 0, "not for ever");
    (0..70).for_each(|_| scene.go_on());
    let oldest = SeqNum::new(scene.last - KEPT);
    assert_eq!(scene.node.committed_after(oldest).unwrap().len() as u64, KEPT);
    assert!(scene.node.committed_after(SeqNum::new(oldest.get() - 1)).unwrap().is_empty());
}

/// A replica that catches up by the log is at many checkpoints before it knows of any that it is stable.
#[test]
fn a_replica_that_executes_what_it_missed_keeps_few() {
    let mut scene = Scene::new();
    (0..40).for_each(|_| scene.execute());
    assert_eq!(scene.store.snapshots().unwrap().len(), 4);
}

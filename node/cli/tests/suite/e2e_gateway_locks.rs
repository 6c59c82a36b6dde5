//! etcdctl's locks through a gateway: who is stopped loses its turn, and it never comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::e2e_support::gateway::{Caller, below, etcdctl_going};
use crate::e2e_support::process::Going;
use crate::e2e_support::{Net, PATIENCE, block_on};
use crate::installed::has_etcdctl;
use rustix::process::Signal;
use tetrarch_gateway::messages::kv::{RangeRequest, SortOrder, SortTarget};

/// The keys of the lock's queue begin so.
const QUEUE: &str = "job/";

#[test]
fn a_stopped_holder_loses_its_lock_for_good() {
    if !has_etcdctl() {
        return;
    }
    let net = Net::up_with_gateway();
    let checker = Checker::start(&net);
    let mut first = lock(&net, STOPPED);
    let held = key(&first);
    let mut second = lock(&net, KEPT);
    checker.until_in_queue(&net, 2);
    first.signal(Signal::STOP);
    let next = key(&second);
    checker.until_turn(&next);
    let third = lock(&net, KEPT);
    checker.until_in_queue(&net, 2);
    first.signal(Signal::CONT);
    assert!(!first.ended(PATIENCE).success(), "it learns that its lease has ended, and says so");
    second.signal(Signal::INT);
    second.ended(PATIENCE);
    let last = key(&third);
    checker.until_turn(&last);

    let turns = checker.end();
    assert_eq!(
        turns.iter().map(|turn| turn.key.clone()).collect::<Vec<_>>(),
        [held, next, last],
        "one after the other"
    );
    assert!(turns.is_sorted_by(|one, next| one.created < next.created), "fencing numbers grow: {turns:?}");
    net.assert_no_panic();
}

/// The leases, in seconds, of whoever is stopped, which is waited for, and of whoever is not to lose it, whatever the machine does for a while.
const STOPPED: &str = "5";
const KEPT: &str = "30";

/// Somebody who wants the lock, with a lease.
fn lock(net: &Net, seconds: &str) -> Going {
    etcdctl_going(net, &["lock", "job", "--ttl", seconds])
}

/// The key in the queue that is its own: it says so when it has the lock.
#[track_caller]
fn key(holder: &Going) -> String {
    holder.line(PATIENCE).unwrap()
}

/// Whose turn it is: the key of the queue that came to be first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Turn {
    key: String,
    created: i64,
}

/// Asks all the time whose turn it is, and notes each change.
struct Checker {
    stop: Arc<AtomicBool>,
    turns: Arc<Mutex<Vec<Turn>>>,
    thread: JoinHandle<()>,
}

impl Checker {
    fn start(net: &Net) -> Self {
        let (stop, turns) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Turn>>>::default());
        let (gateway, stopped, noted) = (net.gateway(), Arc::clone(&stop), Arc::clone(&turns));
        let thread = std::thread::spawn(move || block_on(async { check(Caller::to(gateway), &stopped, &noted).await }));
        Self { stop, turns, thread }
    }

    /// Waits until so many stand in the queue.
    fn until_in_queue(&self, net: &Net, count: usize) {
        self.until(&format!("{count} in the queue"), || {
            block_on(async { Caller::to(net.gateway()).read_all(QUEUE).await }).unwrap().kvs.len() == count
        });
    }

    /// Waits until it has seen that it is this one's turn.
    fn until_turn(&self, key: &str) {
        self.until(&format!("the turn of {key}"), || self.turns.lock().unwrap().last().is_some_and(|it| it.key == key));
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE && !self.thread.is_finished(), "not within {PATIENCE:?}: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The turns, each as often as it began.
    fn end(self) -> Vec<Turn> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        std::mem::take(&mut *self.turns.lock().unwrap())
    }
}

async fn check(caller: Caller, stop: &AtomicBool, turns: &Mutex<Vec<Turn>>) {
    let (key, range_end) = below(QUEUE);
    let (sort_order, sort_target) = (SortOrder::Ascend as i32, SortTarget::Create as i32);
    let first = RangeRequest { key, range_end, limit: 1, sort_order, sort_target, ..RangeRequest::default() };
    while !stop.load(Ordering::Relaxed) {
        for kv in caller.range(first.clone()).await.unwrap().kvs {
            let turn = Turn { key: String::from_utf8(kv.key).unwrap(), created: kv.create_revision };
            let mut turns = turns.lock().unwrap();
            if turns.last() != Some(&turn) {
                turns.push(turn);
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

//! More waits than all batches in flight can hold, and execution is what takes long. No primary could order faster: nobody finds it slow
//! (rule V-9), and nobody sends it again what merely waits for its turn (rule V-1).

use std::time::Duration;

use crate::support::chain::Chain;
use crate::support::cluster::Cluster;
use crate::support::id;
use tetrarch_replica::{Config, Effect, Event, ViewChangeReason};
use tetrarch_types::{Message, SeqNum, Supply, Transaction, TransactionId};

/// What a batch takes to execute, two of them at a time: less than a timeout, and more than any agreement.
const EXECUTION: Duration = Duration::from_millis(700);

/// Requests in a batch, as the backups' settings have it.
const BATCH: usize = 4;

/// Four replicas that are busy with a queue of requests, which never ends.
struct Backlog {
    cluster: Cluster,
    asked: u64,
    /// The requests that replicas passed on to the primary.
    relayed: Vec<TransactionId>,
    given_up: Vec<ViewChangeReason>,
}

impl Backlog {
    fn new(settings: impl Fn(&mut Config)) -> Self {
        let cluster = Cluster::new(Chain::new(4, 64, 128), |config| {
            (config.pipeline, config.batch_transactions) = (2, BATCH);
            config.batch_spacing = Duration::ZERO;
            settings(config);
        });
        let mut backlog = Self { cluster, asked: 0, relayed: Vec::new(), given_up: Vec::new() };
        backlog.make_busy();
        for _ in 0..6 * BATCH {
            backlog.ask();
        }
        backlog
    }

    fn make_busy(&mut self) {
        for it in self.cluster.ids() {
            self.cluster.node_mut(it).unexecuted.get_or_insert_default();
        }
    }

    fn transaction(&mut self) -> Transaction {
        self.asked += 1;
        self.cluster.transaction(self.asked)
    }

    fn ask(&mut self) {
        let transaction = self.transaction();
        self.cluster.ids().for_each(|it| self.cluster.request(it, std::slice::from_ref(&transaction)));
    }

    /// Time passes in which everybody executes what is decided; as much is asked for anew.
    fn round(&mut self) {
        self.cluster.pass(EXECUTION, true);
        self.cluster.ids().for_each(|it| self.cluster.execute_all(it));
        self.make_busy();
        self.cluster.settle();
        for _ in 0..2 * BATCH {
            self.ask();
        }
        self.note();
    }

    fn note(&mut self) {
        for message in std::mem::take(&mut self.cluster.sent) {
            if let Message::Supply(it) = &message
                && it.signer != id(0)
                && let Supply::Transactions(passed_on) = &it.payload
            {
                self.relayed.extend(passed_on.iter().map(Transaction::id));
            }
        }
        for (_, effect) in std::mem::take(&mut self.cluster.effects) {
            if let Effect::Observe(Event::ViewChangeStarted { reason, .. }) = effect {
                self.given_up.push(reason);
            }
        }
    }

    fn executed(&self) -> SeqNum {
        self.cluster.executed(id(1))
    }
}

#[test]
fn who_cannot_order_faster_is_left_in_peace() {
    let mut backlog = Backlog::new(|_| {});
    for _ in 0..12 {
        backlog.round();
    }
    assert_eq!((backlog.given_up, backlog.relayed.len()), (Vec::new(), 0));
    assert_eq!(backlog.cluster.executed(id(1)), SeqNum::new(24), "two batches a round");
}

#[test]
fn what_the_primary_lacks_it_is_sent_all_the_same() {
    let mut backlog = Backlog::new(|_| {});
    let missing = backlog.transaction();
    backlog.cluster.request(id(1), std::slice::from_ref(&missing));
    for _ in 0..12 {
        backlog.round();
    }
    assert_eq!(backlog.given_up, Vec::new());
    assert!(!backlog.relayed.is_empty(), "it is overtaken");
    assert!(backlog.relayed.iter().all(|it| *it == missing.id()), "and nothing else is");
    assert!(backlog.cluster.node(id(1)).machine.done.contains(&missing.id()));
}

/// Room is no excuse for a primary that does not use it.
#[test]
fn a_primary_that_leaves_batches_small_is_deposed() {
    let mut backlog = Backlog::new(|config| {
        if config.id == id(0) {
            config.batch_transactions = 1;
        }
    });
    for _ in 0..12 {
        backlog.round();
    }
    assert_eq!(backlog.given_up.first(), Some(&ViewChangeReason::SlowPrimary));
    assert!(backlog.executed() > SeqNum::new(16));
}

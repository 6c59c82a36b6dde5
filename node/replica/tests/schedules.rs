//! Random schedules: messages are delivered in any order, lost and doubled, clocks jump, replicas fall in the middle of turns and rise
//! again, and in half of the runs a liar holds the first primary's key. Nobody may disagree, execute out of order or take back a signature
//! (checked at every turn by `support`), and once the faults end everything that was asked for executes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use support::chain::{Chain, EPOCH};
use support::cluster::Cluster;
use support::node::Trap;
use support::{id, seq, view};
use tetrarch_crypto::Digest;
use tetrarch_replica::Input;
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Message, Payload, PrePrepare, Prepare, ReplicaId, Status,
    Timestamp, Transaction, ViewChange,
};

/// It leads view 0.
const LIAR: usize = 0;
const RECORDS: [&str; 7] = ["proposed", "accepted", "prepared", "view-changing", "starting", "entered", "stable"];

#[derive(Clone, Debug)]
enum Step {
    /// A client's transaction reaches some replicas: one bit each.
    Request {
        client: u8,
        nonce: u64,
        variant: usize,
        to: u8,
    },
    /// The first messages, in order.
    Deliver {
        count: usize,
    },
    /// One message out of turn; perhaps it stays in the bag.
    Pick {
        index: usize,
        again: bool,
    },
    Drop {
        index: usize,
    },
    Tick {
        millis: u64,
    },
    Crash {
        who: usize,
        lost: u64,
    },
    Trap {
        who: usize,
        record: usize,
        durable: bool,
    },
    Restart {
        who: usize,
    },
    Lie {
        kind: u8,
        view: u64,
        seq: u64,
        choice: usize,
        to: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let to = prop_oneof![3 => Just(15_u8), 1 => 1..16_u8];
    let request = (0..3_u8, 0..12_u64, 0..8_usize, to).prop_map(|(client, nonce, variant, to)| Step::Request {
        client,
        nonce,
        variant: usize::from(variant == 0),
        to,
    });
    let lie = (0..8_u8, 0..6_u64, 1..8_u64, any::<usize>(), 1..4_usize);
    let trap = (0..4_usize, 0..RECORDS.len(), any::<bool>());
    prop_oneof![
        12 => request,
        30 => (1..60_usize).prop_map(|count| Step::Deliver { count }),
        12 => (any::<usize>(), any::<bool>()).prop_map(|(index, again)| Step::Pick { index, again }),
        6 => any::<usize>().prop_map(|index| Step::Drop { index }),
        8 => (1..300_u64).prop_map(|millis| Step::Tick { millis }),
        1 => (300..1_500_u64).prop_map(|millis| Step::Tick { millis }),
        1 => (0..4_usize, 0..3_u64).prop_map(|(who, lost)| Step::Crash { who, lost }),
        2 => trap.prop_map(|(who, record, durable)| Step::Trap { who, record, durable }),
        10 => (0..4_usize).prop_map(|who| Step::Restart { who }),
        6 => lie.prop_map(|(kind, view, seq, choice, to)| Step::Lie { kind, view, seq, choice, to }),
    ]
}

struct Run {
    cluster: Cluster,
    /// Whether the first replica is a liar instead of one of ours.
    with_liar: bool,
    asked: Vec<Transaction>,
}

impl Run {
    fn new(with_liar: bool) -> Self {
        let mut cluster = Cluster::new(Chain::new(4, 2, 4), |config| {
            config.pipeline = 3;
            config.batch_transactions = 2;
        });
        if with_liar {
            cluster.crash(id(LIAR));
        }
        Self { cluster, with_liar, asked: Vec::new() }
    }

    fn honest(&self) -> Vec<ReplicaId> {
        self.cluster.ids().filter(|it| !self.with_liar || it.index() != LIAR).collect()
    }

    fn step(&mut self, step: &Step) {
        let len = self.cluster.bag.len().max(1);
        match *step {
            Step::Request { client, nonce, variant, to } => self.request(client, nonce, variant, to),
            Step::Deliver { count } => {
                for _ in 0..count.min(self.cluster.bag.len()) {
                    let first = self.cluster.bag.remove(0);
                    self.cluster.deliver(first);
                }
            }
            Step::Pick { index, again } => {
                if let Some(envelope) = self.cluster.bag.get(index % len).cloned() {
                    if !again {
                        self.cluster.bag.remove(index % len);
                    }
                    self.cluster.deliver(envelope);
                }
            }
            Step::Drop { index } if !self.cluster.bag.is_empty() => drop(self.cluster.bag.remove(index % len)),
            Step::Drop { .. } => {}
            Step::Tick { millis } => self.cluster.pass(Duration::from_millis(millis), false),
            Step::Crash { who, lost } => {
                self.cluster.crash(id(who));
                self.cluster.node_mut(id(who)).lose_executions(lost);
            }
            Step::Trap { who, record, durable } => {
                self.cluster.node_mut(id(who)).trap = Some(Trap { record: RECORDS[record].into(), durable });
            }
            Step::Restart { who } if !self.with_liar || who != LIAR => self.cluster.restart(id(who)),
            Step::Restart { .. } => {}
            Step::Lie { kind, view, seq, choice, to } => self.lie(kind, view, seq, choice, to),
        }
        self.cluster.effects.clear();
    }

    fn request(&mut self, client: u8, nonce: u64, variant: usize, to: u8) {
        let client = char::from(b'A' + client);
        let transaction =
            self.cluster.chain.transaction(client, nonce, variant, EPOCH.plus(Duration::from_secs(3_000)));
        for it in self.honest().into_iter().filter(|it| to & (1 << it.index()) != 0) {
            self.cluster.request(it, std::slice::from_ref(&transaction));
        }
        self.asked.push(transaction);
    }

    /// The liar says something of its own: it has its key, what clients sent, and the digests of what others proposed.
    fn lie(&mut self, kind: u8, number: u64, place: u64, choice: usize, to: usize) {
        if !self.with_liar {
            return;
        }
        let (view, seq, digest) = (view(number), seq(place), self.some_digest(choice));
        let payload = match kind {
            0 | 6 | 7 => self.proposal(number, place, choice),
            1 if self.cluster.chain.membership.primary(view) != id(LIAR) => {
                Payload::Prepare(Prepare { view, seq, digest })
            }
            2 => Payload::Commit(Commit { view, seq, digest }),
            3 => Payload::Checkpoint(Checkpoint { seq, state_root: digest }),
            4 => Payload::Status(Status { view, changing: choice.is_multiple_of(2), executed: seq, stable: seq }),
            _ => {
                let stable = CheckpointCertificate::genesis();
                Payload::ViewChange(ViewChange { view, stable, prepared: Vec::new() })
            }
        };
        let message = self.cluster.chain.sign(payload, id(LIAR));
        // At once: lies are worth most before the truth has arrived.
        let message = self.cluster.chain.verified(message);
        self.cluster.turn(id(to), vec![Input::Message(message)]);
    }

    fn some_digest(&self, choice: usize) -> Digest {
        let proposed: Vec<Digest> = self.cluster.sent.iter().filter_map(proposed).collect();
        if proposed.is_empty() { Batch::noop().digest() } else { proposed[choice % proposed.len()] }
    }

    /// A proposal in one of the liar's own views.
    fn proposal(&self, number: u64, place: u64, choice: usize) -> Payload {
        let (view, seq) = (view(number / 4 * 4 + LIAR as u64), seq(place));
        let transactions = self.asked.get(choice % self.asked.len().max(1)).map(Transaction::id).into_iter().collect();
        let timestamp = Timestamp::from_micros(self.cluster.clock(id(0)).as_micros() + place);
        let batch = Batch { timestamp, transactions };
        Payload::PrePrepare { assignment: PrePrepare { view, seq, digest: batch.digest() }, batch }
    }

    /// The faults end, and clients ask again for everything.
    fn heal(&mut self) {
        for it in self.honest() {
            self.cluster.node_mut(it).trap = None;
            self.cluster.restart(it);
        }
        for it in self.honest() {
            let asked = self.asked.clone();
            self.cluster.request(it, &asked);
        }
        for _ in 0..100 {
            if self.is_done() {
                return;
            }
            self.cluster.pass(Duration::from_secs(2), true);
            self.cluster.effects.clear();
        }
        let status = |it: &ReplicaId| self.cluster.node(*it).replica.as_ref().map(tetrarch_replica::Replica::status);
        panic!("not everything executes: {:#?}", self.honest().iter().map(status).collect::<Vec<_>>());
    }

    fn is_done(&self) -> bool {
        let place = |it: &Transaction| (it.body.sender, it.body.nonce);
        let asked: BTreeSet<_> = self.asked.iter().map(place).collect();
        let ids = self.asked.iter().map(|it| (it.id(), place(it))).collect::<std::collections::BTreeMap<_, _>>();
        self.honest().into_iter().all(|it| {
            let done = &self.cluster.node(it).machine.done;
            let places: BTreeSet<_> = done.iter().filter_map(|id| ids.get(id)).copied().collect();
            assert_eq!(places.len(), done.len(), "a nonce executes once, and only what was asked for");
            places == asked
        })
    }
}

fn proposed(message: &Message) -> Option<Digest> {
    match message {
        Message::PrePrepare(it) => Some(it.pre_prepare.payload.digest),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_is_safe_and_heals(with_liar: bool, steps in prop::collection::vec(step(), 1..300)) {
        let mut run = Run::new(with_liar);
        steps.iter().for_each(|step| run.step(step));
        run.heal();
    }
}

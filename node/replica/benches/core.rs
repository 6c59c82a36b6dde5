//! How fast the core is. A cluster of four in memory orders batches; what each replica was told on the way is then told to a new one once more,
//! and nothing is timed but its steps: no signatures, no codec, no disk, no network.
//!
//! `steps` is one replica's share, `batches` that of all four together: what one processor could order if replicas did nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot set its scene has failed")]

#[path = "../tests/suite/support/mod.rs"]
#[allow(dead_code, reason = "it serves the tests, and this uses some of it")]
mod support;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use support::chain::{Chain, EPOCH};
use support::{id, seq};
use tetrarch_replica::{Config, Effect, Effects, Input, Recipients, Replica};
use tetrarch_stopwatch::{BatchSize, BenchmarkId, Processor, Throughput, processor};
use tetrarch_types::{Applied, CommittedBatch, Now, Payload, ReplicaId, Time, Timestamp, Transaction};

const SIZE: usize = 4;
const INTERVAL: u64 = 128;
/// How long a batch takes: so little that no timer ever runs out but those that repeat.
const SPAN: Duration = Duration::from_millis(1);

/// Transactions of a batch, and how many batches: two checkpoints, but for the largest.
const LOADS: [(u64, u64); 3] = [(1, 2 * INTERVAL), (64, 2 * INTERVAL), (1_024, 16)];

fn main() {
    let mut times = processor();
    for (transactions, batches) in LOADS {
        let cluster = Cluster::after(transactions, batches);
        steps(&mut times, &format!("primary/{transactions}"), &cluster.members[..1]);
        steps(&mut times, &format!("backup/{transactions}"), &cluster.members[1..2]);
        ordering(&mut times, transactions, &cluster.members, batches);
    }
}

fn steps(times: &mut Processor, name: &str, members: &[Member]) {
    let steps: usize = members.iter().map(|member| member.told.len()).sum();
    let mut group = times.benchmark_group("steps");
    group.throughput(Throughput::Elements(steps as u64));
    group.bench_function(name, |bench| bench.iter_batched(|| anew(members), tell, BatchSize::LargeInput));
}

fn ordering(times: &mut Processor, transactions: u64, members: &[Member], batches: u64) {
    let mut group = times.benchmark_group("batches");
    group.throughput(Throughput::Elements(batches));
    group.bench_function(BenchmarkId::from_parameter(transactions), |bench| {
        bench.iter_batched(|| anew(members), tell, BatchSize::LargeInput);
    });
}

/// New replicas, and what each is to be told.
fn anew(members: &[Member]) -> Vec<Member> {
    members.iter().map(|member| Member { told: member.told.clone(), ..Member::new(member.config.clone()) }).collect()
}

/// Tells each what it is to be told, and gives them back, so that what they hold is not dropped in the time that is measured.
fn tell(mut members: Vec<Member>) -> Vec<Member> {
    for Member { replica, told, executes, .. } in &mut members {
        for (now, input) in std::mem::take(told) {
            let mut effects = Effects::new();
            replica.step(now, input, &mut effects);
            *executes += effects.take().iter().filter(|effect| matches!(effect, Effect::Execute { .. })).count() as u64;
        }
    }
    members
}

struct Member {
    config: Config,
    replica: Replica,
    /// Everything, in order, with the time at which it was told.
    told: Vec<(Now, Input)>,
    /// Batches that it gave out.
    executes: u64,
}

impl Member {
    fn new(config: Config) -> Self {
        let replica = Replica::recover(config.clone(), Applied::default(), []).expect("nothing is no corrupt journal");
        Self { config, replica, told: Vec::new(), executes: 0 }
    }
}

/// Replicas between which nothing is lost or late.
struct Cluster {
    chain: Chain,
    members: Vec<Member>,
    mail: VecDeque<(ReplicaId, Input)>,
    time: Time,
}

impl Cluster {
    /// One that has ordered so many batches of so many transactions.
    fn after(transactions: u64, batches: u64) -> Self {
        let chain = Chain::new(SIZE, INTERVAL, 2 * INTERVAL);
        let members = chain.ids().map(|id| Member::new(Config::new(id, Arc::clone(&chain.membership)))).collect();
        let mut cluster = Self { chain, members, mail: VecDeque::new(), time: Time::ZERO };
        cluster.chain.ids().for_each(|id| cluster.turn(id, [Input::Start]));
        cluster.deliver();
        for batch in 0..batches {
            cluster.order(batch * transactions..(batch + 1) * transactions);
        }
        cluster.check(batches);
        cluster
    }

    /// The same requests reach everyone, the primary last: it proposes them in one batch.
    fn order(&mut self, nonces: std::ops::Range<u64>) {
        self.time = self.time.after(SPAN);
        let valid_until = self.clock().plus(Duration::from_secs(600));
        let transactions: Vec<Transaction> =
            nonces.map(|nonce| self.chain.transaction('A', nonce + 1, 256, valid_until)).collect();
        for to in (0..SIZE).rev() {
            let requests = transactions.iter().cloned().map(|it| Input::Request(self.chain.verified_transaction(it)));
            let requests: Vec<Input> = requests.collect();
            self.turn(id(to), requests);
        }
        self.deliver();
    }

    /// That all was ordered, and that hearing it again comes to the same: what is timed is the whole of it.
    fn check(&self, batches: u64) {
        assert!(self.members.iter().all(|member| member.executes == batches), "each batch is one");
        for member in tell(anew(&self.members)) {
            assert_eq!((member.executes, member.replica.status().executed), (batches, seq(batches)));
        }
    }

    fn deliver(&mut self) {
        while let Some((to, input)) = self.mail.pop_front() {
            self.turn(to, [input]);
        }
    }

    /// What came together, and the deadline behind it if one is due.
    fn turn(&mut self, id: ReplicaId, inputs: impl IntoIterator<Item = Input>) {
        inputs.into_iter().for_each(|input| self.step(id, input));
        if self.members[id.index()].replica.deadline().is_some_and(|due| due <= self.time) {
            self.step(id, Input::Deadline);
        }
    }

    fn step(&mut self, id: ReplicaId, input: Input) {
        let now = Now { time: self.time, clock: self.clock() };
        let member = &mut self.members[id.index()];
        member.told.push((now, input.clone()));
        let mut effects = Effects::new();
        member.replica.step(now, input, &mut effects);
        for effect in effects.take() {
            match effect {
                Effect::Send { to, payload } => self.send(id, to, payload),
                Effect::Execute { batch, .. } => self.execute(id, &batch),
                _ => {}
            }
        }
    }

    fn send(&mut self, from: ReplicaId, to: Recipients, payload: Payload) {
        let message = self.chain.verified(self.chain.sign(payload, from));
        let hears = |id: &ReplicaId| match to {
            Recipients::Everyone => true,
            Recipients::Others => *id != from,
            Recipients::One(one) => *id == one,
        };
        let mail = self.chain.ids().filter(hears).map(|id| (id, Input::Message(message.clone())));
        self.mail.extend(mail);
    }

    fn execute(&mut self, id: ReplicaId, CommittedBatch { seq, certificate, .. }: &CommittedBatch) {
        self.members[id.index()].executes += 1;
        self.mail.push_back((id, Input::Executed { seq: *seq, alarm: None, leaves: None }));
        if seq.is_multiple_of(INTERVAL) {
            self.mail.push_back((id, Input::Snapshotted { seq: *seq, state_root: certificate.digest }));
        }
    }

    fn clock(&self) -> Timestamp {
        Timestamp::from_micros(EPOCH.as_micros() + self.time.as_micros())
    }
}

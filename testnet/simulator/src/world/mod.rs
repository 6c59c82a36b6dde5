//! A whole cluster, its clients and its troubles, on one thread.
//!
//! ```text
//!   faults for a while ──▶ Heal: faults end, everyone up, last transactions ──▶ Check: all answered, all caught up ──▶ end
//! ```

mod clocks;
mod complaint;
mod customers;
mod disks;
mod event;
mod harms;
mod healing;
mod hostility;
mod judgement;
mod latest;
mod losses;
mod mail;
mod nodes;
mod reads;
mod recording;
mod troubles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_storage::FailureKind;
use tetrarch_types::{Parameters, ReplicaId, SeqNum, Time};

use crate::adversary::{Adversary, Lie, Setting};
use crate::chain::Chain;
use crate::client::{Client, Hostile, Past};
use crate::counters::Counters;
use crate::coverage::Coverage;
use crate::draw::Drawn;
use crate::fairness::Fairness;
use crate::network::Network;
use crate::node::Node;
use crate::options::Options;
use crate::oracles::{self, Oracle, Rules};
use crate::queue::Queue;
use crate::recording::What;
use crate::report::{Failure, Report};
use crate::rng::Rng;
use crate::seed::Seed;
use crate::sight::{Sight, Told};
use crate::trace::Trace;
use crate::workload::Workload;
use event::Event;

/// More events than any run needs: what gets here runs in a circle.
const MAX_EVENTS: u64 = 5_000_000;

/// What messages from nodes that share a key are counted under.
pub(crate) const TWINS: &str = "twins";

/// Whether faults still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Faulty,
    Healed(Time),
    Done(Duration),
}

/// The cluster.
pub(crate) struct World {
    seed: Seed,
    drawn: Drawn,
    workload: Arc<dyn Workload>,
    chain: Chain,
    rules: Rules,
    queue: Queue<Event>,
    network: Network,
    nodes: Vec<Node>,
    liars: BTreeMap<usize, Adversary>,
    clients: Vec<Client>,
    /// Numbered behind the honest ones, where clients have numbers.
    hostile: Vec<Hostile>,
    past: Past,
    told: Vec<Told>,
    /// The last batch that a client was told of.
    highest: SeqNum,
    judges_reads: bool,
    fairness: Fairness,
    oracles: Vec<Box<dyn Oracle>>,
    trace: Trace,
    counters: Counters,
    coverage: Coverage,
    harms: harms::Harms,
    rng: Rng,
    heal_within: Duration,
    phase: Phase,
    failure: Option<Failure>,
    events: u64,
    delivered: u64,
    batches: u64,
    /// The last batch whose state the workload was asked about.
    judged: SeqNum,
    latest: latest::Latest,
    views: u64,
}

impl World {
    /// The cluster of a seed, with everything about to begin.
    pub(crate) fn new(seed: Seed, options: &Options, workload: &Arc<dyn Workload>) -> Self {
        Self::of(seed, Drawn::new(seed.get(), options), options, workload)
    }

    /// The cluster of what was drawn or planned.
    pub(crate) fn of(seed: Seed, drawn: Drawn, options: &Options, workload: &Arc<dyn Workload>) -> Self {
        let chain = chain(seed, &drawn);
        // Not the stream that drew the options, or they would decide what happens.
        let course = options.schedule.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = Rng::new(seed.get() ^ 0x7465_7472_6172_6368 ^ course);
        let rules = rules(&chain, &drawn);
        let heal_within = options.heal_within.unwrap_or_else(|| drawn.heal_within());
        let network = Network::new(&drawn, rng.fork());
        let liars = liars(&chain, &drawn, &mut rng.fork());
        let clients = clients(&chain, workload.as_ref(), &mut rng);
        let hostile = hostile(&chain, &drawn, &mut rng);
        let mut world = Self {
            seed,
            rules,
            network,
            liars,
            clients,
            hostile,
            past: Past::default(),
            workload: workload.clone(),
            chain,
            drawn,
            queue: Queue::default(),
            nodes: Vec::new(),
            told: Vec::new(),
            highest: SeqNum::ZERO,
            judges_reads: options.profile.is_bearable() && !options.muted.contains(&reads::READS),
            fairness: Fairness::default(),
            oracles: oracles::all(workload).into_iter().filter(|it| is_asked(it.as_ref(), options)).collect(),
            trace: Trace::new(options.trace),
            counters: Counters::new(),
            coverage: Coverage::default(),
            harms: harms::Harms::default(),
            rng,
            heal_within,
            phase: Phase::Faulty,
            failure: None,
            events: 0,
            delivered: 0,
            batches: 0,
            judged: SeqNum::ZERO,
            latest: latest::Latest::default(),
            views: 0,
        };
        world.begin(options);
        world
    }

    fn begin(&mut self, options: &Options) {
        self.set_up_nodes();
        if let Some((node, writes)) = options.full_at {
            self.nodes[node].disk.store.fail_write_at(writes, FailureKind::Full);
        }
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        for client in 0..self.clients.len() {
            for _ in 0..self.drawn.depth {
                self.queue.after(Duration::ZERO, Event::Issue { client });
            }
        }
        self.schedule_troubles();
        for which in 0..self.drawn.cuts.len() {
            self.queue.after(self.drawn.cuts[which].at, Event::Cut { which });
        }
        self.schedule_mischief();
        self.queue.after(self.drawn.faulty_for, Event::Heal);
    }

    /// Runs to the end, or to the first failure.
    pub(crate) fn run(mut self) -> Report {
        while self.failure.is_none() && !matches!(self.phase, Phase::Done(_)) {
            let Some(event) = self.queue.pop() else { break };
            self.events += 1;
            self.handle(event);
            if self.events == self.drawn.faulty_events && self.phase == Phase::Faulty {
                self.heal();
            }
            if self.events >= MAX_EVENTS {
                self.fail("livelock", format!("{MAX_EVENTS} events and no end"));
            }
        }
        self.report()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Deliver { from, to, letter } => self.deliver(from, to, letter),
            Event::Request { client, to, transaction } => self.request(client, to, &transaction),
            Event::Response { client, from, about, response } => self.response(client, from, about, *response),
            Event::Turn { node, incarnation } if self.is_current(node, incarnation) => self.turn(node),
            Event::Synced { node, incarnation } if self.is_current(node, incarnation) => self.synced(node),
            Event::Execute { node, incarnation } if self.is_current(node, incarnation) => self.execute(node),
            Event::Deadline { node, incarnation } if self.is_current(node, incarnation) => self.deadline(node),
            Event::Restart { node, incarnation } if self.is_current(node, incarnation) => self.start(node),
            Event::Issue { client } => self.issue(client),
            Event::Retry { client, id } => self.retry(client, id),
            Event::Mischief { which } => self.mischief(which),
            Event::Trouble { which } => self.trouble(which),
            Event::Cut { which } => self.cut(which),
            Event::PowerFails { node, incarnation, cause, down } if self.is_current(node, incarnation) => {
                self.power_fails(node, cause, down);
            }
            Event::ClockRight { node } => self.set_clock_right(node),
            Event::Feed { links } => self.network.feed(&links),
            Event::Mend { links } => self.network.mend(&links),
            Event::Heal if self.phase == Phase::Faulty => self.heal(),
            Event::Check => self.check(),
            _ => {}
        }
    }

    fn now(&self) -> Time {
        self.queue.now()
    }

    /// Shows something to every oracle.
    fn see(&mut self, sight: &Sight) {
        let at = self.now();
        self.note(sight);
        self.coverage.see(sight);
        for oracle in &mut self.oracles {
            if let Err(what) = oracle.see(sight, &self.rules) {
                self.failure.get_or_insert(Failure { oracle: oracle.name(), what, at });
            }
        }
    }

    fn fail(&mut self, oracle: &'static str, what: String) {
        let at = self.now();
        self.failure.get_or_insert(Failure { oracle, what, at });
    }

    fn count(&mut self, fault: &'static str, times: u64) {
        if times > 0 {
            *self.counters.entry(fault).or_default() += times;
        }
    }

    /// Whether a node's replica is honest. Twins are not, though each of them runs honest code.
    fn is_honest(&self, index: usize) -> bool {
        self.rules.is_honest(self.nodes[index].id)
    }

    /// Whether this node shares its key with another.
    fn is_twin(&self, index: usize) -> bool {
        self.drawn.twins.contains(&self.nodes[index].id.index())
    }

    fn report(mut self) -> Report {
        let lies: Vec<_> = self.liars.values().flat_map(|liar| liar.counts().clone()).collect();
        let habits = self.clients.iter().map(Client::counts).chain(self.hostile.iter().map(Hostile::counts));
        let habits: Vec<_> = habits.flat_map(Clone::clone).collect();
        lies.into_iter().chain(habits).for_each(|(what, times)| self.count(what, times));
        if let Some(failure) = &self.failure {
            self.trace.record(failure.at, || What::Failed(failure.clone()));
        }
        let simulated = self.queue.now().since(Time::ZERO);
        let (trace_hash, trace) = self.trace.finish(self.queue.now());
        let commands = if self.failure.is_some() { self.latest.lines(self.workload.as_ref()) } else { Vec::new() };
        let recovery = if let Phase::Done(recovery) = self.phase { Some(recovery) } else { None };
        Report {
            seed: self.seed,
            drawn: self.drawn,
            trace_hash,
            events: self.events,
            delivered: self.delivered,
            simulated,
            batches: self.batches,
            answered: self.told.len() as u64,
            views: self.views,
            faults: self.counters,
            rules: self.coverage.finish(),
            figures: self.oracles.iter().flat_map(|oracle| oracle.figures()).chain(self.fairness.figures()).collect(),
            failure: self.failure,
            commands,
            recovery,
            trace,
        }
    }
}

fn chain(seed: Seed, drawn: &Drawn) -> Chain {
    let parameters = Parameters { checkpoint_interval: drawn.checkpoint_interval, window: drawn.window };
    Chain::new(seed.get(), drawn.n, drawn.clients, drawn.signatures, parameters)
}

fn rules(chain: &Chain, drawn: &Drawn) -> Rules {
    Rules {
        keys: chain.membership.ids().filter_map(|id| chain.membership.key(id).copied()).collect(),
        scope: *chain.scope(),
        scheme: chain.scheme.clone(),
        checkpoint_interval: drawn.checkpoint_interval,
        window: drawn.window,
        pool: drawn.pool,
        liars: drawn.faulty().map(replica_id).collect(),
    }
}

fn clients(chain: &Chain, workload: &dyn Workload, rng: &mut Rng) -> Vec<Client> {
    let clients = chain.clients().iter().enumerate();
    clients.map(|(client, signer)| Client::new(signer.clone(), workload.generator(client), rng.fork())).collect()
}

/// Without any, nothing is drawn: such a run takes the course that it always took.
fn hostile(chain: &Chain, drawn: &Drawn, rng: &mut Rng) -> Vec<Hostile> {
    let hostile = drawn.hostile.iter();
    hostile.map(|(which, kinds)| Hostile::new(*which, kinds, chain, rng.fork())).collect()
}

fn liars(chain: &Chain, drawn: &Drawn, rng: &mut Rng) -> BTreeMap<usize, Adversary> {
    let keyring = chain.keyring(drawn.liars.iter().map(|(liar, _)| replica_id(*liar)));
    let setting = Setting { timeout: drawn.base_timeout, ..Setting::default() };
    let liar = |(liar, lies): &(usize, Vec<Lie>)| {
        Some((*liar, Adversary::new(replica_id(*liar), lies, keyring.clone(), setting, rng.fork())?))
    };
    drawn.liars.iter().filter_map(liar).collect()
}

fn is_asked(oracle: &dyn Oracle, options: &Options) -> bool {
    (options.profile.is_bearable() || oracle.outlives_f()) && !options.muted.contains(&oracle.name())
}

/// The id of the replica with this index.
fn replica_id(index: usize) -> ReplicaId {
    ReplicaId::new(u16::try_from(index).unwrap_or(u16::MAX))
}

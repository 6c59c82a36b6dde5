//! A whole cluster, its clients and its troubles, on one thread.
//!
//! ```text
//!   faults for a while ──▶ Heal: faults end, everyone up, last transactions ──▶ Check: all answered, all caught up ──▶ end
//! ```

mod customers;
mod event;
mod harms;
mod healing;
mod hostility;
mod mail;
mod nodes;
mod troubles;

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_types::{Parameters, ReplicaId, Time};

use crate::adversary::{Adversary, Lie};
use crate::chain::Chain;
use crate::client::{Client, Hostile, Past};
use crate::counters::Counters;
use crate::draw::Drawn;
use crate::fairness::Fairness;
use crate::network::Network;
use crate::node::Node;
use crate::options::{HEAL_WITHIN, Options};
use crate::oracles::{self, Oracle, Rules};
use crate::queue::Queue;
use crate::report::{Failure, Report};
use crate::rng::Rng;
use crate::seed::Seed;
use crate::sight::{Sight, Told};
use crate::trace::Trace;
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
    fairness: Fairness,
    oracles: Vec<Box<dyn Oracle>>,
    trace: Trace,
    counters: Counters,
    harms: harms::Harms,
    rng: Rng,
    heal_within: Duration,
    phase: Phase,
    failure: Option<Failure>,
    events: u64,
    delivered: u64,
    batches: u64,
    views: u64,
}

impl World {
    /// The cluster of a seed, with everything about to begin.
    pub(crate) fn new(seed: Seed, options: &Options) -> Self {
        let drawn = Drawn::new(seed.get(), options);
        let chain = chain(seed, &drawn);
        // Not the stream that drew the options, or they would decide what happens.
        let mut rng = Rng::new(seed.get() ^ 0x7465_7472_6172_6368);
        let rules = rules(&chain, &drawn);
        let network = Network::new(&drawn, rng.fork());
        let liars = liars(&chain, &drawn, &mut rng.fork());
        let clients = chain.clients().iter().map(|signer| Client::new(signer.clone(), rng.fork())).collect();
        let mut hostility = rng.fork();
        let kinds = drawn.mischief.iter().enumerate();
        let hostile = kinds.map(|(which, kinds)| Hostile::new(which, kinds, &chain, hostility.fork())).collect();
        let mut world = Self {
            seed,
            rules,
            network,
            liars,
            clients,
            hostile,
            past: Past::default(),
            chain,
            drawn,
            queue: Queue::default(),
            nodes: Vec::new(),
            told: Vec::new(),
            fairness: Fairness::default(),
            oracles: oracles::all().into_iter().filter(|it| !options.muted.contains(&it.name())).collect(),
            trace: Trace::new(options.trace),
            counters: Counters::new(),
            harms: harms::Harms::default(),
            rng,
            heal_within: options.heal_within.unwrap_or(HEAL_WITHIN),
            phase: Phase::Faulty,
            failure: None,
            events: 0,
            delivered: 0,
            batches: 0,
            views: 0,
        };
        world.begin(options);
        world
    }

    fn begin(&mut self, options: &Options) {
        self.set_up_nodes(options);
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        for client in 0..self.clients.len() {
            for _ in 0..self.drawn.depth {
                self.queue.after(Duration::ZERO, Event::Issue { client });
            }
        }
        self.schedule_troubles();
        self.schedule_mischief();
        self.queue.after(self.drawn.faulty_for, Event::Heal);
    }

    /// Runs to the end, or to the first failure.
    pub(crate) fn run(mut self) -> Report {
        while self.failure.is_none() && !matches!(self.phase, Phase::Done(_)) {
            let Some(event) = self.queue.pop() else { break };
            self.events += 1;
            self.handle(event);
            if self.events >= MAX_EVENTS {
                self.fail("livelock", format!("{MAX_EVENTS} events and no end"));
            }
        }
        self.report()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Deliver { from, to, letter } => self.deliver(from, to, &letter),
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
            Event::Mend { links } => self.network.mend(&links),
            Event::Heal => self.heal(),
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
        let simulated = self.queue.now().since(Time::ZERO);
        let (trace_hash, trace) = self.trace.finish();
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
            figures: self.oracles.iter().flat_map(|oracle| oracle.figures()).chain(self.fairness.figures()).collect(),
            failure: self.failure,
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

fn liars(chain: &Chain, drawn: &Drawn, rng: &mut Rng) -> BTreeMap<usize, Adversary> {
    let keyring = chain.keyring(drawn.liars.iter().map(|(liar, _)| replica_id(*liar)));
    let liar = |(liar, lies): &(usize, Vec<Lie>)| {
        Some((*liar, Adversary::new(replica_id(*liar), lies, keyring.clone(), rng.fork())?))
    };
    drawn.liars.iter().filter_map(liar).collect()
}

/// The id of the replica with this index.
fn replica_id(index: usize) -> ReplicaId {
    ReplicaId::new(u16::try_from(index).unwrap_or(u16::MAX))
}

//! A run of random steps, what must hold at the end of it, and the harm that may come to disks on the way.

mod lies;
pub(crate) mod step;

use std::collections::BTreeSet;
use std::time::Duration;

use tetrarch_types::{ReplicaId, Transaction};

use crate::support::chain::{Chain, EPOCH};
use crate::support::cluster::Cluster;
use crate::support::envelope::Pattern;
use crate::support::id;
use crate::support::node::Trap;
use step::{Harm, RECORDS, Step};

/// It leads view 0.
pub(crate) const LIAR: usize = 0;

const INTERVAL: u64 = 2;
const WINDOW: u64 = 4;

/// The last one's transactions let the machine wait for a time (rule T-3).
const CLIENTS: [char; 3] = ['A', 'B', 'W'];

/// A client of its own, which asks once the faults are over.
const LATE_CLIENT: char = 'Z';

pub(crate) struct Run {
    pub(crate) cluster: Cluster,
    /// Whether the first replica is a liar instead of one of ours.
    with_liar: bool,
    asked: Vec<Transaction>,
    /// Replicas that came to harm, and do not vote again since: with the liar they are never more than f.
    harmed: BTreeSet<ReplicaId>,
}

impl Run {
    pub(crate) fn new(size: usize, with_liar: bool) -> Self {
        let mut cluster = Cluster::new(Chain::new(size, INTERVAL, WINDOW), |config| {
            config.pipeline = 3;
            config.batch_transactions = 2;
        });
        if with_liar {
            cluster.crash(id(LIAR));
        }
        Self { cluster, with_liar, asked: Vec::new(), harmed: BTreeSet::new() }
    }

    fn honest(&self) -> Vec<ReplicaId> {
        self.cluster.ids().filter(|it| !self.is_liar(*it)).collect()
    }

    fn is_liar(&self, who: ReplicaId) -> bool {
        self.with_liar && who.index() == LIAR
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let len = self.cluster.bag.len().max(1);
        match *step {
            Step::Request { client, nonce, variant, to } => self.request(client, nonce, variant, to),
            Step::Deliver { count } => self.deliver(count),
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
            Step::Tick { millis, delivering } => self.cluster.pass(Duration::from_millis(millis), delivering),
            Step::Lie { kind, view, seq, choice, to } => self.lie(kind, view, seq, choice, to),
            Step::Block { from, to } => self.cluster.blocks.push(way(from, to)),
            Step::Unblock => self.cluster.blocks.clear(),
            Step::Transfers { instant } => self.cluster.instant_transfers = instant,
            _ => self.step_of_one(step),
        }
        self.cluster.effects.clear();
    }

    /// What happens to one replica, if it is one of ours.
    fn step_of_one(&mut self, step: &Step) {
        match *step {
            Step::Crash { who, lost } => {
                self.fall(id(who));
                self.cluster.node_mut(id(who)).lose_executions(lost);
            }
            Step::Trap { who, record, durable } => {
                self.cluster.node_mut(id(who)).trap = Some(Trap { record: RECORDS[record].into(), durable });
            }
            Step::Restart { who, answered } if !self.is_liar(id(who)) => self.restart(id(who), answered),
            Step::BackUp { who } if !self.cluster.node(id(who)).damaged => self.cluster.node_mut(id(who)).back_up(),
            Step::Harm { who, harm } => self.harm(id(who), harm),
            Step::Install { who } if self.is_transferring(id(who)) => self.cluster.install(id(who)),
            Step::Gone { who } if self.is_transferring(id(who)) => self.cluster.gone(id(who)),
            _ => {}
        }
    }

    fn deliver(&mut self, count: usize) {
        for _ in 0..count.min(self.cluster.bag.len()) {
            let first = self.cluster.bag.remove(0);
            self.cluster.deliver(first);
        }
    }

    /// A state that was half in place is that of no batch (rule S-4).
    fn fall(&mut self, who: ReplicaId) {
        let is_transferring = self.is_transferring(who);
        self.cluster.node_mut(who).damaged |= is_transferring;
        self.cluster.crash(who);
    }

    fn restart(&mut self, who: ReplicaId, answered: bool) {
        self.cluster.restart(who);
        if answered {
            self.cluster.answer_held(who);
        }
    }

    fn is_transferring(&self, who: ReplicaId) -> bool {
        let node = self.cluster.node(who);
        node.replica.as_ref().is_some_and(|replica| replica.status().transferring.is_some())
    }

    /// Harms a replica unless f others are faulty already.
    fn harm(&mut self, who: ReplicaId, harm: Harm) {
        let cluster = &self.cluster;
        self.harmed.retain(|it| {
            let node = cluster.node(*it);
            node.bereft || !node.replica.as_ref().is_some_and(|replica| replica.status().voting)
        });
        self.harmed.insert(who);
        if self.harmed.len() + usize::from(self.with_liar) > cluster.chain.membership.faults() || self.is_liar(who) {
            self.harmed.remove(&who);
            return;
        }
        self.fall(who);
        let node = self.cluster.node_mut(who);
        match harm {
            Harm::Wiped => node.wipe(true),
            Harm::Forgotten => node.wipe(false),
            Harm::Restored if node.has_backup() => node.restore(),
            Harm::Restored | Harm::Damaged => node.damaged = true,
        }
    }

    fn request(&mut self, client: u8, nonce: u64, variant: usize, to: u8) {
        let client = CLIENTS[usize::from(client)];
        let transaction = self.transaction(client, nonce, variant);
        for it in self.honest().into_iter().filter(|it| to & (1 << it.index()) != 0) {
            self.cluster.request(it, std::slice::from_ref(&transaction));
        }
        self.asked.push(transaction);
    }

    fn transaction(&self, client: char, nonce: u64, variant: usize) -> Transaction {
        self.cluster.chain.transaction(client, nonce, variant, EPOCH.plus(Duration::from_secs(3_000)))
    }

    /// The faults end, and clients ask again for everything.
    pub(crate) fn heal(&mut self) {
        self.cluster.blocks.clear();
        self.cluster.instant_transfers = true;
        for it in self.honest() {
            self.cluster.node_mut(it).trap = None;
            self.cluster.restart(it);
            if self.is_transferring(it) {
                self.cluster.install(it);
            }
        }
        self.ask_for_all();
        self.wait(100, "everything executes", Self::is_done);
        self.wait(100, "the time that the machine waits for comes", Self::is_past_all_alarms);
    }

    /// Nobody asks for anything any more, so it is the primaries' doing.
    fn is_past_all_alarms(&self) -> bool {
        self.honest().iter().any(|it| self.cluster.node(*it).machine.alarm.is_none())
    }

    fn ask_for_all(&mut self) {
        for it in self.honest() {
            let asked = self.asked.clone();
            self.cluster.request(it, &asked);
        }
    }

    /// As many batches follow as end every silence, and everyone is level.
    pub(crate) fn recover_fully(&mut self) {
        for nonce in 0..3 * WINDOW + 2 * INTERVAL {
            self.asked.push(self.transaction(LATE_CLIENT, nonce, 0));
            self.ask_for_all();
            self.wait(100, "everything executes", Self::is_done);
        }
        self.wait(100, "everyone is level and votes", Self::is_level);
    }

    fn wait(&mut self, rounds: usize, what: &str, until: impl Fn(&Self) -> bool) {
        for _ in 0..rounds {
            if until(self) {
                return;
            }
            self.cluster.pass(Duration::from_secs(2), true);
            self.cluster.effects.clear();
        }
        let status = |it: &ReplicaId| self.cluster.node(*it).replica.as_ref().map(tetrarch_replica::Replica::status);
        panic!("it does not come to pass that {what}: {:#?}", self.honest().iter().map(status).collect::<Vec<_>>());
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

    fn is_level(&self) -> bool {
        let place = |it: &ReplicaId| (self.cluster.executed(*it), self.cluster.node(*it).machine.root);
        let places: BTreeSet<_> = self.honest().iter().map(place).collect();
        let votes = |it: &ReplicaId| {
            let status = self.cluster.node(*it).replica.as_ref().map(tetrarch_replica::Replica::status);
            status.is_some_and(|status| status.voting && !status.lost && !status.damaged)
        };
        places.len() == 1 && self.honest().iter().all(votes)
    }
}

fn way(from: usize, to: usize) -> Pattern {
    Pattern { from: Some(id(from)), to: Some(id(to)), ..Pattern::default() }
}

//! The verbs.
//!
//! | verb | does |
//! |---|---|
//! | `cluster n=4 k=4 window=8 pipeline=8 spacing=0 batch=1024 per-sender=4096 timeout=1s` | starts a cluster; `keep=8`: its ledgers hold no more batches |
//! | `show effects` (or `all`, `events`, `nothing`) | how much is written down from here on |
//! | `request A1 B1 to all` (or `to 0 2`; `valid=5s`) | clients' transactions, by client and nonce, all in one turn; `A1!` is another command under A's nonce 1, `A2#1500` one of 1500 KiB; W's let the machine wait for 500 ms of agreed time |
//! | `deliver all`, `deliver prepare 1->* s2`, `deliver #7` | everything and what comes of it, or what is picked now |
//! | `repeat …`, `drop …` | delivers and keeps, throws away |
//! | `block …`, `unblock` | loses messages from here on, no more |
//! | `tick 1s`, `run 1s` | lets time pass, without or with delivering everything |
//! | `crash 2`, `restart 2` | power off and on; `restart 2 with A1`: requests wait at the door already. The question of rule A-1 is asked and answered at once by all who are up; `restart 2 alone` leaves it in the bag |
//! | `trap 2 prepared before` (or `after`) | power off when it writes such a record, before or after that is durable |
//! | `wipe 2`, `forget 2`, `damage 2` | of a crashed replica, everything is gone and noted so; everything is gone and looks new; the executed state is not usable |
//! | `backup 2`, `restore 2` | what is on its disk is copied; the copy is put back |
//! | `busy 2`, `execute 2` | a replica's execution takes its time from here on; it executes all that waits, and what comes later at once |
//! | `transfers off`, `install 2` | state transfers wait from here on; the one of a replica ends; `gone 2`: nobody holds its target |
//! | `lose 2 1` | execution's last write of a crashed replica is lost |
//! | `skew 2 +5s` | sets a wall clock |
//! | `diverge 2` | breaks the executed state |
//! | `forge …` | see `forge.rs` |
//! | `status`, `log`, `done`, `deadlines` | shows where all stand, what is on its way, what took effect, who wakes when |

use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_types::{ReplicaId, SeqNum, Transaction};

use super::{Show, Stage, forge, words};
use crate::support::chain::{Chain, VALIDITY};
use crate::support::cluster::Cluster;
use crate::support::names::Names;
use crate::support::node::Trap;

/// Runs one command; its output.
pub(super) fn command(stage: &mut Option<Stage>, line: &str) -> Vec<String> {
    let words = words::split(line);
    let (verb, rest) = words.split_first().expect("an empty line is no command");
    if *verb == "cluster" {
        *stage = Some(start(rest));
        return Vec::new();
    }
    let stage = stage.as_mut().expect("the first command starts a cluster");
    let shown = stage.act(verb, rest);
    let mut output = stage.news();
    output.extend(shown);
    output
}

fn start(rest: &[&str]) -> Stage {
    let value = |name, default| words::option(rest, name).map_or(default, words::number);
    let chain = Chain::new(value("n", 4) as usize, value("k", 4), value("window", 8));
    let mut cluster = Cluster::new(chain, |config| {
        config.pipeline = value("pipeline", config.pipeline);
        config.batch_spacing = Duration::from_millis(value("spacing", 0));
        config.batch_transactions = value("batch", config.batch_transactions as u64) as usize;
        config.pool.per_sender = value("per-sender", config.pool.per_sender as u64) as usize;
        config.pool.transactions = value("pool", config.pool.transactions as u64) as usize;
        config.base_timeout = words::option(rest, "timeout").map_or(config.base_timeout, words::span);
    });
    cluster.nodes.iter_mut().for_each(|node| node.keep = value("keep", u64::MAX) as usize);
    Stage { cluster, names: Names::default(), transactions: std::collections::BTreeMap::new(), show: Show::Effects }
}

impl Stage {
    fn act(&mut self, verb: &str, rest: &[&str]) -> Vec<String> {
        let first = || rest.first().copied().unwrap_or_else(|| panic!("{verb} what?"));
        match verb {
            "show" => self.show = Show::of(first()),
            "request" => self.request(rest),
            "deliver" if rest == ["all"] => self.cluster.settle(),
            "deliver" => self.deliver(rest),
            "repeat" => self.repeat(rest),
            "drop" => drop(self.cluster.take(&words::pattern(rest))),
            "block" => self.cluster.blocks.push(words::pattern(rest)),
            "unblock" => self.cluster.blocks.clear(),
            "tick" => self.cluster.pass(words::span(first()), false),
            "run" => self.cluster.pass(words::span(first()), true),
            "crash" => self.cluster.crash(words::replica(first())),
            "restart" => self.restart(rest),
            "trap" => self.trap(rest),
            "lose" => self.cluster.node_mut(words::replica(first())).lose_executions(words::number(rest[1])),
            "wipe" => self.cluster.node_mut(words::replica(first())).wipe(true),
            "forget" => self.cluster.node_mut(words::replica(first())).wipe(false),
            "damage" => self.cluster.node_mut(words::replica(first())).damaged = true,
            "backup" => self.cluster.node_mut(words::replica(first())).back_up(),
            "restore" => self.cluster.node_mut(words::replica(first())).restore(),
            "busy" => self.cluster.node_mut(words::replica(first())).unexecuted = Some(Vec::new()),
            "execute" => self.cluster.execute_all(words::replica(first())),
            "transfers" => self.cluster.instant_transfers = first() == "on",
            "gone" => self.cluster.gone(words::replica(first())),
            "install" => self.cluster.install(words::replica(first())),
            "skew" => self.cluster.node_mut(words::replica(first())).skew = words::shift(rest[1]),
            "diverge" => self.cluster.node_mut(words::replica(first())).machine.root = Digest::from_bytes([0xdd; 32]),
            "forge" => forge::command(self, rest),
            "status" => return self.status(),
            "log" => return self.log(),
            "done" => return self.done(),
            "deadlines" => return self.deadlines(),
            _ => panic!("unknown verb {verb}"),
        }
        Vec::new()
    }

    /// What happened since the last command.
    fn news(&mut self) -> Vec<String> {
        let effects = std::mem::take(&mut self.cluster.effects);
        effects.iter().for_each(|(_, effect)| self.names.meet_effect(effect));
        let shown = effects.iter().filter(|(_, effect)| self.show.shows(effect));
        shown.map(|(id, effect)| format!("{id}: {}", self.names.effect(effect))).collect()
    }

    /// The transaction of that name: a client's letter, a nonce, and a mark for each further variant.
    pub(super) fn transaction(&mut self, name: &str, validity: Duration) -> Transaction {
        if let Some(known) = self.transactions.get(name) {
            return known.clone();
        }
        let (plain, kibibytes) = name.split_once('#').map_or((name, 0), |(name, size)| (name, words::number(size)));
        let number = plain[1..].trim_end_matches('!');
        let variant = plain.len() - 1 - number.len() + kibibytes as usize * 1024;
        let (client, nonce) = (plain.chars().next().unwrap(), words::number(number));
        let valid_until = self.cluster.clock(ReplicaId::ZERO).plus(validity);
        let transaction = self.cluster.chain.transaction(client, nonce, variant, valid_until);
        self.names.name(&transaction, name);
        self.transactions.insert(name.into(), transaction.clone());
        transaction
    }

    fn request(&mut self, rest: &[&str]) {
        let to = rest.iter().position(|word| *word == "to").expect("to whom?");
        let validity = words::option(rest, "valid").map_or(VALIDITY, words::span);
        let transactions: Vec<Transaction> = rest[..to].iter().map(|name| self.transaction(name, validity)).collect();
        let named: Vec<ReplicaId> = rest[to + 1..]
            .iter()
            .filter(|word| **word != "all" && !word.contains('='))
            .map(|word| words::replica(word))
            .collect();
        let everyone = rest.contains(&"all");
        for id in self.cluster.ids().filter(|id| everyone || named.contains(id)) {
            self.cluster.request(id, &transactions);
        }
    }

    fn restart(&mut self, rest: &[&str]) {
        let id = words::replica(rest[0]);
        if rest.get(1) == Some(&"alone") {
            return self.cluster.restart_with(id, &[]);
        }
        let transactions: Vec<Transaction> = rest.iter().skip(2).map(|name| self.transaction(name, VALIDITY)).collect();
        self.cluster.restart_with(id, &transactions);
        self.cluster.answer_held(id);
    }

    fn deliver(&mut self, rest: &[&str]) {
        for envelope in self.cluster.take(&words::pattern(rest)) {
            self.cluster.deliver(envelope);
        }
    }

    fn repeat(&mut self, rest: &[&str]) {
        let pattern = words::pattern(rest);
        let picked: Vec<_> = self.cluster.bag.iter().filter(|it| pattern.picks(it)).cloned().collect();
        picked.into_iter().for_each(|envelope| self.cluster.deliver(envelope));
    }

    fn trap(&mut self, rest: &[&str]) {
        let [who, record, when] = rest else { panic!("trap whom, on what record, before or after?") };
        let trap = Trap { record: (*record).into(), durable: *when == "after" };
        self.cluster.node_mut(words::replica(who)).trap = Some(trap);
    }

    fn status(&self) -> Vec<String> {
        let line = |id: ReplicaId| {
            let Some(replica) = &self.cluster.node(id).replica else { return format!("{id}: down") };
            let it = replica.status();
            let changing = if it.changing { " changing" } else { "" };
            let damaged = if it.damaged { " damaged" } else { "" };
            let silent = match (it.silent_until, it.voting || it.damaged) {
                (Some(until), _) => format!(" silent until s{until}"),
                (None, false) => " asking".into(),
                (None, true) => String::new(),
            };
            let told = Some(it.told).filter(|told| *told > SeqNum::ZERO);
            let told = told.map_or(String::new(), |seq| format!(" told=s{seq}"));
            let fetching = it.transferring.map_or(String::new(), |seq| format!(" transferring s{seq}"));
            format!(
                "{id}: v{}{changing} executed={} stable={} known={} pending={}{told}{damaged}{silent}{fetching}",
                it.view, it.executed, it.stable, it.known, it.pending
            )
        };
        self.cluster.ids().map(line).collect()
    }

    fn log(&self) -> Vec<String> {
        let line = |it: &crate::support::envelope::Envelope| {
            format!("#{} {}->{} {}", it.number, it.from, it.to, self.names.message(&it.message))
        };
        self.cluster.bag.iter().map(line).collect()
    }

    fn done(&self) -> Vec<String> {
        let line = |id: ReplicaId| format!("{id}: {}", self.names.transactions(&self.cluster.node(id).machine.done));
        self.cluster.ids().map(line).collect()
    }

    fn deadlines(&self) -> Vec<String> {
        let millis = |micros: u64| format!("{}ms", micros / 1_000);
        let line = |id: ReplicaId| {
            let due = self.cluster.node(id).replica.as_ref().and_then(tetrarch_replica::Replica::deadline);
            format!("{id}: wakes at {}", due.map_or("never".into(), |due| millis(due.as_micros())))
        };
        let now = format!("now {}", millis(self.cluster.time.as_micros()));
        std::iter::once(now).chain(self.cluster.ids().map(line)).collect()
    }
}

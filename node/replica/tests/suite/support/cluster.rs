//! The cluster: replicas, the bag of messages between them, and the turns that drive them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_replica::{Config, Effect, Effects, Event, Input, Recipients, Record, Replica, Turn};
use tetrarch_types::{
    CommittedBatch, Fetch, Message, Now, Payload, ReplicaId, SeqNum, Supply, Time, Timestamp, Transaction, View, limits,
};

use super::chain::{Chain, EPOCH};
use super::envelope::{Envelope, Pattern};
use super::machine::Machine;
use super::names::record_kind;
use super::node::Node;
use super::promises::Promises;
use super::shown;

/// An honest replica is at most so many views ahead of f + 1 others: what rule A-3 relies on.
const LEAD: u64 = 2;

/// More turns than this in a row without a message from outside: the deadline does not move.
const ENDLESS: usize = 200;

pub(crate) struct Cluster {
    pub(crate) chain: Chain,
    pub(crate) nodes: Vec<Node>,
    /// Sent and not delivered, in order of sending.
    pub(crate) bag: Vec<Envelope>,
    /// Everything ever sent, for Byzantine replicas to pick from.
    pub(crate) sent: Vec<Message>,
    /// Messages like these are lost when they are sent.
    pub(crate) blocks: Vec<Pattern>,
    /// Every effect since the last look, in order.
    pub(crate) effects: Vec<(ReplicaId, Effect)>,
    pub(crate) time: Time,
    /// Whether a state that is wanted is there at once, if anyone ever had it.
    pub(crate) instant_transfers: bool,
    /// Every state at a checkpoint that was ever executed.
    archive: BTreeMap<Digest, Machine>,
    promises: Promises,
    /// The highest view that each replica ever moved to.
    moved: BTreeMap<ReplicaId, View>,
    next_number: usize,
}

impl Cluster {
    /// A cluster whose replicas have said hello; the bag is empty again.
    pub(crate) fn new(chain: Chain, settings: impl Fn(&mut Config)) -> Self {
        let config = |id| {
            let mut config = Config::new(id, std::sync::Arc::clone(&chain.membership));
            // As a rule what a test shows does not depend on how requests are gathered.
            config.batch_spacing = Duration::ZERO;
            settings(&mut config);
            config
        };
        let nodes = chain.ids().map(|id| Node::new(config(id))).collect();
        let mut cluster = Self {
            chain,
            nodes,
            bag: Vec::new(),
            sent: Vec::new(),
            blocks: Vec::new(),
            effects: Vec::new(),
            time: Time::ZERO,
            instant_transfers: true,
            archive: BTreeMap::from([(Digest::ZERO, Machine::default())]),
            promises: Promises::default(),
            moved: BTreeMap::new(),
            next_number: 1,
        };
        cluster.chain.ids().for_each(|id| cluster.turn(id, vec![Input::Start]));
        cluster.chain.ids().for_each(|id| cluster.answer_held(id));
        cluster.bag.clear();
        cluster.next_number = 1;
        cluster.effects.clear();
        cluster
    }

    pub(crate) fn node(&self, id: ReplicaId) -> &Node {
        &self.nodes[id.index()]
    }

    pub(crate) fn node_mut(&mut self, id: ReplicaId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        self.chain.ids()
    }

    pub(crate) fn clock(&self, id: ReplicaId) -> Timestamp {
        let micros = EPOCH.as_micros() + self.time.as_micros();
        Timestamp::from_micros(micros.saturating_add_signed(self.node(id).skew))
    }

    pub(crate) fn now(&self, id: ReplicaId) -> Now {
        Now { time: self.time, clock: self.clock(id) }
    }

    /// The first client's transaction with this nonce, valid for a minute by the first replica's clock.
    pub(crate) fn transaction(&self, nonce: u64) -> Transaction {
        self.chain.transaction('A', nonce, 0, self.clock(ReplicaId::new(0)).plus(Duration::from_secs(60)))
    }

    /// Clients' transactions reach a replica, all before it looks up.
    pub(crate) fn request(&mut self, to: ReplicaId, transactions: &[Transaction]) {
        let verified = transactions.iter().map(|it| self.chain.verified_transaction(it.clone()));
        let inputs = verified.map(Input::Request).collect();
        self.turn(to, inputs);
    }

    /// Steps a replica until it has nothing more to say, as a node's driver does: a deadline that is due comes at the end of a turn,
    /// and the replica's own messages come back in the next one, when the records in front of them are durable.
    pub(crate) fn turn(&mut self, id: ReplicaId, inputs: Vec<Input>) {
        let mut inbox = VecDeque::from(inputs);
        for _ in 0..ENDLESS {
            let now = self.now(id);
            let Some(replica) = self.nodes[id.index()].replica.as_mut() else { return };
            let is_due = |replica: &Replica| replica.deadline().is_some_and(|due| due <= now.time);
            if inbox.is_empty() && !is_due(replica) {
                return;
            }
            let mut effects = Effects::new();
            inbox.drain(..).for_each(|input| replica.step(now, input, &mut effects));
            if is_due(replica) {
                replica.step(now, Input::Deadline, &mut effects);
            }
            self.run(id, Turn::of(&mut effects), &mut inbox);
        }
        panic!("replica {id} never comes to rest");
    }

    fn run(&mut self, id: ReplicaId, turn: Turn, inbox: &mut VecDeque<Input>) {
        turn.at_once.into_iter().for_each(|effect| self.effect(id, effect, inbox));
        if let Some(durable) = self.sprung(id, &turn.records) {
            if durable {
                self.node_mut(id).write(&turn.records);
            }
            return self.crash(id);
        }
        self.node_mut(id).write(&turn.records);
        let shown = turn.records.into_iter().map(|record| (id, Effect::Persist(record)));
        self.effects.extend(shown);
        turn.held.into_iter().for_each(|effect| self.effect(id, effect, inbox));
    }

    /// Whether a replica falls over one of these records, and if so, whether they are durable.
    fn sprung(&mut self, id: ReplicaId, records: &[Record]) -> Option<bool> {
        let node = self.node_mut(id);
        let trap = node.trap.take_if(|trap| records.iter().any(|record| record_kind(record) == trap.record))?;
        Some(trap.durable)
    }

    fn effect(&mut self, id: ReplicaId, effect: Effect, inbox: &mut VecDeque<Input>) {
        self.effects.push((id, effect.clone()));
        match effect {
            Effect::Send { to, payload } => self.send(id, to, payload, inbox),
            Effect::Execute { batch, prepared } => {
                let shows =
                    |record: &Record| matches!(record, Record::Prepared(it) if it.digest == batch.certificate.digest);
                let is_shown = self.node(id).journal.iter().any(shows);
                assert!(is_shown || !prepared, "replica {id} relies on a record of {} that is not there", batch.seq);
                self.execute(id, batch, inbox);
            }
            Effect::SendCommitted { to, after } => {
                let ledger = &self.node(id).ledger;
                let is_kept = ledger.contains_key(&after.next());
                let batches = ledger.range(after.next()..).filter(|_| is_kept).map(|(_, batch)| batch.clone());
                let supply = Supply::Committed(batches.take(limits::MAX_SUPPLY_BATCHES).collect());
                self.send(id, Recipients::One(to), Payload::Supply(supply), inbox);
            }
            Effect::Discard { through } => self.node_mut(id).discard(through),
            Effect::Persist(_) => unreachable!("a turn has taken the records out"),
            Effect::FetchState(certificate) => {
                self.node_mut(id).target = Some(certificate);
                if self.instant_transfers {
                    inbox.extend(self.installed(id));
                }
            }
            Effect::Observe(Event::RecordsLost) => {
                assert!(self.node(id).bereft, "replica {id} takes its records for lost, and they are all there");
            }
            Effect::ReplyTentatively { view, seq } => {
                let is_kept =
                    |record: &Record| matches!(record, Record::Prepared(it) if (it.view, it.seq) == (view, seq));
                let is_next = self.executed(id).next() == seq;
                assert!(self.node(id).journal.iter().any(is_kept), "replica {id} tells clients what it may forget");
                assert!(is_next, "replica {id} tells clients of {seq} before what comes before it is executed");
            }
            Effect::Refuse { .. }
            | Effect::ExecuteTentatively(_)
            | Effect::Observe(_)
            | Effect::StateArrived { .. }
            | Effect::SendState { .. } => {}
        }
    }

    fn send(&mut self, id: ReplicaId, to: Recipients, payload: Payload, inbox: &mut VecDeque<Input>) {
        let is_new = !matches!(payload, Payload::Again(_));
        let message = self.chain.sign(payload, id);
        if message.signer() == id {
            let is_shown = shown::shows(&self.node(id).journal, id, &message);
            assert!(is_shown, "replica {id} says what its journal does not show: {message:?}");
        }
        if self.node(id).bereft {
            self.promises.may_forget_moves(id);
        } else if is_new {
            self.promises.signed(&message);
        }
        if let Message::ViewChange(it) = &message {
            self.check_lead(it.signer, it.payload.view);
        }
        if to == Recipients::Everyone || to == Recipients::One(id) {
            inbox.push_back(Input::Message(self.chain.verified(message.clone())));
        }
        for other in self.ids().filter(|other| *other != id) {
            if !matches!(to, Recipients::One(one) if one != other) {
                self.post(id, other, message.clone());
            }
        }
        self.sent.push(message);
    }

    /// Nobody who is honest runs away from the others, whatever liars say.
    fn check_lead(&mut self, id: ReplicaId, to: View) {
        let highest = self.moved.entry(id).or_default();
        *highest = to.max(*highest);
        let near = self.moved.values().filter(|view| view.get() + LEAD >= to.get()).count();
        let is_alone = to.get() > LEAD && near < self.chain.membership.weak_quorum();
        assert!(!is_alone, "replica {id} moves to view {to} and left the others behind: {:?}", self.moved);
    }

    /// Puts a message in the bag, whoever signed it.
    pub(crate) fn post(&mut self, from: ReplicaId, to: ReplicaId, message: Message) {
        let envelope = Envelope { number: self.next_number, from, to, message };
        if !self.blocks.iter().any(|block| block.picks(&envelope)) {
            self.next_number += 1;
            self.bag.push(envelope);
        }
    }

    fn execute(&mut self, id: ReplicaId, committed: CommittedBatch, inbox: &mut VecDeque<Input>) {
        let (seq, digest) = (committed.seq, committed.certificate.digest);
        assert_eq!(committed.batch.digest(), digest, "the batch is the decided one");
        if let Some(unexecuted) = &mut self.node_mut(id).unexecuted {
            return unexecuted.push(committed);
        }
        self.promises.executed(id, seq, digest);
        let root = self.node_mut(id).execute(committed);
        if let Some(root) = root {
            self.archive.insert(root, self.node(id).machine.clone());
        }
        let Machine { alarm, leaves, .. } = self.node(id).machine;
        inbox.push_back(Input::Executed { seq, alarm, leaves });
        inbox.extend(root.map(|state_root| Input::Snapshotted { seq, state_root }));
    }

    /// A replica executes all that waits for it, and what comes later at once.
    pub(crate) fn execute_all(&mut self, id: ReplicaId) {
        let mut inbox = VecDeque::new();
        for committed in self.node_mut(id).unexecuted.take().into_iter().flatten() {
            self.execute(id, committed, &mut inbox);
        }
        self.turn(id, inbox.into());
    }

    /// The state that a replica wants, if anyone ever had it.
    fn installed(&mut self, id: ReplicaId) -> Option<Input> {
        let certificate = self.node(id).target.clone()?;
        let machine = self.archive.get(&certificate.state_root)?.clone();
        let applied = Box::new(machine.applied());
        self.node_mut(id).put(machine);
        Some(Input::StateInstalled { certificate, applied })
    }

    /// The state transfer of a replica ends.
    pub(crate) fn install(&mut self, id: ReplicaId) {
        let input = self.installed(id).expect("a state is wanted, and somebody had it");
        self.turn(id, vec![input]);
    }

    /// Nobody who answers holds the state that a replica wants.
    pub(crate) fn gone(&mut self, id: ReplicaId) {
        let checkpoint = self.node(id).target.as_ref().expect("a state is wanted").seq;
        self.turn(id, vec![Input::StateGone { checkpoint }]);
    }

    /// Delivers what a replica asks about itself, and the answers of those who are up (rule A-1).
    pub(crate) fn answer_held(&mut self, id: ReplicaId) {
        let is_held = |it: &Envelope| match &it.message {
            Message::Fetch(fetch) => it.from == id && matches!(fetch.payload, Fetch::Held { .. }),
            Message::Supply(supply) => it.to == id && matches!(supply.payload, Supply::Held(_)),
            _ => false,
        };
        while let Some(index) = self.bag.iter().position(is_held) {
            let envelope = self.bag.remove(index);
            self.deliver(envelope);
        }
    }

    /// Takes the messages of a pattern out of the bag.
    pub(crate) fn take(&mut self, pattern: &Pattern) -> Vec<Envelope> {
        let (taken, rest) = std::mem::take(&mut self.bag).into_iter().partition(|it| pattern.picks(it));
        self.bag = rest;
        taken
    }

    pub(crate) fn deliver(&mut self, envelope: Envelope) {
        let verified = self.chain.verified(envelope.message);
        self.turn(envelope.to, vec![Input::Message(verified)]);
    }

    /// Delivers everything, and what comes of it, in order of sending.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            if self.bag.is_empty() {
                return;
            }
            let first = self.bag.remove(0);
            self.deliver(first);
        }
        panic!("the replicas never stop talking");
    }

    /// Moves the clock, waking each replica at its deadlines; delivers everything after each of them if told to.
    pub(crate) fn pass(&mut self, span: Duration, delivering: bool) {
        let end = self.time.after(span);
        while let Some((due, id)) = self.next_deadline().filter(|(due, _)| *due <= end) {
            self.time = self.time.max(due);
            self.turn(id, Vec::new());
            if delivering {
                self.settle();
            }
        }
        self.time = end;
    }

    pub(crate) fn next_deadline(&self) -> Option<(Time, ReplicaId)> {
        let due = |id| Some((self.node(id).replica.as_ref()?.deadline()?, id));
        self.ids().filter_map(due).min()
    }

    /// Stops a replica: what is not durable is lost, and what comes while it is down.
    pub(crate) fn crash(&mut self, id: ReplicaId) {
        self.node_mut(id).replica = None;
        self.node_mut(id).unexecuted = None;
    }

    pub(crate) fn restart(&mut self, id: ReplicaId) {
        self.restart_with(id, &[]);
    }

    /// Starts a replica again; these requests wait for it already.
    pub(crate) fn restart_with(&mut self, id: ReplicaId, transactions: &[Transaction]) {
        if self.node(id).replica.is_none() {
            self.node_mut(id).recover();
            let requests = transactions.iter().map(|it| self.chain.verified_transaction(it.clone()));
            let inputs = std::iter::once(Input::Start).chain(requests.map(Input::Request)).collect();
            self.turn(id, inputs);
        }
    }

    pub(crate) fn executed(&self, id: ReplicaId) -> SeqNum {
        self.node(id).machine.executed
    }
}

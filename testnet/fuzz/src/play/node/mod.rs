//! The replica with its disk: journal and state; and everything that is checked with each of its effects.

mod disk;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tetrarch_replica::{Config, Corrupt, Effect, Effects, Event, Input, LiveRecords, Recipients, Record, Replica};
use tetrarch_simulator::scheme::FakeScheme;
use tetrarch_types::{
    CheckpointCertificate, CommittedBatch, Evidence, Message, Now, Payload, ReplicaId, SeqNum, Time, Transaction,
    Verified,
};

use super::Machine;
use crate::chain::{Chain, EPOCH};
use crate::naive::certificates::{is_committed, is_stable};
use crate::naive::witness::Witness;
use crate::trace;

/// More turns in a row than this, and the replica never comes to rest.
const ENDLESS: usize = 100;

/// More effects of one step than this, and one message floods the network.
const FLOOD: usize = 1_000;

/// Own messages that are remembered.
const REMEMBERED: usize = 1_024;

/// Where its journal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// It wrote it: nothing is ever lost.
    Own,
    /// It wrote it, and some of it is gone.
    Replaced,
    /// Somebody made it up.
    Invented,
}

pub(crate) struct Node {
    pub(crate) chain: Chain,
    pub(crate) replica: Replica,
    pub(crate) witness: Witness,
    pub(crate) machine: Machine,
    /// What it signed, the latest of it.
    pub(crate) said: Vec<Message>,
    /// The state that it wants.
    pub(crate) target: Option<CheckpointCertificate>,
    /// Whether execution keeps its reports to itself.
    pub(crate) holds_reports: bool,
    /// It falls with its next records, which are durable then or not.
    pub(crate) trap: Option<bool>,
    past: Past,
    /// It refused its journal.
    is_down: bool,
    /// The last checkpoint that it ever knew to be stable.
    pub(crate) last_stable: CheckpointCertificate,
    /// Batches that it executed, and states that it took over.
    pub(crate) progress: usize,
    config: Config,
    journal: VecDeque<Record>,
    /// The index of the journal's first record.
    first: u64,
    live: LiveRecords,
    /// The states since the last stable checkpoint: a crash may lose executions, back to that one.
    states: BTreeMap<SeqNum, Machine>,
    /// The state here is that of no batch.
    damaged: bool,
    reports: Vec<Input>,
    time: Time,
}

impl Node {
    /// A replica that comes up with this state and journal.
    ///
    /// # Errors
    /// When it refuses the journal.
    pub(crate) fn new(size: usize, own: ReplicaId, machine: Machine, journal: Vec<Record>) -> Result<Self, Corrupt> {
        let chain = Chain::new(size);
        let mut config = Config::new(own, chain.membership.clone());
        (config.pipeline, config.batch_transactions) = (3, 2);
        let replica = Replica::recover(config.clone(), machine.applied(false), journal.iter().cloned())?;
        let mut live = LiveRecords::default();
        (0..).zip(&journal).for_each(|(index, record)| live.note(index, record));
        Ok(Self {
            witness: Witness::new(own, size, &journal),
            past: if journal.is_empty() { Past::Own } else { Past::Invented },
            is_down: false,
            chain,
            replica,
            states: BTreeMap::from([(machine.executed, machine.clone())]),
            machine,
            said: Vec::new(),
            target: None,
            holds_reports: false,
            trap: None,
            last_stable: CheckpointCertificate::genesis(),
            progress: 0,
            config,
            journal: journal.into(),
            first: 0,
            live,
            damaged: false,
            reports: Vec::new(),
            time: Time::ZERO,
        })
    }

    pub(crate) const fn own(&self) -> ReplicaId {
        self.config.id
    }

    /// The number of its question about its own votes.
    pub(crate) const fn start_number(&self) -> u64 {
        self.config.start
    }

    /// A message of a member, if the verifier lets it in.
    pub(crate) fn hear(&mut self, message: Message) -> bool {
        let verified = self.chain.verified(message);
        let is_verified = verified.is_some();
        self.turn(verified.map(Input::Message).into_iter().collect());
        is_verified
    }

    pub(crate) fn request(&mut self, transaction: Transaction) {
        let verified: Option<Verified<Transaction>> = self.chain.verifier.transaction(transaction).ok();
        self.turn(verified.map(Input::Request).into_iter().collect());
    }

    pub(crate) fn wait(&mut self, span: Duration) {
        self.time = self.time.after(span);
        self.turn(Vec::new());
    }

    /// Execution says what it did, at last.
    pub(crate) fn report(&mut self) {
        self.holds_reports = false;
        let reports = std::mem::take(&mut self.reports);
        self.turn(reports);
    }

    /// The state that it wants is there.
    pub(crate) fn install(&mut self) {
        let Some(certificate) = self.target.take() else { return };
        self.machine = if certificate.is_genesis() { Machine::default() } else { Machine::of(&certificate) };
        self.states = BTreeMap::from([(self.machine.executed, self.machine.clone())]);
        self.damaged = false;
        self.reports.clear();
        self.progress += 1;
        let applied = Box::new(self.machine.applied(false));
        self.turn(vec![Input::StateInstalled { certificate, applied }]);
    }

    /// Nobody has the state that it wants.
    pub(crate) fn gone(&mut self) {
        let checkpoint = self.target.as_ref().map(|target| target.seq);
        self.turn(checkpoint.map(|checkpoint| Input::StateGone { checkpoint }).into_iter().collect());
    }

    /// Steps the replica until it has nothing more to say, as a node's driver does.
    pub(crate) fn turn(&mut self, inputs: Vec<Input>) {
        let mut inbox = VecDeque::from(inputs);
        for _ in 0..ENDLESS {
            if self.is_down {
                return;
            }
            let now = self.now();
            let is_due = |replica: &Replica| replica.deadline().is_some_and(|due| due <= now.time);
            if inbox.is_empty() && !is_due(&self.replica) {
                return;
            }
            let mut effects = Effects::new();
            inbox.drain(..).for_each(|input| self.replica.step(now, input, &mut effects));
            if is_due(&self.replica) {
                self.replica.step(now, Input::Deadline, &mut effects);
            }
            if self.run(effects.take(), &mut inbox) {
                self.crash(0);
                inbox = VecDeque::from([Input::Start]);
            }
        }
        panic!("the replica never comes to rest");
    }

    fn now(&self) -> Now {
        let clock = tetrarch_types::Timestamp::from_micros(EPOCH.as_micros() + self.time.as_micros());
        Now { time: self.time, clock }
    }

    /// Runs effects in order, each record durable when its turn comes. A replica that falls does so with its first record: what stands
    /// in front of that has left, and what stands behind it has not. Whether it falls.
    fn run(&mut self, effects: Vec<Effect>, inbox: &mut VecDeque<Input>) -> bool {
        assert!(effects.len() < FLOOD, "{} effects of one step", effects.len());
        let first = effects.iter().position(|effect| matches!(effect, Effect::Persist(_)));
        let fall = self.trap.take_if(|_| first.is_some());
        for (position, effect) in effects.into_iter().enumerate() {
            let waits = first.is_some_and(|first| position > first);
            match (effect, fall) {
                (Effect::Persist(_), Some(false)) => {}
                (Effect::Persist(record), _) => self.write(record),
                (_, Some(_)) if waits => {}
                (effect, _) => self.effect(effect, inbox),
            }
        }
        fall.is_some()
    }

    fn effect(&mut self, effect: Effect, inbox: &mut VecDeque<Input>) {
        match effect {
            Effect::Send { to, payload } => self.send(to, payload, inbox),
            Effect::Execute { batch, .. } => self.execute(&batch, inbox),
            Effect::FetchState(certificate) => {
                assert!(is_stable(&self.chain, &certificate), "a target that no quorum named: {certificate:?}");
                self.damaged = true;
                self.target = Some(certificate);
            }
            Effect::Discard { through } => self.discard(through),
            Effect::Observe(event) => self.observe(&event),
            _ => {}
        }
    }

    fn observe(&self, event: &Event) {
        if let Some(landmark) = landmark(event) {
            trace::pass(landmark);
        }
        match event {
            Event::RecordsLost => assert!(self.past != Past::Own, "its records are all there"),
            Event::Equivocation(evidence) => {
                assert!(evidence.holds(&self.chain.membership, &FakeScheme), "{evidence:?}");
                // More than f liars can have it execute another history after a crash, or take over another state: then its roots
                // differ, and no rule of its own keeps it from saying so.
                let is_root = matches!(**evidence, Evidence::Checkpoint(..));
                assert!(is_root || evidence.accused() != self.own(), "{evidence:?}");
            }
            _ => {}
        }
    }

    fn send(&mut self, to: Recipients, payload: Payload, inbox: &mut VecDeque<Input>) {
        let message = self.chain.message(payload, self.own());
        if message.signer() == self.own() {
            trace::note("  says", &message);
            self.witness.said(&message);
            self.said.push(message.clone());
            let excess = self.said.len().saturating_sub(REMEMBERED);
            self.said.drain(..excess);
        }
        let verified = self.chain.verified(message.clone());
        // Whoever wrote its journal may have put words into its mouth that nobody believes.
        assert!(verified.is_some() || self.past != Past::Own, "what it says does not verify: {message:?}");
        if to == Recipients::Everyone || to == Recipients::One(self.own()) {
            inbox.extend(verified.map(Input::Message));
        }
    }

    fn execute(&mut self, committed: &CommittedBatch, inbox: &mut VecDeque<Input>) {
        assert!(!self.damaged, "a batch is executed on a state that is being replaced");
        let CommittedBatch { seq, batch, transactions, certificate } = committed;
        assert_eq!((certificate.seq, certificate.digest), (*seq, batch.digest()));
        assert!(is_committed(&self.chain, certificate), "not decided: {certificate:?}");
        assert!(batch.transactions.iter().copied().eq(transactions.iter().map(Transaction::id)));
        let root = self.machine.execute(committed);
        self.states.insert(*seq, self.machine.clone());
        self.progress += 1;
        let snapshotted = root.map(|state_root| Input::Snapshotted { seq: *seq, state_root });
        let executed = Input::Executed { seq: *seq, alarm: self.machine.alarm(), leaves: self.machine.leaves() };
        let reports = [Some(executed), snapshotted].into_iter().flatten();
        if self.holds_reports { self.reports.extend(reports) } else { inbox.extend(reports) }
    }
}

/// What a run has to come by, if it is to mean anything.
const fn landmark(event: &Event) -> Option<&'static str> {
    match event {
        Event::Equivocation(_) => Some("equivocation"),
        Event::ProposalRefused { .. } => Some("a proposal refused"),
        Event::Proposed { .. } => Some("a proposal of its own"),
        Event::Prepared { .. } => Some("prepared"),
        Event::Executing { .. } => Some("executed"),
        Event::ViewEntered { .. } => Some("a view entered"),
        Event::NewViewRefused { .. } => Some("a NEW-VIEW refused"),
        Event::Stable { .. } => Some("a stable checkpoint"),
        Event::Diverged { .. } => Some("another state than the agreed one"),
        Event::RecordsLost => Some("records lost"),
        Event::Silent { .. } => Some("silent"),
        Event::StateInstalled { .. } => Some("a state installed"),
        Event::Fetching { .. } => Some("something fetched"),
        _ => None,
    }
}

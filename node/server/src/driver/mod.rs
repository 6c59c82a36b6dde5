//! The thread that owns the replica and its journal.
//!
//! ```text
//!   inbox ──drain──▶ step, step, step ──effects──▶ Turn   at_once ── run
//!     ▲                                                   records ── one journal write, one fsync
//!     └──────────── own messages, verified ◀───────────── held ───── run when the records are durable
//! ```
//!
//! A turn takes everything that waits, within bounds, so that one fsync serves as much as possible. When the journal fails, the turn
//! ends there: nothing that depended on it leaves, and no turn follows. Votes are left to the journal's mark; the store is told of them in a turn
//! to which nothing came, and at the end.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tetrarch_replica::{Decided, Effect, Effects, Input, LiveRecords, Recipients, Record, Replica, Turn};
use tetrarch_storage::{Journal, Store};
use tetrarch_types::{Message, Payload, SeqNum, Verifier, encode};

use crate::bounds;
use crate::clock::Clock;
use crate::counters::{Count, Counts};
use crate::egress::Parcel;
use crate::executor::Job;
use crate::health::{Halt, Health};
use crate::inbox::Inbox;
use crate::observe::Observer;
use crate::outbox::Outbox;
use crate::status::Board;
use crate::supplier::{Wish, Wishes};

/// Where the driver's effects go, beside the journal.
pub(crate) struct Exits {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) executor: SyncSender<Job>,
    pub(crate) egress: SyncSender<Parcel>,
    pub(crate) wishes: Arc<Wishes>,
    pub(crate) decided: Arc<Mutex<Decided>>,
    pub(crate) board: Arc<Board>,
}

/// The replica with its journal.
pub(crate) struct Driver<S: Store> {
    pub(crate) replica: Replica,
    pub(crate) journal: Journal<S>,
    pub(crate) live: LiveRecords,
    pub(crate) observer: Observer<S>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) exits: Exits,
    pub(crate) health: Arc<Health>,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
}

/// What the driver carries from turn to turn.
#[derive(Default)]
struct Carried {
    effects: Effects,
    /// This replica's own messages of the last turn, now durable and verified.
    own: Vec<Input>,
    /// The last turn had nothing to do although the replica's deadline has passed.
    fruitless: bool,
}

impl<S: Store> Driver<S> {
    /// Runs turns until the inbox closes: at shutdown, or because the node halts.
    pub(crate) fn run(mut self) {
        let mut carried = Carried { own: vec![Input::Start], ..Carried::default() };
        while let Some(inputs) = self.inbox.drain(self.patience(&carried)) {
            if let Err(halt) = self.turn(inputs, &mut carried) {
                self.health.halt(halt);
            }
        }
        self.tell_store().unwrap_or_else(|halt| self.health.halt(halt));
        if let Some(reason) = self.health.halted() {
            // Egress ends after this thread only; if it panicked, nobody waits any more.
            self.exits.egress.send(Parcel::Halted(reason.to_owned())).ok();
        }
    }

    /// How long to wait for inputs: until the replica's deadline, and not at all when its own messages are there.
    fn patience(&self, carried: &Carried) -> Option<Duration> {
        if !carried.own.is_empty() {
            return Some(Duration::ZERO);
        }
        let wait = self.replica.deadline()?.since(self.clock.time());
        Some(if carried.fruitless { wait.max(bounds::IDLE_STEP) } else { wait })
    }

    fn turn(&mut self, inputs: Vec<Input>, carried: &mut Carried) -> Result<(), Halt> {
        let own = std::mem::take(&mut carried.own);
        let idle = own.is_empty() && inputs.is_empty();
        for input in own.into_iter().chain(inputs) {
            self.step(input, &mut carried.effects);
        }
        if self.is_due() {
            self.step(Input::Deadline, &mut carried.effects);
        }
        carried.fruitless = idle && carried.effects.is_empty() && self.is_due();
        self.exits.board.post(self.clock.time(), self.replica.status(), self.replica.stable());
        let said = self.carry_out(Turn::of(&mut carried.effects))?;
        carried.own = self.believe(said);
        if idle { self.tell_store() } else { Ok(()) }
    }

    /// What was left to the mark is written where it belongs as well, now that nobody waits for it.
    fn tell_store(&mut self) -> Result<(), Halt> {
        self.check_health()?;
        self.journal.tell().map_err(|error| Halt::of_journal("writing the journal", error))
    }

    fn step(&mut self, input: Input, effects: &mut Effects) {
        self.counts.add(Count::Inputs);
        self.replica.step(self.clock.now(), input, effects);
    }

    fn is_due(&self) -> bool {
        self.replica.deadline().is_some_and(|deadline| deadline <= self.clock.time())
    }

    /// Law 1: what is behind a record leaves when it is durable. Returns what this replica said to itself.
    fn carry_out(&mut self, turn: Turn) -> Result<Vec<Message>, Halt> {
        self.counts.add(Count::Turns);
        let mut said = Vec::new();
        self.check_health()?;
        self.run_all(turn.at_once, &mut said)?;
        self.persist(&turn.records)?;
        self.check_health()?;
        self.run_all(turn.held, &mut said)?;
        Ok(said)
    }

    /// Nothing more is said once any station has found a reason not to (rule D-6).
    fn check_health(&self) -> Result<(), Halt> {
        self.health.halted().map_or(Ok(()), |reason| Err(Halt::because(reason)))
    }

    fn persist(&mut self, records: &[Record]) -> Result<(), Halt> {
        if records.is_empty() {
            return Ok(());
        }
        let entries = records.iter().map(encode).collect();
        let append = if records.iter().all(Record::stands_alone) { Journal::append_later } else { Journal::append };
        let first =
            append(&mut self.journal, entries).map_err(|error| Halt::of_journal("writing the journal", error))?;
        (first..).zip(records).for_each(|(index, record)| self.live.note(index, record));
        self.counts.add(Count::JournalWrites);
        self.counts.add_many(Count::Records, records.len());
        Ok(())
    }

    fn run_all(&mut self, effects: Vec<Effect>, said: &mut Vec<Message>) -> Result<(), Halt> {
        effects.into_iter().try_for_each(|effect| self.run_one(effect, said))
    }

    fn run_one(&mut self, effect: Effect, said: &mut Vec<Message>) -> Result<(), Halt> {
        match effect {
            Effect::Send { to, payload } => said.extend(self.send(to, payload)),
            Effect::Execute { batch, prepared } => {
                self.exits.decided.lock().unwrap_or_else(PoisonError::into_inner).note(&batch.certificate);
                self.hand_over(Job::Execute { batch, prepared })?;
            }
            Effect::ExecuteTentatively(batch) => self.hand_over(Job::ExecuteTentatively(batch))?,
            Effect::ReplyTentatively { view, seq } => self.hand_over(Job::ReplyTentatively { view, seq })?,
            Effect::FetchState(target) => self.hand_over(Job::Fetch(target))?,
            Effect::StateArrived { from, supply } => self.hand_over(Job::Arrived { from, supply })?,
            Effect::SendCommitted { to, after } => self.exits.wishes.add(to, Wish::Batches { after }),
            Effect::SendState { to, checkpoint, parts, rows_up_to } => {
                self.exits.wishes.add(to, Wish::State { checkpoint, parts, rows_up_to });
            }
            Effect::Refuse { transaction, refusal } => {
                // Egress ends after this thread only; if it panicked, the node has halted.
                self.exits.egress.send(Parcel::Refused { transaction, refusal }).ok();
            }
            Effect::Discard { through } => {
                self.discard(through)?;
                self.hand_over(Job::Stable(through))?;
            }
            Effect::Observe(event) => {
                self.observer.see(&event).map_err(|error| Halt::of_store("keeping evidence", error))?;
            }
            Effect::Persist(_) => {
                return Err(Halt::because("a defect of the program: a turn left a record among its effects"));
            }
        }
        Ok(())
    }

    fn send(&self, to: Recipients, payload: Payload) -> Option<Message> {
        self.exits.outbox.send(to, payload)
    }

    fn hand_over(&self, job: Job) -> Result<(), Halt> {
        self.exits.executor.send(job).map_err(|_| Halt::because("the executor has stopped"))
    }

    fn discard(&mut self, through: SeqNum) -> Result<(), Halt> {
        let needed = self.live.discard(through, self.journal.next());
        self.journal.truncate_before(needed).map_err(|error| Halt::of_journal("shortening the journal", error))
    }

    /// The replica's own messages come back through the same door as everyone's (law 1). Their signatures hold by construction; one
    /// batch check for each turn is the price of having a single way to a verified message.
    fn believe(&self, said: Vec<Message>) -> Vec<Input> {
        if said.is_empty() {
            return Vec::new();
        }
        let believed = |verdict| match verdict {
            Ok(message) => Some(Input::Message(message)),
            Err(rejection) => {
                let rejection: tetrarch_types::Rejection = rejection;
                tracing::error!(%rejection, "a defect of the program: this replica refuses a message of its own");
                None
            }
        };
        self.verifier.messages(said).into_iter().filter_map(believed).collect()
    }
}

//! A node's process: everything that a crash takes away.

use tetrarch_replica::{Config, Decided, Effects, Input, Record, Replica, ReplicaStatus, Turn};
use tetrarch_types::{Message, Refusal, Rejection, ReplicaId, Response, SeqNum, Time, Transaction, Verified, limits};

use super::executor::{Admitted, Executor};
use super::fault::Fault;
use super::journal::Records;
use super::recovery::{Recovered, recover};
use super::{Act, Disk, Start};
use crate::chain::Chain;
use crate::faults::WritePoint;
use crate::sight::Sight;

/// The process.
pub struct Running {
    pub(super) id: ReplicaId,
    pub(super) replica: Replica,
    pub(super) records: Records,
    /// Execution and those who wait for it.
    pub executor: Executor,
    /// Its own messages, durable.
    pub(super) own: Vec<Input>,
    pub(super) inbox: Vec<Input>,
    pub(super) decided: Decided,
    pub(super) effects: Effects,
    /// How many turns it has taken.
    pub(super) turns: u64,
    /// The turn whose records are being synced; until then no other begins.
    pub(super) syncing: Option<Turn>,
    /// Whether the world was asked for a turn that has not come.
    pub turn_scheduled: bool,
    /// When it took its last turn.
    pub last_turn: Time,
    /// The earliest deadline that the world was asked for and that has not come.
    pub deadline: Option<Time>,
}

impl Running {
    pub(super) fn recover(
        config: Config,
        disk: &Disk,
        chain: &Chain,
        start: &Start,
    ) -> Result<(Self, Vec<Record>), Fault> {
        let id = config.id;
        let recovered = disk.at(WritePoint::Start, || recover(config, disk, chain, start));
        let Recovered { replica, records, executor, read } = recovered?;
        let running = Self {
            id,
            replica,
            records,
            executor,
            own: vec![Input::Start],
            inbox: Vec::new(),
            decided: Decided::default(),
            effects: Effects::new(),
            turns: 0,
            syncing: None,
            turn_scheduled: false,
            last_turn: Time::ZERO,
            deadline: None,
        };
        Ok((running, read))
    }

    /// Where the replica stands.
    pub fn status(&self) -> ReplicaStatus {
        self.replica.status()
    }

    /// How far execution is.
    pub fn executed(&self) -> SeqNum {
        self.executor.executed()
    }

    /// The batch behind which a reader would be answered now; none while that has to wait (rule X-4), or the state is that of no batch.
    pub fn answers_from(&self) -> Option<SeqNum> {
        let executed = self.executed();
        let is_readable = self.replica.status().readable_from().is_some_and(|told| told <= executed);
        (is_readable && !self.executor.is_damaged()).then_some(executed)
    }

    /// Whether a turn's records are being synced.
    pub fn is_syncing(&self) -> bool {
        self.syncing.is_some()
    }

    /// Whether a turn would find something to do.
    pub fn has_input(&self) -> bool {
        !self.own.is_empty() || !self.inbox.is_empty()
    }

    /// When the replica or its installation wants to be woken, on its own clock.
    pub fn wakes_at(&self) -> Option<Time> {
        self.replica.deadline().into_iter().chain(self.executor.wakes_at()).min()
    }

    /// A message arrived and was found good, if it was looked at.
    pub fn hear(&mut self, message: Verified<Message>) {
        if !self.decided.is_said_by(&message) {
            self.inbox.push(Input::Message(message));
        }
    }

    /// A client's request arrived.
    pub fn submit(&mut self, client: usize, transaction: &Transaction, chain: &Chain, acts: &mut Vec<Act>) {
        let about = transaction.id();
        let verified = match chain.verifier.transaction(transaction.clone()) {
            Ok(verified) => verified,
            Err(rejection) => {
                let response = Box::new(Response::Refused(refusal(&rejection, transaction, chain)));
                return acts.push(Act::Respond { client, about, response });
            }
        };
        match self.executor.admit(client, &verified, chain) {
            Admitted::Answered(response) => acts.push(Act::Respond { client, about, response }),
            Admitted::Damaged(what) => acts.push(Act::Damaged(what)),
            Admitted::New => self.inbox.push(Input::Request(verified)),
        }
    }

    /// How much it holds.
    pub(super) fn held(&self) -> Sight {
        let (sizes, journal, stable) = (self.replica.sizes(), self.records.len(), self.replica.stable().seq);
        Sight::Held { by: self.id, sizes, journal, stable }
    }

    /// The power fails during the fsync that is under way: what was being written may be there afterwards.
    pub(super) fn interrupt_sync(&mut self, disk: &Disk) {
        if let Some(turn) = self.syncing.take() {
            // It must fail, and its failure is the point.
            let _lost = disk.interrupting(|| self.records.append(&turn.records));
        }
    }
}

/// What a client is told of a transaction that the verifier does not let through, as the server says it.
fn refusal(rejection: &Rejection, transaction: &Transaction, chain: &Chain) -> Refusal {
    match rejection {
        Rejection::WrongChain => Refusal::WrongChain { theirs: transaction.body.chain, ours: chain.scope().genesis },
        Rejection::TooLarge => {
            let actual = transaction.body.command.len() as u64;
            Refusal::TooLarge { actual, limit: limits::MAX_COMMAND_BYTES as u64 }
        }
        Rejection::WeakKey(_) => Refusal::WeakKey,
        Rejection::BadSignature => Refusal::BadSignature,
        other => Refusal::Malformed(other.to_string()),
    }
}

//! A node's process: everything that a crash takes away.

use tetrarch_replica::{Config, Effects, Input, Record, Replica, ReplicaStatus, Turn};
use tetrarch_types::{Message, Refusal, ReplicaId, Response, SeqNum, Time, Transaction, Verified};

use super::executor::{Admitted, Executor};
use super::fault::Fault;
use super::journal::Records;
use super::recovery::{Recovered, recover};
use super::{Act, Disk, Start};
use crate::chain::Chain;
use crate::faults::WritePoint;

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
    pub(super) effects: Effects,
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
            effects: Effects::new(),
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

    /// A message arrived and was found good.
    pub fn hear(&mut self, message: Verified<Message>) {
        self.inbox.push(Input::Message(message));
    }

    /// A client's request arrived.
    pub fn submit(&mut self, client: usize, transaction: &Transaction, chain: &Chain, acts: &mut Vec<Act>) {
        let Ok(verified) = chain.verifier.transaction(transaction.clone()) else {
            let response = Response::Refused(Refusal::BadSignature);
            return acts.push(Act::Respond { client, response });
        };
        match self.executor.admit(client, &verified, chain) {
            Admitted::Answered(response) => acts.push(Act::Respond { client, response: *response }),
            Admitted::Damaged(what) => acts.push(Act::Damaged(what)),
            Admitted::New => self.inbox.push(Input::Request(verified)),
        }
    }

    /// The power fails during the fsync that is under way: what was being written may be there afterwards.
    pub(super) fn interrupt_sync(&mut self, disk: &Disk) {
        if let Some(turn) = self.syncing.take() {
            disk.interrupt_next_sync();
            // It must fail, and its failure is the point.
            let _lost = self.records.append(&turn.records);
        }
    }
}

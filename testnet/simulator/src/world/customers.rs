//! Clients at work.

use std::rc::Rc;
use std::time::Duration;

use tetrarch_types::limits::MAX_COMMAND_BYTES;
use tetrarch_types::{Transaction, TransactionId};

use super::event::Event;
use super::{Phase, World};
use crate::draw::PAUSE;
use crate::recording::{Mark, Party, What};
use crate::sight::{Sight, Told};

/// After how long a client asks again, at least and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(120), Duration::from_millis(500));

impl World {
    pub(super) fn issue(&mut self, client: usize) {
        let transaction = self.clients[client].issue(&self.rules);
        self.submit(client, &transaction);
    }

    /// A transaction is sent for the first time.
    fn submit(&mut self, client: usize, transaction: &Rc<Transaction>) {
        self.note_issue(client, transaction);
        self.past.note(transaction);
        self.fairness.ask(transaction.id());
        let sight = Sight::Issued { transaction: transaction.as_ref().clone(), at: self.now() };
        self.see(&sight);
        for to in self.clients[client].recipients(self.nodes.len()) {
            self.ask(client, to, transaction);
        }
        self.retry_later(client, transaction.id());
    }

    fn note_issue(&mut self, client: usize, transaction: &Transaction) {
        let command = &transaction.body.command;
        if command.len() > MAX_COMMAND_BYTES {
            let what = format!("its command has {} bytes; the limit is {MAX_COMMAND_BYTES}", command.len());
            self.fail("workload", format!("client {client}: {what}"));
        }
        let (now, client_byte) = (self.queue.now(), [client as u8]);
        self.trace.note(now, b"issu", &[&client_byte, transaction.signature.as_bytes()]);
        let text = || format!("client {client} asks  {}", self.workload.show_command(command));
        self.trace.record(now, || What::Mark { at: Party::Client(client), mark: Mark::Saw, text: text() });
    }

    /// Nothing came: everyone is asked.
    pub(super) fn retry(&mut self, client: usize, id: TransactionId) {
        let Some(transaction) = self.clients[client].pending(&id) else { return };
        for to in 0..self.nodes.len() {
            self.ask(client, to, &transaction);
        }
        self.retry_later(client, id);
    }

    fn retry_later(&mut self, client: usize, id: TransactionId) {
        let patience = self.rng.span(PATIENCE.0, PATIENCE.1);
        self.queue.after(patience, Event::Retry { client, id });
    }

    pub(super) fn ask(&mut self, client: usize, to: usize, transaction: &Rc<Transaction>) {
        let from = self.nodes.len() + client;
        let arrivals = self.network.route(self.queue.now(), from, to, &mut self.counters);
        self.record_request(client, to, transaction, &arrivals);
        for at in arrivals {
            self.queue.at(at, Event::Request { client, to, transaction: transaction.clone() });
        }
    }

    /// A transaction arrives at a replica.
    pub(super) fn request(&mut self, client: usize, to: usize, transaction: &Rc<Transaction>) {
        self.delivered += 1;
        let ends = [client as u8, to as u8];
        self.trace.note(self.queue.now(), b"rqst", &[&ends, transaction.signature.as_bytes()]);
        if self.liars.get_mut(&to).is_some_and(|liar| !liar.admit(transaction)) {
            return;
        }
        let mut acts = Vec::new();
        if let Some(running) = &mut self.nodes[to].running {
            running.submit(client, transaction, &self.chain, &mut acts);
        }
        self.carry_out(to, acts);
        if self.nodes[to].running.as_ref().is_some_and(|running| running.has_input()) {
            self.wake(to, self.now());
        }
    }

    /// Somebody else spent the nonce: the same command is signed again (rule R-6).
    pub(super) fn told_never(&mut self, client: usize, transaction: TransactionId, command: Vec<u8>) {
        self.see(&Sight::ToldNever { transaction });
        let again = self.clients[client].sign(command, &self.rules);
        self.submit(client, &again);
    }

    pub(super) fn answered(&mut self, client: usize, told: Told) {
        let sight = Sight::Told { answer: told.clone(), at: self.now() };
        self.trace.record(self.queue.now(), || {
            let text = format!("client {client} is told of {:?} in {}", told.transaction.digest(), told.seq);
            What::Mark { at: Party::Client(client), mark: Mark::Told(told.seq), text }
        });
        self.highest = self.highest.max(told.seq);
        self.told.push(told);
        self.see(&sight);
        self.judge_reads();
        if self.phase == Phase::Faulty || !self.is_everyone_voting() {
            let at_most = if self.phase == Phase::Faulty { self.drawn.pause } else { PAUSE };
            let pause = self.clients[client].thinks(at_most);
            self.queue.after(pause, Event::Issue { client });
        } else {
            self.clients[client].rest();
        }
    }

    /// Somebody is silent who was not when clients got their last answers: only what they ask for ends that.
    pub(super) fn wake_clients(&mut self) {
        for client in 0..self.clients.len() {
            for _ in 0..self.clients[client].wake() {
                self.queue.after(Duration::ZERO, Event::Issue { client });
            }
        }
    }
}

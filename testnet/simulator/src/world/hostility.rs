//! Hostile clients at work.

use std::time::Duration;

use tetrarch_types::Transaction;

use super::event::Event;
use super::{Phase, World};
use crate::client::{Client, Scene, Shot, Sort};
use crate::node::EPOCH;
use crate::recording::{Mark, Party, What};
use crate::sight::Sight;

impl World {
    pub(super) fn schedule_mischief(&mut self) {
        for which in 0..self.hostile.len() {
            self.schedule_act(which);
        }
    }

    fn schedule_act(&mut self, which: usize) {
        let wait = self.rng.span(Duration::from_millis(1), self.drawn.mischief_pace * 2);
        self.queue.after(wait, Event::Mischief { which });
    }

    /// Nobody heals hostile clients: they go on until the honest ones have got what they want all the same.
    pub(super) fn mischief(&mut self, which: usize) {
        let is_over = self.phase != Phase::Faulty && self.is_everyone_answered() && self.is_everyone_voting();
        if is_over {
            return;
        }
        for shot in self.act_of(which) {
            self.fire(self.clients.len() + which, shot);
        }
        self.schedule_act(which);
    }

    fn act_of(&mut self, which: usize) -> Vec<Shot> {
        let scene = Scene {
            chain: &self.chain,
            workload: self.workload.as_ref(),
            now: EPOCH.plus(Duration::from_micros(self.queue.now().as_micros())),
            primary: self.likely_primary(),
            replicas: self.nodes.len(),
            past: &self.past,
            victims: self.clients.iter().map(Client::as_victim).collect(),
        };
        self.hostile[which].act(&scene)
    }

    fn fire(&mut self, client: usize, shot: Shot) {
        let Shot { to, transaction, sort } = shot;
        self.note_shot(client, &transaction, sort);
        match sort {
            Sort::Fresh => {
                self.past.note(&transaction);
                self.see(&Sight::Issued { transaction: transaction.as_ref().clone(), at: self.now() });
            }
            Sort::Flawed(flaw) => self.see(&Sight::Flawed { transaction: transaction.id(), flaw }),
            Sort::Again => {}
        }
        for to in to {
            self.ask(client, to, &transaction);
        }
    }

    fn note_shot(&mut self, client: usize, transaction: &Transaction, sort: Sort) {
        let now = self.queue.now();
        self.trace.note(now, b"shot", &[&[client as u8], transaction.signature.as_bytes()]);
        let what = || match sort {
            Sort::Fresh => format!("asks  {}", self.workload.show_command(&transaction.body.command)),
            Sort::Again => "sends again what was sent before".to_owned(),
            Sort::Flawed(flaw) => format!("sends what must not be carried out: {flaw:?}"),
        };
        let text = || format!("hostile client {client} {}", what());
        self.trace.record(now, || What::Mark { at: Party::Client(client), mark: Mark::Saw, text: text() });
    }
}

//! What is recorded where somebody reads along: messages as they leave.

use tetrarch_types::{Response, Time, Transaction};

use super::World;
use crate::letter::Letter;
use crate::recording::{Fate, Label, Party, Passage, What};

/// What leaves a party for another.
pub(super) struct Departure {
    pub(super) from: Party,
    pub(super) to: Party,
    /// Whether a liar put it in place of what it should have said.
    pub(super) is_lie: bool,
}

impl World {
    /// A message between replicas leaves; `arrivals` are those of its copies.
    pub(super) fn record_letter(&mut self, ends: (usize, usize), letter: &Letter, is_lie: bool, arrivals: &[Time]) {
        let departure = Departure { from: Party::Node(ends.0), to: Party::Node(ends.1), is_lie };
        self.record_departure(&departure, arrivals, || Label::of_letter(letter));
    }

    /// A liar keeps to itself what it should have said.
    pub(super) fn record_withheld(&mut self, ends: (usize, usize), letter: &Letter) {
        let departure = Departure { from: Party::Node(ends.0), to: Party::Node(ends.1), is_lie: true };
        self.record_passages(&departure, &[Fate::Withheld], || Label::of_letter(letter));
    }

    /// A transaction leaves a client for a node.
    pub(super) fn record_request(&mut self, client: usize, to: usize, transaction: &Transaction, arrivals: &[Time]) {
        let departure = Departure { from: Party::Client(client), to: Party::Node(to), is_lie: false };
        self.record_departure(&departure, arrivals, || Label::of_request(transaction));
    }

    /// An answer leaves a node for a client.
    pub(super) fn record_response(
        &mut self,
        ends: (usize, usize),
        response: &Response,
        is_lie: bool,
        arrivals: &[Time],
    ) {
        let departure = Departure { from: Party::Node(ends.0), to: Party::Client(ends.1), is_lie };
        self.record_departure(&departure, arrivals, || Label::of_response(response));
    }

    fn record_departure(&mut self, departure: &Departure, arrivals: &[Time], label: impl FnOnce() -> Label) {
        if !self.trace.is_read() {
            return;
        }
        let (from, to) = (self.end(departure.from), self.end(departure.to));
        let fates: Vec<Fate> = match arrivals {
            [] if self.network.is_cut(from, to) => vec![Fate::Cut],
            [] => vec![Fate::Lost],
            arrivals => arrivals.iter().map(|at| Fate::Arrived(*at)).collect(),
        };
        self.record_passages(departure, &fates, label);
    }

    fn record_passages(&mut self, departure: &Departure, fates: &[Fate], label: impl FnOnce() -> Label) {
        if !self.trace.is_read() {
            return;
        }
        let (left, label) = (self.now(), label());
        for fate in fates {
            let Departure { from, to, is_lie } = *departure;
            let passage = Passage { from, to, left, fate: *fate, is_lie, label: label.clone() };
            self.trace.record(left, || What::Message(passage));
        }
    }

    /// The party's place in the network.
    const fn end(&self, party: Party) -> usize {
        match party {
            Party::Node(node) => node,
            Party::Client(client) => self.nodes.len() + client,
        }
    }
}

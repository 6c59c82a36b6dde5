//! Which rules of the protocol were at work in a run.
//!
//! Faults that fire prove that the harness throws; this proves that what it throws arrives where the protocol has an answer. Rules
//! are known by what they do in the open: by messages, records, observations and refusals, never by asking the code.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_replica::{Event, Missing};
use tetrarch_types::{MessageKind, Rejection, ReplicaId, SeqNum};

pub use rules::{ELSEWHERE, SHOWN};

use crate::sight::Sight;

/// The rules seen at work.
pub type Rules = BTreeSet<&'static str>;

/// Statements that a replica made, of which a repetition is to be known.
const REMEMBERED: usize = 1_024;

/// Watches a run.
#[derive(Default)]
pub struct Coverage {
    seen: Rules,
    /// The lists of rules that are in `seen`: as many as the code has.
    noted: Vec<&'static [&'static str]>,
    /// Votes by their place: a second one is a repetition.
    said: BTreeSet<(ReplicaId, MessageKind, u64, SeqNum)>,
    /// How many transactions the batch has that a replica executes.
    executing: BTreeMap<ReplicaId, usize>,
    /// Primaries that started their view with batches to be proposed again, and whether they lacked one of these.
    leading: BTreeMap<ReplicaId, bool>,
}

impl Coverage {
    /// Looks at one observation.
    pub fn see(&mut self, sight: &Sight) {
        self.note(rules::of(sight));
        match sight {
            Sight::Sent { by, message } => self.sent(*by, message.open()),
            Sight::Executing { by, batch } => {
                self.executing.insert(*by, batch.batch.transactions.len());
            }
            // Rule R-2 skips what is spent already: fewer replies than transactions.
            Sight::Executed { by, executed }
                if self.executing.get(by).is_some_and(|of| executed.replies.len() < *of) =>
            {
                self.seen.insert("R-2");
            }
            Sight::Observed { by, event } => self.observed(*by, event),
            _ => {}
        }
    }

    /// Rule P-1: who lacks what its view begins with proposes only behind it.
    fn observed(&mut self, by: ReplicaId, event: &Event) {
        match event {
            Event::Fetching { what: Missing::Batch, .. } => {
                self.leading.entry(by).and_modify(|lacks| *lacks = true);
            }
            Event::Proposed { .. } if self.leading.remove(&by) == Some(true) => {
                self.seen.insert("P-1");
            }
            Event::ViewChangeStarted { .. } => {
                self.leading.remove(&by);
            }
            _ => {}
        }
    }

    /// A message was refused before anything was made of it.
    pub fn refused(&mut self, why: &Rejection) {
        self.note(rules::of_rejection(why));
    }

    /// Most rules come again and again in the same lists: those that were noted need no look at the names in them.
    fn note(&mut self, rules: &'static [&'static str]) {
        if !self.noted.iter().any(|noted| std::ptr::eq(*noted, rules)) {
            self.noted.push(rules);
            self.seen.extend(rules);
        }
    }

    /// What was seen.
    pub fn finish(self) -> Rules {
        self.seen
    }

    fn sent(&mut self, by: ReplicaId, message: &tetrarch_types::Message) {
        use tetrarch_types::Message as M;
        if let M::NewView(it) = message
            && it.signer == by
            && !it.payload.proposals.is_empty()
        {
            self.leading.insert(by, false);
        }
        let place = match message {
            M::Prepare(it) => (it.payload.view.get(), it.payload.seq),
            M::Commit(it) => (it.payload.view.get(), it.payload.seq),
            M::Checkpoint(it) => (0, it.payload.seq),
            M::ViewChange(it) => (it.payload.view.get(), SeqNum::ZERO),
            _ => return,
        };
        if !self.said.insert((by, message.kind(), place.0, place.1)) {
            let rule = if message.kind() == MessageKind::ViewChange { "V-8" } else { "L-2" };
            self.seen.insert(rule);
        }
        if self.said.len() > REMEMBERED {
            self.said.pop_first();
        }
    }
}

//! Messages between replicas, and what is noted of them.

use std::rc::Rc;

use tetrarch_replica::Event as Observed;
use tetrarch_types::{ReplicaId, Response};

use super::event::Event;
use super::{World, replica_id};
use crate::letter::Letter;
use crate::recording::{Mark, What};
use crate::sight::Sight;

impl World {
    /// A node sends; a liar's words are rewritten first.
    pub(super) fn send(&mut self, from: usize, to: ReplicaId, letter: Rc<Letter>) {
        let Some(liar) = self.liars.get_mut(&from) else { return self.post(from, to.index(), &letter, false) };
        let said = liar.say(to, letter.clone(), &self.chain, &mut self.counters);
        if said.is_empty() {
            self.record_withheld((from, to.index()), &letter);
        }
        for (to, word) in said {
            self.post(from, to.index(), &word, !Rc::ptr_eq(&word, &letter));
        }
    }

    fn post(&mut self, from: usize, to: usize, letter: &Rc<Letter>, is_lie: bool) {
        if to >= self.nodes.len() {
            return;
        }
        let arrivals = self.network.route(self.queue.now(), from, to, &mut self.counters);
        self.record_letter((from, to), letter, is_lie, &arrivals);
        for at in arrivals {
            self.queue.at(at, Event::Deliver { from, to, letter: letter.clone() });
        }
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, letter: &Rc<Letter>) {
        self.delivered += 1;
        let ends = [from as u8, to as u8];
        self.trace.note(self.queue.now(), b"mesg", &[&ends, letter.signature().as_bytes()]);
        if let Some(liar) = self.liars.get_mut(&to) {
            liar.hear(letter);
        }
        let Some(running) = &mut self.nodes[to].running else { return };
        if let Some(verified) = letter.verified(&self.chain) {
            running.hear(verified);
            self.wake(to, self.queue.now());
        }
    }

    pub(super) fn respond(&mut self, from: usize, client: usize, response: Response) {
        let (response, is_lie) = match self.liars.get_mut(&from) {
            Some(liar) => {
                let said = liar.answer(response.clone(), &self.chain, &mut self.counters);
                let is_lie = said != response;
                (said, is_lie)
            }
            None => (response, false),
        };
        let end = self.nodes.len() + client;
        let arrivals = self.network.route(self.queue.now(), from, end, &mut self.counters);
        self.record_response((from, client), &response, is_lie, &arrivals);
        for at in arrivals {
            self.queue.at(at, Event::Response { client, from, response: Box::new(response.clone()) });
        }
    }

    pub(super) fn response(&mut self, client: usize, from: usize, response: Response) {
        self.delivered += 1;
        let told = self.clients[client].hear(replica_id(from), response, &self.rules);
        let ends = [from as u8, client as u8];
        self.trace.note(self.queue.now(), b"resp", &[&ends]);
        if let Some(told) = told {
            self.answered(client, told);
        }
    }

    /// Into the trace, what is worth it.
    pub(super) fn note(&mut self, sight: &Sight) {
        let at = self.queue.now();
        match sight {
            Sight::Executed { by, executed } => {
                let parts: [&[u8]; 3] =
                    [&by.get().to_le_bytes(), &executed.seq.get().to_le_bytes(), executed.results_root.as_bytes()];
                self.trace.note(at, b"exec", &parts);
                let text = || format!("{by} executed {} with {} results", executed.seq, executed.replies.len());
                self.mark(*by, Mark::Executed(executed.seq), text);
            }
            Sight::Observed { event: Observed::Ignored { .. } | Observed::Pooled { .. }, .. } => {}
            Sight::Observed { by, event } => {
                self.trace.note_shown(at, b"seen", format_args!("{by} {event:?}"));
                self.mark(*by, mark(event), || format!("{by} {event:?}"));
            }
            Sight::Restarted { by, executed } => {
                self.trace.note_shown(at, b"boot", format_args!("{by} restarts at {executed}"));
                self.mark(*by, Mark::Saw, || format!("{by} restarts at {executed}"));
            }
            Sight::Forgot { by, shows } => {
                let how = if *shows { "and its disk shows it" } else { "and its disk does not show it" };
                self.trace.note_shown(at, b"lost", format_args!("{by} lost records of its votes, {how}"));
                self.mark(*by, Mark::Saw, || format!("{by} lost records of its votes, {how}"));
            }
            Sight::Told { answer, .. } => {
                self.trace.note(at, b"told", &[answer.transaction.digest().as_bytes()]);
            }
            Sight::Sent { .. } | Sight::Recorded { .. } | Sight::Executing { .. } => {}
            Sight::Issued { .. } | Sight::Kept { .. } => {}
        }
    }

    fn mark(&mut self, by: ReplicaId, mark: Mark, text: impl FnOnce() -> String) {
        self.trace.record(self.queue.now(), || What::at_node(by.index(), mark, text()));
    }
}

const fn mark(event: &Observed) -> Mark {
    match event {
        Observed::ViewEntered { view, .. } => Mark::Entered(*view),
        Observed::ViewChangeStarted { view, .. } => Mark::LeftFor(*view),
        Observed::Stable { seq, .. } => Mark::Stable(*seq),
        Observed::Equivocation(_) => Mark::Noted("proves a double vote"),
        Observed::ProposalRefused { .. } => Mark::Noted("refuses a proposal"),
        Observed::NewViewRefused { .. } => Mark::Noted("refuses a NEW-VIEW"),
        Observed::Diverged { .. } => Mark::Noted("has diverged"),
        Observed::RecordsLost => Mark::Noted("lost its records"),
        Observed::Silent { .. } => Mark::Noted("keeps silent"),
        Observed::Voting => Mark::Noted("votes"),
        Observed::Transferring { .. } => Mark::Noted("fetches a state"),
        Observed::StateInstalled { .. } => Mark::Noted("installs a state"),
        _ => Mark::Saw,
    }
}

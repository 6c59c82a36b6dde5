//! Messages between replicas, and what is noted of them.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_replica::Event as Observed;
use tetrarch_types::{ReplicaId, Response, TentativeResults, TransactionId};

use super::event::Event;
use super::{TWINS, World};
use crate::adversary::Word;
use crate::client::Heard;
use crate::letter::Letter;
use crate::recording::{Mark, What};
use crate::sight::Sight;

impl World {
    /// A node sends; a liar's words are rewritten first.
    pub(super) fn send(&mut self, from: usize, to: ReplicaId, letter: Rc<Letter>) {
        let Some(liar) = self.liars.get_mut(&from) else {
            return self.post(from, to, Duration::ZERO, &letter, false);
        };
        let said = liar.say(Word::new(to, letter.share().clone()));
        if said.is_empty() {
            self.record_withheld((from, to.index()), &letter);
        }
        for word in said {
            // What the liar left as it was need not be judged again.
            let is_same = Arc::ptr_eq(&word.message, letter.share());
            let said = if is_same { letter.clone() } else { Letter::new(word.message) };
            self.post(from, word.to, word.after, &said, !is_same);
        }
    }

    /// To every node that is this replica: one, or twins.
    fn post(&mut self, from: usize, to: ReplicaId, after: Duration, letter: &Rc<Letter>, is_lie: bool) {
        let departs = self.queue.now().after(after);
        for index in 0..self.nodes.len() {
            if self.nodes[index].id != to {
                continue;
            }
            let arrivals = self.network.route(departs, from, index, &mut self.counters);
            self.record_letter((from, index), letter, is_lie, &arrivals);
            for at in arrivals {
                self.queue.at(at, Event::Deliver { from, to: index, letter: letter.clone() });
            }
        }
        if self.is_twin(from) {
            self.count(TWINS, 1);
        }
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, letter: Rc<Letter>) {
        self.delivered += 1;
        let ends = [from as u8, to as u8];
        self.trace.note(self.queue.now(), b"mesg", &[&ends, letter.signature().as_bytes()]);
        if self.liars.get_mut(&to).is_some_and(|liar| !liar.hear(letter.share())) {
            return;
        }
        let Some(running) = &mut self.nodes[to].running else { return };
        match letter.deliver(&self.chain) {
            Ok(verified) => {
                running.hear(verified);
                self.wake(to, self.queue.now());
            }
            Err(why) => self.coverage.refused(&why),
        }
    }

    pub(super) fn respond(&mut self, from: usize, client: usize, about: TransactionId, response: Box<Response>) {
        if let Response::Refused(refusal) = response.as_ref()
            && self.is_honest(from)
        {
            let (by, refusal) = (self.nodes[from].id, refusal.clone());
            self.see(&Sight::Refused { by, transaction: about, refusal });
        }
        let (response, is_lie) = match self.liars.get_mut(&from) {
            Some(liar) => {
                let said = liar.answer(response.as_ref().clone());
                let is_lie = said != *response;
                (Box::new(said), is_lie)
            }
            None => (response, false),
        };
        let end = self.nodes.len() + client;
        let arrivals = self.network.route(self.queue.now(), from, end, &mut self.counters);
        self.record_response((from, client), &response, is_lie, &arrivals);
        for at in arrivals {
            self.queue.at(at, Event::Response { client, from, about, response: response.clone() });
        }
    }

    pub(super) fn response(&mut self, client: usize, from: usize, about: TransactionId, response: Response) {
        self.delivered += 1;
        let by = self.nodes[from].id;
        // A hostile client does not listen.
        let honest = self.clients.get_mut(client);
        let heard = honest.and_then(|honest| honest.hear(by, about, response, &self.rules));
        let ends = [from as u8, client as u8];
        self.trace.note(self.queue.now(), b"resp", &[&ends]);
        match heard {
            Some(Heard::Told(told)) => self.answered(client, told),
            Some(Heard::Never { transaction, command }) => self.told_never(client, transaction, command),
            None => {}
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
            Sight::ToldEarly { by, results: TentativeResults { view, seq, root } } => {
                self.trace.note_shown(at, b"erly", format_args!("{by} {view} {seq} {root:?}"));
                self.mark(*by, Mark::Saw, || format!("{by} tells what {seq} comes to, prepared in view {view}"));
            }
            Sight::Sent { .. } | Sight::Recorded { .. } | Sight::Executing { .. } => {}
            Sight::ToldNever { transaction } => self.trace.note(at, b"nevr", &[transaction.digest().as_bytes()]),
            Sight::Refused { by, transaction, refusal } => {
                let id = *transaction.digest();
                self.trace.note(at, b"refu", &[&by.get().to_le_bytes(), id.as_bytes()]);
                self.mark(*by, Mark::Saw, || format!("{by} refuses {id:?}: {refusal}"));
            }
            Sight::Issued { .. } | Sight::Kept { .. } | Sight::Misbehaved { .. } | Sight::Judged { .. } => {}
            Sight::Stamped { .. } | Sight::Flawed { .. } | Sight::Held { .. } | Sight::Ended { .. } => {}
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

//! Messages between replicas, and what is noted of them.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_replica::Event as Observed;
use tetrarch_types::{ReplicaId, Response, TransactionId};

use super::event::Event;
use super::{TWINS, World};
use crate::adversary::Word;
use crate::client::Heard;
use crate::letter::Letter;
use crate::sight::Sight;

impl World {
    /// A node sends; a liar's words are rewritten first.
    pub(super) fn send(&mut self, from: usize, to: ReplicaId, letter: Rc<Letter>) {
        let Some(liar) = self.liars.get_mut(&from) else {
            return self.post(from, to, Duration::ZERO, &letter);
        };
        for word in liar.say(Word::new(to, letter.share().clone())) {
            // What the liar left as it was need not be judged again.
            let is_same = Arc::ptr_eq(&word.message, letter.share());
            let letter = if is_same { letter.clone() } else { Letter::new(word.message) };
            self.post(from, word.to, word.after, &letter);
        }
    }

    /// To every node that is this replica: one, or twins.
    fn post(&mut self, from: usize, to: ReplicaId, after: Duration, letter: &Rc<Letter>) {
        let departs = self.queue.now().after(after);
        for index in 0..self.nodes.len() {
            if self.nodes[index].id != to {
                continue;
            }
            for at in self.network.route(departs, from, index, &mut self.counters) {
                self.queue.at(at, Event::Deliver { from, to: index, letter: letter.clone() });
            }
        }
        if self.is_twin(from) {
            self.count(TWINS, 1);
        }
    }

    pub(super) fn deliver(&mut self, from: usize, to: usize, letter: &Rc<Letter>) {
        self.delivered += 1;
        let ends = [from as u8, to as u8];
        let line = || format!("{from} → {to}  {}", Self::shown(letter));
        self.trace.note(self.queue.now(), b"mesg", &[&ends, letter.signature().as_bytes()], line);
        if self.liars.get_mut(&to).is_some_and(|liar| !liar.hear(letter.share())) {
            return;
        }
        let Some(running) = &mut self.nodes[to].running else { return };
        if let Some(verified) = letter.verified(&self.chain) {
            running.hear(verified);
            self.wake(to, self.queue.now());
        }
    }

    pub(super) fn respond(&mut self, from: usize, client: usize, about: TransactionId, response: Response) {
        if let Response::Refused(refusal) = &response
            && self.is_honest(from)
        {
            let (by, refusal) = (self.nodes[from].id, refusal.clone());
            self.see(&Sight::Refused { by, transaction: about, refusal });
        }
        let response = match self.liars.get_mut(&from) {
            Some(liar) => liar.answer(response),
            None => response,
        };
        let end = self.nodes.len() + client;
        for at in self.network.route(self.queue.now(), from, end, &mut self.counters) {
            self.queue.at(at, Event::Response { client, from, about, response: Box::new(response.clone()) });
        }
    }

    pub(super) fn response(&mut self, client: usize, from: usize, about: TransactionId, response: Response) {
        self.delivered += 1;
        let by = self.nodes[from].id;
        // A hostile client does not listen.
        let honest = self.clients.get_mut(client);
        let heard = honest.and_then(|honest| honest.hear(by, about, response, &self.rules));
        let ends = [from as u8, client as u8];
        self.trace.note(self.queue.now(), b"resp", &[&ends], || format!("{from} → client {client}"));
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
                let line = || format!("{by} executed {} with {} results", executed.seq, executed.replies.len());
                self.trace.note(at, b"exec", &parts, line);
            }
            Sight::Observed { event: Observed::Ignored { .. } | Observed::Pooled { .. }, .. } => {}
            Sight::Observed { by, event } => self.trace.note_shown(at, b"seen", format_args!("{by} {event:?}")),
            Sight::Restarted { by, executed } => {
                self.trace.note_shown(at, b"boot", format_args!("{by} restarts at {executed}"));
            }
            Sight::Forgot { by, shows } => {
                let how = if *shows { "and its disk shows it" } else { "and its disk does not show it" };
                self.trace.note_shown(at, b"lost", format_args!("{by} lost records of its votes, {how}"));
            }
            Sight::Told { answer, .. } => {
                let id = *answer.transaction.digest();
                self.trace
                    .note(at, b"told", &[id.as_bytes()], || format!("a client is told of {id:?} in {}", answer.seq));
            }
            Sight::Sent { .. } | Sight::Recorded { .. } | Sight::Executing { .. } => {}
            Sight::ToldNever { transaction } => {
                let id = *transaction.digest();
                let line = || format!("a client is told that {id:?} never executes");
                self.trace.note(at, b"nevr", &[id.as_bytes()], line);
            }
            Sight::Refused { by, transaction, refusal } => {
                let id = *transaction.digest();
                let line = || format!("{by} refuses {id:?}: {refusal}");
                self.trace.note(at, b"refu", &[&by.get().to_le_bytes(), id.as_bytes()], line);
            }
            Sight::Issued { .. }
            | Sight::Flawed { .. }
            | Sight::Held { .. }
            | Sight::Ended { .. }
            | Sight::Kept { .. } => {}
        }
    }

    /// One line about a message.
    fn shown(letter: &Letter) -> String {
        use tetrarch_types::Message as M;
        match letter.open() {
            M::PrePrepare(it) => {
                format!("{:?} of {} transactions", it.pre_prepare.payload, it.batch.transactions.len())
            }
            M::Prepare(it) => format!("{:?} of {}", it.payload, it.signer),
            M::Commit(it) => format!("{:?} of {}", it.payload, it.signer),
            M::Checkpoint(it) => format!("{:?} of {}", it.payload, it.signer),
            M::ViewChange(it) => {
                let prepared: Vec<_> = it.payload.prepared.iter().map(|it| (it.seq, it.view)).collect();
                let (view, stable) = (it.payload.view, it.payload.stable.seq);
                format!("ViewChange to {view} of {}, stable {stable}, prepared {prepared:?}", it.signer)
            }
            M::NewView(it) => {
                let proposals: Vec<_> =
                    it.payload.proposals.iter().map(|it| (it.payload.seq, it.payload.digest)).collect();
                let of: Vec<_> = it.payload.view_changes.iter().map(|it| it.signer.get()).collect();
                format!("NewView {} of {} from {of:?}: {proposals:?}", it.payload.view, it.signer)
            }
            M::Status(it) => format!("{:?} of {}", it.payload, it.signer),
            M::Fetch(it) => format!("{:?} of {}", it.payload, it.signer),
            M::Supply(it) => match &it.payload {
                tetrarch_types::Supply::Transactions(bodies) => format!("Supply of {} bodies", bodies.len()),
                tetrarch_types::Supply::Batch { batch, .. } => format!("Supply of batch {:?}", batch.digest()),
                tetrarch_types::Supply::Committed(batches) => {
                    format!("Supply of {:?}", batches.iter().map(|batch| batch.seq).collect::<Vec<_>>())
                }
                tetrarch_types::Supply::Held(it) => format!("Supply of {} votes held of {}", it.votes.len(), it.about),
                tetrarch_types::Supply::State { checkpoint, parts } => {
                    format!("Supply of {} parts of the state at {checkpoint}", parts.len())
                }
                tetrarch_types::Supply::Stable(it) => format!("Supply of the certificate at {}", it.seq),
                tetrarch_types::Supply::NoState { checkpoint } => format!("Supply of no state at {checkpoint}"),
            },
        }
    }
}

//! What the liar says of its own: it has its key, what clients sent, and the digests of what others proposed.

use tetrarch_crypto::Digest;
use tetrarch_replica::Input;
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Message, Payload, PrePrepare, Prepare, Status, Timestamp,
    Transaction, ViewChange,
};

use super::{LIAR, Run};
use crate::support::{id, seq, view};

impl Run {
    pub(super) fn lie(&mut self, kind: u8, number: u64, place: u64, choice: usize, to: usize) {
        if !self.with_liar {
            return;
        }
        let (view, seq, digest) = (view(number), seq(place), self.some_digest(choice));
        let payload = match kind {
            0 | 6 | 7 => self.proposal(number, place, choice),
            1 if self.cluster.chain.membership.primary(view) != id(LIAR) => {
                Payload::Prepare(Prepare { view, seq, digest })
            }
            2 => Payload::Commit(Commit { view, seq, digest }),
            3 => Payload::Checkpoint(Checkpoint { seq, state_root: digest }),
            4 => Payload::Status(Status {
                view,
                changing: choice.is_multiple_of(2),
                executed: seq,
                stable: seq,
                slow: choice.is_multiple_of(3),
            }),
            _ => {
                let stable = CheckpointCertificate::genesis();
                Payload::ViewChange(ViewChange { view, stable, prepared: Vec::new() })
            }
        };
        let message = self.cluster.chain.sign(payload, id(LIAR));
        // At once: lies are worth most before the truth has arrived.
        let message = self.cluster.chain.verified(message);
        self.cluster.turn(id(to), vec![Input::Message(message)]);
    }

    fn some_digest(&self, choice: usize) -> Digest {
        let proposed: Vec<Digest> = self.cluster.sent.iter().filter_map(proposed).collect();
        if proposed.is_empty() { Batch::noop().digest() } else { proposed[choice % proposed.len()] }
    }

    /// A proposal in one of the liar's own views.
    fn proposal(&self, number: u64, place: u64, choice: usize) -> Payload {
        let size = self.cluster.chain.membership.size() as u64;
        let (view, seq) = (view(number / size * size + LIAR as u64), seq(place));
        let transactions = self.asked.get(choice % self.asked.len().max(1)).map(Transaction::id).into_iter().collect();
        let timestamp = Timestamp::from_micros(self.cluster.clock(id(0)).as_micros() + place);
        let batch = Batch { timestamp, transactions };
        Payload::PrePrepare { assignment: PrePrepare { view, seq, digest: batch.digest() }, batch }
    }
}

fn proposed(message: &Message) -> Option<Digest> {
    match message {
        Message::PrePrepare(it) => Some(it.pre_prepare.payload.digest),
        _ => None,
    }
}

//! Messages out of place: again, of any kind, far away, or with a byte changed.

use tetrarch_types::{CheckpointCertificate, Message, MessageKind, SeqNum, Supply, View, decode, encode, limits};

use super::Stage;
use crate::play::speech;
use crate::play::step::{Step, Voters};
use crate::specimens;

impl Stage {
    pub(super) fn astray(&mut self, step: Step) {
        match step {
            Step::Echo { index } => {
                let again = self.node.said.get(usize::from(index) % self.node.said.len().max(1)).cloned();
                again.into_iter().for_each(|message| {
                    self.node.hear(message);
                });
            }
            Step::Stray { index } => {
                let mut all = specimens::messages(&self.node.chain);
                let message = all.swap_remove(usize::from(index) % all.len());
                if !self.is_forged(&message) {
                    self.say(message);
                }
            }
            Step::Far { kind, view, seq, voters } => self.far(kind, View::new(view), SeqNum::new(seq), voters),
            Step::Garbled { at, byte } => self.garbled(at.into(), byte),
            _ => {}
        }
    }

    /// Whether it holds something in the replica's own name, which it did not say.
    fn is_forged(&self, message: &Message) -> bool {
        let own = self.node.own();
        let is_about_own =
            matches!(message, Message::Supply(it) if matches!(&it.payload, Supply::Held(held) if held.about == own));
        message.signer() == own || is_about_own
    }

    fn far(&mut self, kind: u8, view: View, seq: SeqNum, voters: Voters) {
        let digest = self.content(view, seq, 1).0.digest();
        match kind % 4 {
            0 => self.vote(MessageKind::Prepare, (view, seq, digest), voters),
            1 => self.vote(MessageKind::Commit, (view, seq, digest), voters),
            2 => self.vote(MessageKind::Checkpoint, (view, SeqNum::new(seq.get() & !1), digest), voters),
            _ => {
                let (seq, stable) = (SeqNum::new(seq.get() & !1), CheckpointCertificate::genesis());
                let stable = if view.get() & 1 == 0 { stable } else { self.node.chain.stable(seq, digest) };
                for voter in self.others(voters) {
                    let change = speech::view_change(&self.node, view, stable.clone(), None);
                    let signed = self.node.chain.signed(change, voter);
                    self.say(Message::ViewChange(signed));
                }
            }
        }
    }

    /// A byte of a signed message changed: whatever decodes, the verifier refuses it, or it is the message that it was.
    fn garbled(&mut self, at: usize, byte: u8) {
        let Some(before) = self.last.clone() else { return };
        let mut bytes = encode(&before);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(message) = decode::<Message>(&bytes, limits::MAX_BULK_BYTES) {
            let is_heard = self.node.hear(message.clone());
            assert!(!is_heard || message == before, "a changed message is believed: {message:?}");
        }
    }
}

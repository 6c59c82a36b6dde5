//! Checkpoints, and what others tell of the replica when it comes back.

use tetrarch_types::{Held, Message, MessageKind, ReplicaId, SeqNum, Supply, View};

use super::Stage;
use crate::play::speech;
use crate::play::step::{Step, Voters};

impl Stage {
    pub(super) fn checkpoints(&mut self, step: Step) {
        match step {
            Step::Checkpoints { seq, root, voters } => {
                let seq = self.checkpoint(seq);
                let place = (View::ZERO, seq, self.root(seq, root));
                self.vote(MessageKind::Checkpoint, place, voters);
            }
            Step::Stable { seq, root } => {
                let stable = self.stable(self.checkpoint(seq), root);
                self.supply(Supply::Stable(stable));
            }
            Step::NoState { seq } => self.supply(Supply::NoState { checkpoint: self.checkpoint(seq) }),
            Step::Held { .. } if self.is_truthful => self.tell_all(),
            Step::Held { voters, stable, leaves } => {
                let seq = if stable < 128 { SeqNum::ZERO } else { self.checkpoint(stable) };
                for voter in self.others(voters) {
                    let held = speech::held(&self.node, self.stable(seq, 0), leaves);
                    self.tell(held, voter);
                }
            }
            _ => {}
        }
    }

    /// What honest members do: its NEW-VIEWs as they were, then all that they hold of it above the last checkpoint that was stable.
    fn tell_all(&mut self) {
        for message in self.node.said.clone() {
            if matches!(message, Message::NewView(_)) {
                self.node.hear(message);
            }
        }
        for voter in self.others(Voters::MAX) {
            let held = speech::held(&self.node, self.node.last_stable.clone(), 0);
            self.tell(held, voter);
        }
    }

    fn tell(&mut self, held: Held, voter: ReplicaId) {
        let supply = self.node.chain.signed(Supply::Held(held), voter);
        self.say(Message::Supply(supply));
    }
}

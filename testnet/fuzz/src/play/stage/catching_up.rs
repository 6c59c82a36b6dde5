//! Where the others stand, what was decided without the replica, and questions to it.

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_types::{Fetch, Message, Status, Supply, Transaction};

use super::Stage;
use crate::chain::WINDOW;
use crate::play::speech;
use crate::play::step::{Above, Choice, Step};

impl Stage {
    pub(super) fn catching_up(&mut self, step: Step) {
        match step {
            Step::Status { view, changing, executed, stable, voters } => {
                let (view, executed, stable) = (self.view(view), self.seq(executed), self.checkpoint(stable));
                for voter in self.others(voters) {
                    let status = Status { view, changing, executed, stable, slow: !changing };
                    let message = Message::Status(self.node.chain.signed(status, voter));
                    self.say(message);
                }
            }
            Step::Committed { count, content } => self.committed(count, content),
            Step::Bodies { seq, content, whole } => {
                let (batch, transactions) = self.content(self.view(0), self.seq(seq), content);
                let whole = whole.then_some(batch);
                self.supply(match whole {
                    Some(batch) => Supply::Batch { batch, transactions },
                    None => Supply::Transactions(transactions),
                });
            }
            Step::Ask { from, kind, seq } => self.ask(from, kind, seq),
            _ => {}
        }
    }

    fn committed(&mut self, count: u8, choice: Choice) {
        let (view, first) = (self.view(0), self.node.machine.executed.next());
        let batches = (0..u64::from(count) % (WINDOW + 2)).map(|offset| {
            let seq = first.plus(offset);
            speech::committed(&self.node, view, seq, self.content(view, seq, choice))
        });
        let batches = batches.collect();
        self.supply(Supply::Committed(batches));
    }

    fn ask(&mut self, from: u8, kind: u8, seq: Above) {
        let (batch, bodies) = self.content(self.view(0), self.seq(seq), 0);
        let fetch = match kind % 5 {
            0 => Fetch::Transactions(bodies.iter().map(Transaction::id).collect()),
            1 => Fetch::Batch(batch.digest()),
            2 => Fetch::Committed { after: self.seq(seq) },
            3 => Fetch::Held { start: kind.into() },
            _ => Fetch::State { checkpoint: self.checkpoint(seq), parts: vec![Prefix::ROOT], rows_up_to: 1 },
        };
        let from = speech::other(&self.node, from.into());
        let message = speech::fetch(&self.node, fetch, from);
        self.say(message);
    }
}

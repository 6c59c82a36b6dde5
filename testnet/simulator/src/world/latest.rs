//! The latest commands in the one order, and what came of them: the first thing to look at when a machine is wrong.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use tetrarch_kv::Executed;
use tetrarch_types::{CommittedBatch, Outcome, SeqNum};

use crate::sight::Sight;
use crate::workload::Workload;

/// Commands that are remembered.
const REMEMBERED: usize = 8;

/// See the module. Of every batch, what the honest replica says that executed it first.
#[derive(Default)]
pub(super) struct Latest {
    /// Batches that nobody has executed.
    decided: BTreeMap<SeqNum, Rc<CommittedBatch>>,
    seq: SeqNum,
    commands: VecDeque<(SeqNum, Vec<u8>, Outcome)>,
}

impl Latest {
    pub(super) fn see(&mut self, sight: &Sight) {
        match sight {
            Sight::Executing { batch, .. } if batch.seq > self.seq => {
                self.decided.insert(batch.seq, batch.clone());
            }
            Sight::Executed { executed, .. } if executed.seq > self.seq => self.executed(executed),
            _ => {}
        }
    }

    fn executed(&mut self, executed: &Executed) {
        self.seq = executed.seq;
        let batch = self.decided.remove(&executed.seq);
        self.decided = self.decided.split_off(&executed.seq);
        let commands: BTreeMap<_, _> =
            batch.iter().flat_map(|batch| &batch.transactions).map(|it| (it.id(), it)).collect();
        for reply in &executed.replies {
            if let Some(transaction) = commands.get(&reply.transaction) {
                let command = transaction.body.command.clone();
                self.commands.push_back((executed.seq, command, reply.outcome.clone()));
            }
        }
        let surplus = self.commands.len().saturating_sub(REMEMBERED);
        self.commands.drain(..surplus);
    }

    /// One line for each command, the latest last.
    pub(super) fn lines(&self, workload: &dyn Workload) -> Vec<String> {
        let line = |(seq, command, outcome): &(SeqNum, Vec<u8>, Outcome)| {
            let came = match outcome {
                Outcome::Executed(result) => workload.show_result(result),
                other => format!("{other:?}"),
            };
            format!("batch {seq}: {} → {came}", workload.show_command(command))
        };
        self.commands.iter().map(line).collect()
    }
}

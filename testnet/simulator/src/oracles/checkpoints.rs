//! Equal roots: at one checkpoint there is one state root, executed, signed and certified.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_replica::{Event, Record};
use tetrarch_types::{Message, SeqNum};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Checkpoints(BTreeMap<SeqNum, Digest>);

impl Checkpoints {
    fn root(&mut self, seq: SeqNum, root: Digest, what: &str) -> Verdict {
        let held = *self.0.entry(seq).or_insert(root);
        ensure(held == root, || format!("the checkpoint at {seq} is {what} with root {root:?} and has root {held:?}"))
    }
}

impl Oracle for Checkpoints {
    fn name(&self) -> &'static str {
        "equal-roots"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executed { executed, .. } => match executed.checkpoint {
                Some(root) => self.root(executed.seq, root, "executed"),
                None => Ok(()),
            },
            Sight::Sent { message, .. } => match message.open() {
                Message::Checkpoint(signed) => self.root(signed.payload.seq, signed.payload.state_root, "signed"),
                _ => Ok(()),
            },
            Sight::Recorded { record: Record::Stable(it), .. } => self.root(it.seq, it.state_root, "stable"),
            Sight::Observed { event: Event::Stable { seq, state_root }, .. } => self.root(*seq, *state_root, "stable"),
            _ => Ok(()),
        }
    }
}

//! No honest replica forgets a COMMIT: its VIEW-CHANGEs carry the prepared certificate of whatever it committed above its stable
//! checkpoint, or one of a later view. Decisions survive view changes by nothing else.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_types::{Message, ReplicaId, SeqNum, View, ViewChange};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Memory {
    /// The COMMIT of the highest view, for each replica and number.
    committed: BTreeMap<(ReplicaId, SeqNum), (View, Digest)>,
}

impl Memory {
    fn commit(&mut self, by: ReplicaId, seq: SeqNum, view: View, digest: Digest) {
        let held = self.committed.entry((by, seq)).or_insert((view, digest));
        if view > held.0 {
            *held = (view, digest);
        }
    }

    fn check(&self, by: ReplicaId, it: &ViewChange) -> Verdict {
        let above = (by, it.stable.seq.next())..=(by, SeqNum::new(u64::MAX));
        for ((_, seq), (view, digest)) in self.committed.range(above).filter(|(_, (view, _))| *view < it.view) {
            let carried = it.prepared.iter().find(|certificate| certificate.seq == *seq);
            let holds = carried.is_some_and(|it| it.view > *view || (it.view == *view && it.digest == *digest));
            ensure(holds, || {
                let moved = it.view;
                format!(
                    "replica {by} committed {digest:?} at {seq} in view {view}; its VIEW-CHANGE to {moved} hides it"
                )
            })?;
        }
        Ok(())
    }
}

impl Oracle for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        if let Sight::Forgot { by, .. } = sight {
            // What it committed is gone with its records; that it is silent instead is for `silence` to see.
            self.committed.retain(|(of, _), _| of != by);
        }
        let Sight::Sent { by, message } = sight else { return Ok(()) };
        match message.open() {
            Message::Commit(signed) if signed.signer == *by => {
                let it = signed.payload;
                self.commit(*by, it.seq, it.view, it.digest);
                Ok(())
            }
            Message::ViewChange(signed) if signed.signer == *by => self.check(*by, &signed.payload),
            _ => Ok(()),
        }
    }
}

//! No honest replica votes above its high watermark: the window's length above the last checkpoint that it recorded as stable. What it
//! keeps of agreement is bounded by nothing else.

use std::collections::BTreeMap;

use tetrarch_replica::Record;
use tetrarch_types::{Message, ReplicaId, SeqNum};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Watermarks {
    stable: BTreeMap<ReplicaId, SeqNum>,
}

impl Oracle for Watermarks {
    fn name(&self) -> &'static str {
        "watermarks"
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::Recorded { by, record: Record::Stable(certificate) } => {
                let stable = self.stable.entry(*by).or_default();
                *stable = (*stable).max(certificate.seq);
                Ok(())
            }
            Sight::Sent { by, message } if message.open().signer() == *by => {
                let Some(seq) = voted(message.open()) else { return Ok(()) };
                let low = self.stable.get(by).copied().unwrap_or_default();
                ensure(seq.get() <= low.get() + rules.window, || {
                    let kind = message.open().kind();
                    format!("{kind:?} of replica {by} is for {seq}, with its stable checkpoint at {low}")
                })
            }
            _ => Ok(()),
        }
    }
}

const fn voted(message: &Message) -> Option<SeqNum> {
    match message {
        Message::PrePrepare(proposal) => Some(proposal.pre_prepare.payload.seq),
        Message::Prepare(signed) => Some(signed.payload.seq),
        Message::Commit(signed) => Some(signed.payload.seq),
        _ => None,
    }
}

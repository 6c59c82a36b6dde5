//! Who lost records of its votes and can see that says nothing in agreement until it is cured; and nobody believes to have lost
//! records who has not (rules ).

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_replica::Record;
use tetrarch_types::{Message, MessageKind, ReplicaId, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// How a replica that lost records stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Its disk shows the loss: it must be silent.
    Silent,
    /// Only others can tell it.
    Unaware,
    /// It was cured.
    Cured,
}

/// See the module.
#[derive(Default)]
pub(super) struct Silence {
    standings: BTreeMap<ReplicaId, Standing>,
    /// NEW-VIEWs that were sent: others hand them back, and whoever lacks them is passed them on.
    started: BTreeSet<(ReplicaId, View)>,
}

impl Oracle for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Forgot { by, shows } => {
                let was_silent = self.standings.get(by) == Some(&Standing::Silent);
                let standing = if *shows { Standing::Silent } else { Standing::Unaware };
                // A second loss, however it looks, may take the note of the first one with it.
                let standing = if was_silent && !*shows { Standing::Unaware } else { standing };
                self.standings.insert(*by, standing);
                Ok(())
            }
            Sight::Recorded { by, record: Record::Lost } => ensure(self.standings.contains_key(by), || {
                format!("replica {by} believes that records are gone, and none are")
            }),
            Sight::Recorded { by, record: Record::Cured } => {
                self.standings.insert(*by, Standing::Cured);
                Ok(())
            }
            Sight::Sent { by, message } if message.open().signer() == *by && is_agreement(message.open()) => {
                let is_known = match message.open() {
                    Message::NewView(signed) => !self.started.insert((*by, signed.payload.view)),
                    _ => false,
                };
                let is_silent = self.standings.get(by) == Some(&Standing::Silent);
                ensure(is_known || !is_silent, || {
                    format!("replica {by} lost its records and says {:?}", message.open().kind())
                })
            }
            _ => Ok(()),
        }
    }
}

const fn is_agreement(message: &Message) -> bool {
    matches!(
        message.kind(),
        MessageKind::PrePrepare
            | MessageKind::Prepare
            | MessageKind::Commit
            | MessageKind::ViewChange
            | MessageKind::NewView
    )
}

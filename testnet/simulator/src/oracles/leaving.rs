//! A view is left for its primary to give way (rule V-10) by a replica only that has executed a batch which asks for that, and for the
//! next view.

use std::collections::BTreeSet;

use tetrarch_replica::{Event, ViewChangeReason};
use tetrarch_types::{ReplicaId, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// Which views each replica was asked to leave, by what it executed. See the module.
#[derive(Default)]
pub(super) struct Leaving(BTreeSet<(ReplicaId, View)>);

impl Oracle for Leaving {
    fn name(&self) -> &'static str {
        "leaving"
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Executed { by, executed } => self.0.extend(executed.leaves.map(|view| (*by, view))),
            Sight::Observed { by, event: Event::ViewChangeStarted { view, reason: ViewChangeReason::Asked } } => {
                let is_asked =
                    self.0.iter().any(|(asked, left)| asked == by && left.get().checked_add(1) == Some(view.get()));
                ensure(is_asked, || {
                    format!("replica {by} moves to view {view}, and nothing asked it to leave the one before")
                })?;
            }
            _ => {}
        }
        Ok(())
    }
}

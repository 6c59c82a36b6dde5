//! VIEW-CHANGEs and NEW-VIEWs.

use tetrarch_types::{Message, ReplicaId, Signed, View, ViewChange};

use super::Stage;
use crate::play::speech;
use crate::play::step::Step;

impl Stage {
    pub(super) fn views(&mut self, step: Step) {
        match step {
            Step::ViewChanges { view, voters, shows } => {
                for voter in self.others(voters) {
                    let signed = self.view_change(self.moved(view), shows, voter);
                    self.say(Message::ViewChange(signed));
                }
            }
            Step::NewView { view, voters, lie } => {
                let view = self.moved(view);
                if self.is_own(view) {
                    return;
                }
                let movers = self.others(voters | 0xf0).into_iter().chain(self.others(!voters));
                let mut movers: Vec<ReplicaId> = movers.take(self.node.chain.membership.quorum()).collect();
                movers.sort_unstable();
                movers.dedup();
                let view_changes = movers.into_iter().map(|mover| self.view_change(view, lie & 1 == 0, mover));
                let message = speech::new_view(&self.node, view, view_changes.collect(), lie);
                self.say(message);
            }
            _ => {}
        }
    }

    fn view_change(&self, view: View, shows: bool, mover: ReplicaId) -> Signed<ViewChange> {
        let stable = self.node.replica.stable().clone();
        let change = speech::view_change(&self.node, view, stable, shows.then_some(&self.assigned));
        self.node.chain.signed(change, mover)
    }
}

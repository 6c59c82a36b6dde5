//! Faults: when they strike, and what they do.

use std::time::Duration;

use super::event::Event;
use super::{Phase, World};
use crate::faults::{Action, NodeTrouble, Scene};

impl World {
    pub(super) fn schedule_troubles(&mut self) {
        for which in 0..self.drawn.node_troubles.len() {
            self.schedule_trouble(which);
        }
    }

    fn schedule_trouble(&mut self, which: usize) {
        let (_, pace) = self.drawn.node_troubles[which];
        let wait = self.rng.span(Duration::from_millis(1), pace * 2);
        self.queue.after(wait, Event::Trouble { which });
    }

    pub(super) fn trouble(&mut self, which: usize) {
        if self.phase != Phase::Faulty {
            return;
        }
        let (trouble, _) = self.drawn.node_troubles[which];
        let scene = self.scene();
        for action in trouble.strike(&scene, &mut self.rng) {
            self.act(trouble, action);
        }
        self.schedule_trouble(which);
    }

    fn scene(&self) -> Scene {
        Scene {
            up: self.nodes.iter().map(|node| node.running.is_some()).collect(),
            primary: self.likely_primary(),
            liars: self.rules.liars.iter().map(|liar| liar.index()).collect(),
            timeout: self.drawn.base_timeout,
        }
    }

    /// The primary of the highest view that an honest replica is in.
    pub(super) fn likely_primary(&self) -> usize {
        let honest = (0..self.nodes.len()).filter(|node| self.is_honest(*node));
        let view = honest.filter_map(|node| self.nodes[node].status()).map(|status| status.view).max();
        self.chain.membership.primary(view.unwrap_or_default()).index()
    }

    fn act(&mut self, trouble: NodeTrouble, action: Action) {
        let shown = format!("{}: {action:?}", trouble.name());
        self.trace.note(self.queue.now(), b"trbl", &[shown.as_bytes()], || shown.clone());
        match action {
            Action::Crash { node, down } => {
                if self.nodes[node].running.is_some() {
                    self.count(trouble.name(), 1);
                    self.crash(node, down);
                }
            }
            Action::Harm { node, harm, down } => self.harm(node, harm, down),
            // Counted when it comes to it.
            Action::CrashInTurn { node, point, down } => self.nodes[node].doomed = Some((point, down)),
            Action::Cut { links, lasting } => {
                self.count(trouble.name(), 1);
                self.network.cut(&links);
                self.queue.after(lasting, Event::Mend { links });
            }
            Action::Pause { node, lasting } => {
                self.count(trouble.name(), 1);
                self.nodes[node].paused_until = self.now().after(lasting);
            }
        }
    }
}

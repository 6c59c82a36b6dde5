//! Faults: when they strike, and what they do.

use std::time::Duration;

use super::event::Event;
use super::{Phase, World};
use crate::faults::{Action, NodeTrouble, Scene};
use crate::recording::{Cut, Mark, What};

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

    pub(super) fn cut(&mut self, which: usize) {
        let cut = self.drawn.cuts[which].clone();
        self.trace.note_shown(self.queue.now(), b"plan", format_args!("cut {:?}", cut.links));
        self.network.cut(&cut.links);
        self.queue.after(cut.lasting, Event::Mend { links: cut.links });
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
        self.trace.note(self.queue.now(), b"trbl", &[shown.as_bytes()]);
        self.trace.record(self.queue.now(), || record(trouble, &action, shown));
        match action {
            Action::Crash { node, down } => {
                if self.nodes[node].running.is_some() {
                    self.strike(trouble, node);
                    self.crash(node, down);
                }
            }
            Action::Harm { node, harm, down } => self.harm(node, harm, down),
            Action::Storm { node, times } => self.storm(node, times),
            Action::LoseFsyncs { node, lasting, down } => self.lose_fsyncs(node, lasting, down),
            Action::Fill { node, point, down } => self.fill(node, point, down),
            // Counted with each fsync.
            Action::SlowDisk { node, lasting } => self.nodes[node].slow_until = self.now().after(lasting),
            Action::SetClock { node, ahead, lasting } => self.set_clock(node, ahead, lasting),
            Action::FreezeClock { node, lasting } => self.freeze_clock(node, lasting),
            // Counted with each message that does not pass.
            Action::Starve { links, every, lasting } => {
                self.network.starve(&links, every);
                self.queue.after(lasting, Event::Feed { links });
            }
            // Counted when it comes to it.
            Action::CrashInTurn { node, point, down } => self.nodes[node].doomed = Some((point, down)),
            Action::Cut { links, lasting } => {
                self.count(trouble.name(), 1);
                self.network.cut(&links);
                self.queue.after(lasting, Event::Mend { links });
            }
            Action::Pause { node, lasting } => {
                self.strike(trouble, node);
                let until = self.now().after(lasting);
                self.nodes[node].paused_until = until;
                let text = || format!("replica {node} stands still for {lasting:?}");
                self.trace.record(self.queue.now(), || What::at_node(node, Mark::Paused { until }, text()));
            }
        }
    }

    /// A fault strikes a node: it is counted only now, since not every one that is tried finds what it needs.
    pub(super) fn strike(&mut self, trouble: NodeTrouble, node: usize) {
        let fault = trouble.name();
        self.count(fault, 1);
        let text = || format!("{fault} strikes replica {node}");
        self.trace.record(self.queue.now(), || What::at_node(node, Mark::Fault(fault), text()));
    }
}

fn record(trouble: NodeTrouble, action: &Action, text: String) -> What {
    let fault = trouble.name();
    match action {
        Action::Cut { links, lasting } => What::Cut(Cut { fault, links: links.clone(), lasting: *lasting }),
        Action::Starve { links, lasting, .. } => What::Cut(Cut { fault, links: links.clone(), lasting: *lasting }),
        Action::Crash { node, .. }
        | Action::CrashInTurn { node, .. }
        | Action::Storm { node, .. }
        | Action::LoseFsyncs { node, .. }
        | Action::Fill { node, .. }
        | Action::SlowDisk { node, .. }
        | Action::Harm { node, .. }
        | Action::SetClock { node, .. }
        | Action::FreezeClock { node, .. }
        | Action::Pause { node, .. } => What::at_node(*node, Mark::Saw, text),
    }
}

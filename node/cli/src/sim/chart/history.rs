//! What lasts: when nodes were down or stood still, when links were cut, when faults ended.

use std::collections::BTreeMap;

use tetrarch_simulator::Report;
use tetrarch_simulator::recording::{Cut, Entry, Mark, Party, What};
use tetrarch_types::Time;

/// What lasted in a whole run.
#[derive(Default)]
pub(super) struct History<'a> {
    pub(super) spans: Vec<Span>,
    pub(super) cuts: Vec<Severed<'a>>,
    pub(super) healed: Option<Time>,
}

/// A node that does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) node: usize,
    pub(super) from: Time,
    pub(super) to: Time,
    /// Its power is off; otherwise it stands still.
    pub(super) is_down: bool,
}

/// Links that carry nothing.
pub(super) struct Severed<'a> {
    pub(super) cut: &'a Cut,
    pub(super) from: Time,
    pub(super) to: Time,
}

impl<'a> History<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let end = Time::ZERO.after(report.simulated);
        let healed = report.trace.iter().find(|entry| entry.what == What::Healed).map(|entry| entry.at);
        let mut history = Self { healed, ..Self::default() };
        let mut open = BTreeMap::new();
        for entry in &report.trace {
            history.add(entry, &mut open);
        }
        history.spans.extend(open.into_iter().map(|(node, from)| Span { node, from, to: end, is_down: true }));
        history
    }

    /// `open`: the nodes that are down, and since when.
    fn add(&mut self, entry: &'a Entry, open: &mut BTreeMap<usize, Time>) {
        let from = entry.at;
        let until_healed = |to: Time| self.healed.map_or(to, |healed| to.min(healed)).max(from);
        match &entry.what {
            What::Cut(cut) => {
                let to = until_healed(from.after(cut.lasting));
                self.cuts.push(Severed { cut, from, to });
            }
            What::Mark { at: Party::Node(node), mark: Mark::Paused { until }, .. } => {
                let to = until_healed(*until);
                self.spans.push(Span { node: *node, from, to, is_down: false });
            }
            What::Mark { at: Party::Node(node), mark: Mark::Down, .. } => {
                self.wake(*node, from);
                open.entry(*node).or_insert(from);
            }
            What::Mark { at: Party::Node(node), mark: Mark::Up, .. } => {
                let since = open.remove(node).unwrap_or(Time::ZERO);
                self.spans.push(Span { node: *node, from: since, to: from, is_down: true });
            }
            _ => {}
        }
    }

    /// A crash ends every pause.
    fn wake(&mut self, node: usize, at: Time) {
        let paused = self.spans.iter_mut().filter(|span| span.node == node && !span.is_down);
        paused.for_each(|span| span.to = span.to.min(at));
    }

    /// Whether a node is down at a moment.
    pub(super) fn is_down(&self, party: Party, at: Time) -> bool {
        let Party::Node(node) = party else { return false };
        self.spans.iter().any(|span| span.is_down && span.node == node && span.from <= at && at < span.to)
    }
}

//! All that is to be seen in one part of a run.

use std::collections::BTreeSet;

use tetrarch_simulator::Report;
use tetrarch_simulator::recording::{Entry, Fate, Party, Passage};

use super::choice::Choice;
use super::history::History;
use super::speech::{Remark, Utterance};
use super::window::{Window, passages};

/// No chart has more messages than this: neither browsers nor people would follow.
const MOST_MESSAGES: usize = 5_000;

/// Everything that is shown.
pub(super) struct Scene<'a> {
    pub(super) report: &'a Report,
    /// The line that replays the run.
    pub(super) replay: String,
    pub(super) window: Window,
    pub(super) lanes: Vec<Lane>,
    pub(super) utterances: Vec<Utterance<'a>>,
    pub(super) remarks: Vec<Remark<'a>>,
    pub(super) history: History<'a>,
    /// The entries that all of this was made of, messages by their arrival.
    entries: Vec<&'a Entry>,
    /// Messages that there was no room for.
    pub(super) left_out: usize,
}

/// A client or a replica.
pub(super) struct Lane {
    pub(super) party: Party,
    pub(super) name: String,
    /// The ways in which it lies.
    pub(super) lies: Vec<&'static str>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(report: &'a Report, replay: String, window: Window, choice: &Choice) -> Self {
        let mut shown: Vec<&Passage> =
            passages(report).filter(|it| choice.takes(it) && is_in_part(it, &window)).collect();
        shown.sort_by_key(|passage| passage.left);
        let left_out = shown.len().saturating_sub(MOST_MESSAGES);
        // The end is what matters in a run that fails.
        let shown = if report.failure.is_some() { shown.split_off(left_out) } else { shown };
        let shown: Vec<&Passage> = shown.into_iter().take(MOST_MESSAGES).collect();
        let entries: Vec<&Entry> =
            report.trace.iter().filter(|it| window.has(it.at) && choice.takes_entry(it)).collect();
        let lanes = lanes(report, choice, &shown);
        let remarks = Remark::gather(entries.iter().copied());
        let utterances = Utterance::gather(shown);
        let history = History::of(report);
        Self { report, replay, window, lanes, utterances, remarks, history, entries, left_out }
    }

    /// Messages that are shown.
    pub(super) fn messages(&self) -> usize {
        self.utterances.iter().map(|utterance| utterance.passages.len()).sum()
    }

    /// What happened in lines.
    pub(super) fn lines(&self) -> String {
        self.entries.iter().map(|entry| format!("{entry}\n")).collect()
    }
}

/// Whether it leaves or arrives in the part that is shown.
fn is_in_part(passage: &Passage, window: &Window) -> bool {
    window.has(passage.left) || matches!(passage.fate, Fate::Arrived(at) if window.has(at))
}

/// Clients that say or hear something, and all replicas that the caller wants to see.
fn lanes(report: &Report, choice: &Choice, shown: &[&Passage]) -> Vec<Lane> {
    let ends: BTreeSet<Party> = shown.iter().flat_map(|passage| [passage.from, passage.to]).collect();
    let clients = 0..report.drawn.clients + report.drawn.hostile.len();
    let clients = clients.map(Party::Client).filter(|client| ends.contains(client));
    let nodes = (0..report.drawn.replicas().count()).map(Party::Node).filter(|node| choice.has(*node));
    clients.chain(nodes).map(|party| lane(report, party)).collect()
}

fn lane(report: &Report, party: Party) -> Lane {
    match party {
        Party::Client(client) => client_lane(report, client),
        Party::Node(node) => node_lane(report, node),
    }
}

/// Hostile clients are numbered behind the honest ones.
fn client_lane(report: &Report, client: usize) -> Lane {
    let party = Party::Client(client);
    let hostile = client.checked_sub(report.drawn.clients).and_then(|which| report.drawn.hostile.get(which));
    match hostile {
        None => Lane { party, name: party.to_string(), lies: Vec::new() },
        Some((which, kinds)) => {
            Lane { party, name: format!("hostile {which}"), lies: kinds.iter().map(|kind| kind.name()).collect() }
        }
    }
}

fn node_lane(report: &Report, node: usize) -> Lane {
    let party = Party::Node(node);
    let replica = report.drawn.replicas().nth(node).unwrap_or(node);
    let liars = report.drawn.liars.iter().filter(|(liar, _)| *liar == node);
    let lies = liars.flat_map(|(_, lies)| lies).map(|lie| lie.name());
    let twin = report.drawn.twins.contains(&replica).then_some("twin");
    let second = if node == replica { "" } else { "'" };
    Lane { party, name: format!("replica {replica}{second}"), lies: lies.chain(twin).collect() }
}

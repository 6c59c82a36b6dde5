//! What one replica never takes back: a record stands in front of everything that it says, and no two contradict each other.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::{Digest, Domain};
use tetrarch_replica::Record;
use tetrarch_types::{
    Message, MessageKind, NewView, Payload, PrePrepare, ReplicaId, SeqNum, Signed, View, ViewChange, encode,
};

use super::certificates::primary;
use crate::chain::WINDOW;

/// A kind of statement, and what it is about.
type Place = (MessageKind, View, SeqNum);

/// Sees every record and every statement of a replica, in the order of its effects.
pub(crate) struct Witness {
    own: ReplicaId,
    size: usize,
    /// What its durable records let it say. An honest journal has one entry a place.
    shown: BTreeMap<Place, BTreeSet<Digest>>,
    /// What it wrote down of drafts since: it may prepare that, if it prepares nothing else there.
    drafts: BTreeMap<Place, Digest>,
    /// The highest view that it moved to or entered: it says nothing below any more.
    view: View,
    moves: BTreeSet<View>,
    stable: SeqNum,
    silent: bool,
    /// What it said, or had on record, before it forgot where it was. It may say that again in views that it left: whoever could be
    /// misled by it had heard it then, or its VIEW-CHANGE shows it.
    again: BTreeSet<(Place, Digest)>,
    moves_again: BTreeSet<View>,
    /// Numbers that an invented journal has outside of its window, where nobody votes.
    unheard_of: BTreeSet<SeqNum>,
    /// Votes that it gave.
    pub(crate) votes: usize,
}

impl Witness {
    /// A witness of what a replica of a chain of `size` does from here on, knowing its journal.
    pub(crate) fn new(own: ReplicaId, size: usize, journal: &[Record]) -> Self {
        let mut witness = Self {
            own,
            size,
            shown: BTreeMap::new(),
            drafts: BTreeMap::new(),
            view: View::ZERO,
            moves: BTreeSet::new(),
            stable: SeqNum::ZERO,
            silent: false,
            again: BTreeSet::new(),
            moves_again: BTreeSet::new(),
            unheard_of: BTreeSet::new(),
            votes: 0,
        };
        for record in journal {
            // Whether a PREPARE followed a draft is not known: it may have.
            for (place, digest) in witness.promises(record).into_iter().chain(witness.draft(record)) {
                witness.shown.entry(place).or_default().insert(digest);
            }
            // In an invented journal these may stand alone.
            let alone = match record {
                Record::Prepared(it) => Some(((MessageKind::Prepare, it.view, it.seq), it.digest)),
                Record::Accepted { view, seq, batch, .. } if primary(size, *view) == own => {
                    Some(((MessageKind::PrePrepare, *view, *seq), batch.digest()))
                }
                _ => None,
            };
            if let Some((place, digest)) = alone {
                witness.shown.entry(place).or_default().insert(digest);
            }
            witness.follow(record);
        }
        let high = witness.stable.plus(WINDOW);
        witness.unheard_of = witness.shown.keys().map(|(.., seq)| *seq).filter(|seq| *seq > high).collect();
        witness
    }

    /// Also knows what the replica said, whether or not its records show it. Whom the answers show a checkpoint they tell nothing of its votes
    /// at or below: it says nothing there any more (rule A-4), but learns from none of them in which views it spoke.
    pub(crate) fn remembering(mut self, said: &[Message], stable: SeqNum) -> Self {
        for message in said {
            let (view, stated) = statements(message);
            let is_told = |(kind, _, seq): &Place| *kind == MessageKind::NewView || *seq > stable;
            if stated.is_empty() || stated.iter().any(|(place, _)| is_told(place)) {
                self.view = self.view.max(view);
            }
            for (place, digest) in stated {
                self.shown.entry(place).or_default().insert(digest);
            }
        }
        self.moves_again = self.moves.clone();
        self.again = self.shown.iter().flat_map(|(place, all)| all.iter().map(|digest| (*place, *digest))).collect();
        self
    }

    /// The low watermark, by the records.
    pub(crate) const fn stable(&self) -> SeqNum {
        self.stable
    }

    /// A new record becomes durable.
    pub(crate) fn record(&mut self, record: &Record) {
        if let Some((place, digest)) = self.draft(record) {
            assert!(!self.silent, "a silent replica writes {record:?} down");
            let before = self.drafts.insert(place, digest);
            assert_eq!(before, None, "a second draft at {place:?}");
        }
        let promises = self.promises(record);
        for (place, digest) in promises {
            let there = self.shown.entry(place).or_default();
            let is_first = there.is_empty() || self.unheard_of.contains(&place.2);
            assert!(is_first || there.contains(&digest), "{place:?} is promised a second time: {record:?}");
            // Rule A-2. Which view it entered the others may tell it, though it was its own, and say again how it was started.
            let is_new = self.silent && !matches!(record, Record::Entered(_));
            assert!(!is_new || there.contains(&digest), "a silent replica promises {record:?}");
            there.insert(digest);
        }
        self.follow(record);
    }

    /// It says something; anything but statements is its own matter.
    pub(crate) fn said(&mut self, message: &Message) {
        match message {
            Message::PrePrepare(it) => {
                let PrePrepare { view, seq, digest } = it.pre_prepare.payload;
                self.vote((message.kind(), view, seq), digest);
                assert_eq!(it.batch.digest(), digest);
            }
            Message::Prepare(it) => self.vote((message.kind(), it.payload.view, it.payload.seq), it.payload.digest),
            Message::Commit(it) => self.vote((message.kind(), it.payload.view, it.payload.seq), it.payload.digest),
            Message::ViewChange(it) => self.view_change(&it.payload),
            Message::NewView(it) => {
                let place = (MessageKind::NewView, it.payload.view, SeqNum::ZERO);
                self.is_shown(place, content(&it.payload));
            }
            Message::Checkpoint(_) | Message::Status(_) | Message::Fetch(_) | Message::Supply(_) => {}
        }
    }

    fn is_shown(&self, place: Place, digest: Digest) {
        let shown = self.shown.get(&place).is_some_and(|there| there.contains(&digest));
        assert!(shown, "{place:?} is said and no durable record shows it");
    }

    fn vote(&mut self, place: Place, digest: Digest) {
        let (_, view, seq) = place;
        if self.drafts.get(&place) == Some(&digest) && !self.shown.contains_key(&place) {
            self.shown.entry(place).or_default().insert(digest);
        }
        self.is_shown(place, digest);
        let is_again = self.again.contains(&(place, digest));
        assert!(view >= self.view || is_again, "{place:?} is said after moving to view {}", self.view);
        let high = self.stable.plus(WINDOW);
        assert!(seq > self.stable && seq <= high, "{place:?} lies outside of {} to {high}", self.stable);
        self.votes += 1;
    }

    /// Rule V-3: everything that it committed to above the checkpoint is in it.
    fn view_change(&self, it: &ViewChange) {
        assert!(self.moves.contains(&it.view), "a VIEW-CHANGE to {} without a durable record", it.view);
        let is_again = self.moves_again.contains(&it.view);
        assert!(it.view >= self.view || is_again, "a VIEW-CHANGE to {} after moving to {}", it.view, self.view);
        let is_commit_below = |(kind, view, _): &Place| *kind == MessageKind::Commit && *view < it.view;
        let commits = self.shown.iter().filter(|(place, _)| is_commit_below(place));
        let commits = commits.filter(|((.., seq), _)| !self.unheard_of.contains(seq));
        for ((_, view, seq), digests) in commits.filter(|((.., seq), _)| *seq > it.stable.seq) {
            let found = it.prepared.iter().find(|certificate| certificate.seq == *seq);
            let covers = found.is_some_and(|it| it.view > *view || (it.view == *view && digests.contains(&it.digest)));
            assert!(covers, "committed at {seq} in {view}, not in {it:?}");
        }
    }

    fn follow(&mut self, record: &Record) {
        match record {
            Record::ViewChanging { view } => {
                self.moves.insert(*view);
                self.view = self.view.max(*view);
            }
            Record::Entered(new_view) => self.view = self.view.max(new_view.payload.view),
            Record::Stable(certificate) => self.stable = certificate.seq,
            Record::Lost => self.silent = true,
            Record::Cured => self.silent = false,
            Record::Proposed { .. }
            | Record::Accepted { .. }
            | Record::Drafted { .. }
            | Record::Prepared(_)
            | Record::Starting(_) => {}
        }
    }

    /// What a record lets its replica prepare, if it prepares nothing else there.
    fn draft(&self, record: &Record) -> Option<(Place, Digest)> {
        let Record::Drafted { view, seq, batch, .. } = record else { return None };
        (primary(self.size, *view) != self.own).then(|| ((MessageKind::Prepare, *view, *seq), batch.digest()))
    }

    /// What a record lets its replica say.
    fn promises(&self, record: &Record) -> Vec<(Place, Digest)> {
        match record {
            Record::Proposed { view, seq, batch, .. } => {
                vec![((MessageKind::PrePrepare, *view, *seq), batch.digest())]
            }
            // The primary's PRE-PREPARE is its PREPARE.
            Record::Accepted { view, .. } if primary(self.size, *view) == self.own => Vec::new(),
            Record::Accepted { view, seq, batch, .. } => vec![((MessageKind::Prepare, *view, *seq), batch.digest())],
            Record::Prepared(it) => vec![((MessageKind::Commit, it.view, it.seq), it.digest)],
            Record::Starting(Payload::NewView { view, view_changes, proposals }) => {
                self.start(*view, view_changes, proposals)
            }
            Record::Entered(it) if it.signer == self.own => {
                let proposals: Vec<PrePrepare> = it.payload.proposals.iter().map(|it| it.payload).collect();
                self.start(it.payload.view, &it.payload.view_changes, &proposals)
            }
            _ => Vec::new(),
        }
    }

    fn start(&self, view: View, view_changes: &[Signed<ViewChange>], proposals: &[PrePrepare]) -> Vec<(Place, Digest)> {
        let parts = encode(&(view, view_changes, proposals));
        let mut all = vec![((MessageKind::NewView, view, SeqNum::ZERO), Digest::of(Domain::NewView, &[&parts]))];
        all.extend(proposals.iter().map(|it| ((MessageKind::PrePrepare, it.view, it.seq), it.digest)));
        all
    }
}

/// What tells one NEW-VIEW of a view from another.
fn content(it: &NewView) -> Digest {
    let proposals: Vec<PrePrepare> = it.proposals.iter().map(|it| it.payload).collect();
    Digest::of(Domain::NewView, &[&encode(&(it.view, &it.view_changes, proposals))])
}

/// In which view something is said, and what it states there.
fn statements(message: &Message) -> (View, Vec<(Place, Digest)>) {
    let kind = message.kind();
    match message {
        Message::PrePrepare(it) => {
            let PrePrepare { view, seq, digest } = it.pre_prepare.payload;
            (view, vec![((kind, view, seq), digest)])
        }
        Message::Prepare(it) => (it.payload.view, vec![((kind, it.payload.view, it.payload.seq), it.payload.digest)]),
        Message::Commit(it) => (it.payload.view, vec![((kind, it.payload.view, it.payload.seq), it.payload.digest)]),
        Message::ViewChange(it) => (it.payload.view, Vec::new()),
        Message::NewView(it) => {
            let proposals = it.payload.proposals.iter().map(|it| it.payload);
            let proposals = proposals.map(|it| ((MessageKind::PrePrepare, it.view, it.seq), it.digest));
            let start = ((kind, it.payload.view, SeqNum::ZERO), content(&it.payload));
            (it.payload.view, std::iter::once(start).chain(proposals).collect())
        }
        _ => (View::ZERO, Vec::new()),
    }
}

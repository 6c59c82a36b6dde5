//! What is said and what happens, as a chart shows it: a message to several as one, batches executed at one moment as one.

use tetrarch_simulator::recording::{Entry, Kind, Mark, Party, Passage, What};
use tetrarch_types::{MessageKind, SeqNum, Time};

/// The same thing said by one to some others at one moment.
pub(super) struct Utterance<'a> {
    pub(super) from: Party,
    pub(super) left: Time,
    pub(super) kind: Kind,
    pub(super) is_lie: bool,
    /// To each of them; copies of its own where it was duplicated.
    pub(super) passages: Vec<&'a Passage>,
}

impl<'a> Utterance<'a> {
    /// In the order in which they left.
    pub(super) fn gather(mut passages: Vec<&'a Passage>) -> Vec<Self> {
        passages.sort_by_key(|passage| (passage.left, passage.from));
        let mut utterances: Vec<Self> = Vec::new();
        for passage in passages {
            match utterances.iter_mut().rev().take_while(|it| it.is_with(passage)).find(|it| it.says(passage)) {
                Some(utterance) => utterance.passages.push(passage),
                None => utterances.push(Self::of(passage)),
            }
        }
        utterances
    }

    fn of(passage: &'a Passage) -> Self {
        let Passage { from, left, is_lie, label, .. } = passage;
        Self { from: *from, left: *left, kind: label.kind, is_lie: *is_lie, passages: vec![passage] }
    }

    fn is_with(&self, passage: &Passage) -> bool {
        (self.from, self.left) == (passage.from, passage.left)
    }

    fn says(&self, passage: &Passage) -> bool {
        self.is_lie == passage.is_lie && self.passages.first().is_some_and(|first| first.label == passage.label)
    }

    /// A few words.
    pub(super) fn words(&self) -> String {
        let brief = self.passages.first().map(|passage| passage.label.brief()).unwrap_or_default();
        if self.is_lie { format!("{brief}, a lie") } else { brief }
    }

    /// Whether its words are worth the room in a picture: what is said at every turn is not.
    pub(super) const fn is_labelled(&self) -> bool {
        !matches!(self.kind, Kind::Peer(MessageKind::Status))
    }
}

/// Something that happens at a party.
pub(super) struct Remark<'a> {
    pub(super) party: Party,
    pub(super) at: Time,
    pub(super) mark: Mark,
    /// The last of several batches that were executed at one moment, one behind the other.
    through: Option<SeqNum>,
    /// In full.
    pub(super) text: &'a str,
}

impl<'a> Remark<'a> {
    /// In order of time.
    pub(super) fn gather(entries: impl Iterator<Item = &'a Entry>) -> Vec<Self> {
        let mut remarks: Vec<Self> = Vec::new();
        for entry in entries {
            let What::Mark { at: party, mark, text } = &entry.what else { continue };
            let remark = Self { party: *party, at: entry.at, mark: *mark, through: None, text };
            let last = remarks.iter_mut().rev().take_while(|last| last.at == remark.at).find(|it| it.party == *party);
            if last.is_none_or(|last| !last.goes_on_with(&remark)) && remark.words().is_some() {
                remarks.push(remark);
            }
        }
        remarks
    }

    /// Takes in the next batch executed at the same moment.
    fn goes_on_with(&mut self, next: &Self) -> bool {
        let (Mark::Executed(first), Mark::Executed(seq)) = (self.mark, next.mark) else { return false };
        let is_next = self.through.unwrap_or(first).next() == seq;
        if is_next {
            self.through = Some(seq);
        }
        is_next
    }

    /// A few words; none for what is not shown.
    pub(super) fn words(&self) -> Option<String> {
        Some(match (self.mark, self.through) {
            (Mark::Executed(first), Some(last)) => format!("executed {first}–{last}"),
            (Mark::Executed(seq), None) => format!("executed {seq}"),
            (Mark::LeftFor(view), _) => format!("gives up, to view {view}"),
            (Mark::Entered(view), _) => format!("enters view {view}"),
            (Mark::Stable(seq), _) => format!("stable {seq}"),
            (Mark::Paused { .. } | Mark::Down | Mark::Saw, _) => return None,
            (Mark::Up, _) => "up again".to_owned(),
            (Mark::Fault(fault), _) => fault.to_owned(),
            (Mark::Noted(words), _) => words.to_owned(),
            (Mark::Told(seq), _) => format!("answered in {seq}"),
        })
    }
}

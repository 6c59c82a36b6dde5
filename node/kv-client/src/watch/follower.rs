//! Which revisions are believed, and whom to ask what. Pure and synchronous.

use std::collections::{BTreeMap, VecDeque};

use tetrarch_crypto::Digest;
use tetrarch_kv::store::{Detail, Place, Previous, Story};
use tetrarch_kv::{KvError, KvQuery, QueryAnswer, Selection};
use tetrarch_types::{Membership, ReplicaId};

use super::ask::{Ask, News};
use super::happened::{Change, Happened};
use super::limits::{NEAR, TALE_BYTES};
use super::missing::Missing;
use super::tale::{Tale, Told};
use super::voices::{Voice, reached_by};
use crate::backend;

/// Follows the story from a revision on. Whoever holds it asks what [`ask`](Self::ask) says, tells it the answers, and takes what
/// is believed.
///
/// * One replica, the teller, tells all there is; the others tell their chains. A revision is believed when f + 1 replicas, the teller
///   among them, say the chain that the told events hash to: one of those is honest, and a chain stands for one story.
/// * A teller that tells nonsense, is silent, or tells what f + 1 others contradict is left for another, which begins behind what is
///   believed. So nothing is lost, repeated or reordered.
/// * A replica may say that less is there than there is: the truth comes from the next one. What was there before an event (`prev_kv`)
///   is left out only if f + 1 replicas say that it is compacted; whoever has it proves it by its digest.
#[derive(Debug)]
pub struct Follower {
    weak: usize,
    detail: Detail,
    /// Up to this revision all is believed.
    believed: u64,
    teller: usize,
    tale: Tale,
    voices: Vec<Voice>,
    ready: VecDeque<Told>,
    ready_bytes: usize,
    missing: Option<Missing>,
    compacted: Option<u64>,
}

impl Follower {
    /// Begins with a revision, which may be one to come; the story begins with 2. `teller` is the first replica to tell it, with the
    /// details: [`Detail::Chain`] is taken for [`Detail::Events`].
    pub fn new(membership: &Membership, from: u64, detail: Detail, teller: ReplicaId) -> Self {
        let detail = if detail == Detail::Chain { Detail::Events } else { detail };
        let from = from.max(2);
        Self {
            weak: membership.weak_quorum(),
            detail,
            believed: from - 1,
            teller: teller.index() % membership.size().max(1),
            tale: Tale::new(from),
            voices: membership.ids().map(|_| Voice::default()).collect(),
            ready: VecDeque::new(),
            ready_bytes: 0,
            missing: None,
            compacted: None,
        }
    }

    /// Up to where all is believed.
    pub const fn believed(&self) -> u64 {
        self.believed
    }

    /// The compacted revision, if what is to come next is gone: it is over then, as soon as nothing can be taken any more. At least
    /// one honest replica has compacted so far.
    pub const fn compacted(&self) -> Option<u64> {
        self.compacted
    }

    /// Answers of this replica in a row that were none.
    pub fn strikes(&self, replica: ReplicaId) -> u32 {
        self.voices.get(replica.index()).map_or(0, |voice| voice.strikes)
    }

    /// Takes the next revision out that is believed.
    pub fn take(&mut self) -> Option<Happened> {
        if self.missing.is_some() {
            return None;
        }
        let Told { revision, events, bytes, .. } = self.ready.pop_front()?;
        self.ready_bytes -= bytes;
        let keeps_previous = revision > self.vouched_compaction();
        self.missing = self.look_for_missing();
        let changes = events.into_iter().map(|event| Change::of(event, keeps_previous)).collect();
        Some(Happened { revision, changes })
    }

    /// What to ask this replica now, if nothing else is under way to it; none as long as there is nothing to ask.
    pub fn ask(&self, replica: ReplicaId) -> Option<Ask> {
        let voice = self.voices.get(replica.index())?;
        if self.compacted.is_some() {
            return None;
        }
        let (index, size) = (replica.index(), self.voices.len());
        let missing = self.missing.as_ref().filter(|missing| missing.is_for(index, self.teller, size, self.weak));
        if let Some(missing) = missing {
            return Some(Ask { query: missing.query(), behind: None });
        }
        if index == self.teller { self.ask_teller(voice) } else { self.ask_other(voice) }
    }

    fn ask_teller(&self, voice: &Voice) -> Option<Ask> {
        if self.tale.is_full() || self.tale.bytes() + self.ready_bytes > TALE_BYTES {
            return None;
        }
        let place = self.tale.place();
        let behind = voice.executed.filter(|_| voice.revision < place.revision);
        Some(Ask::story(place, self.detail, behind))
    }

    /// A chain at one revision is cheap, and stands for all before it; but only a page of chains can be waited for.
    fn ask_other(&self, voice: &Voice) -> Option<Ask> {
        if voice.executed.is_none() {
            return Some(Ask::chain_at(self.believed));
        }
        let covered = voice.covered(self.believed);
        let behind_covered = Place { revision: covered + 1, event: 0 };
        let told = self.tale.last().unwrap_or_default();
        if voice.revision <= covered {
            return (!voice.is_full()).then(|| Ask::story(behind_covered, Detail::Chain, voice.executed));
        }
        if told > covered {
            return Some(Ask::chain_at(told.min(voice.revision)));
        }
        let is_near = voice.revision - covered <= NEAR && !voice.is_full();
        is_near.then(|| Ask::story(behind_covered, Detail::Chain, None))
    }

    /// Takes what a replica answered to a question.
    pub fn hear(&mut self, replica: ReplicaId, ask: &Ask, told: backend::Told) -> News {
        let index = replica.index();
        let Some(voice) = self.voices.get_mut(index) else { return News::Nonsense };
        if self.compacted.is_some() {
            return News::Nothing;
        }
        (voice.executed, voice.revision, voice.compacted) =
            (Some(told.executed), told.result.revision, told.result.compacted);
        let news = match (&ask.query, told.result.answer) {
            (query, Err(error)) => self.refused(index, query, error),
            (KvQuery::Story { from, detail: Detail::Chain }, Ok(QueryAnswer::Story(page))) => {
                self.page_of_chains(index, from.revision, &page)
            }
            (KvQuery::Story { from, .. }, Ok(QueryAnswer::Story(page))) => self.page(index, *from, page),
            (KvQuery::Hash { revision }, Ok(QueryAnswer::Hash { revision: said, chain })) if said == *revision => {
                self.chain_at(index, said, chain)
            }
            (query @ KvQuery::Range(_), Ok(QueryAnswer::Range(selection))) => self.record(query, selection),
            _ => News::Nonsense,
        };
        if news == News::Nonsense {
            self.fail(replica);
        } else if let Some(voice) = self.voices.get_mut(index) {
            voice.strikes = 0;
        }
        self.settle();
        news
    }

    /// A replica did not answer a question.
    pub fn fail(&mut self, replica: ReplicaId) {
        if let Some(voice) = self.voices.get_mut(replica.index()) {
            voice.strikes = voice.strikes.saturating_add(1);
        }
        self.has_nothing_missing(replica.index());
        if replica.index() == self.teller {
            self.change_teller();
        }
    }

    /// The last revision that an honest replica is known to have. If that is more than what is believed, the teller owes it, or the others their chains.
    /// Whoever holds this has [`change_teller`](Self::change_teller) done, if it stays so for too long.
    pub fn known(&self) -> u64 {
        reached_by(self.weak, self.voices.iter().map(|voice| voice.revision))
    }

    /// Has another replica tell from what is believed on.
    pub fn change_teller(&mut self) {
        let (teller, size) = (self.teller, self.voices.len());
        let Some(voice) = self.voices.get_mut(teller) else { return };
        voice.left = voice.left.saturating_add(1);
        let turns = (1..=size).map(|step| (teller + step) % size);
        let rank = |index: &usize| self.voices.get(*index).map(|voice| (voice.left, voice.strikes));
        self.teller = turns.min_by_key(rank).unwrap_or(teller);
        self.tale.restart(self.believed + 1);
    }

    fn refused(&mut self, index: usize, query: &KvQuery, error: KvError) -> News {
        let Some(voice) = self.voices.get(index) else { return News::Nonsense };
        let asked = match query {
            KvQuery::Story { from, .. } => from.revision,
            KvQuery::Hash { revision } => *revision,
            KvQuery::Range(request) => request.revision,
            KvQuery::Lease { .. } | KvQuery::Leases { .. } | KvQuery::Page(_) => return News::Nonsense,
        };
        match (query, error) {
            (KvQuery::Story { detail: Detail::Events | Detail::Previous, .. }, KvError::Compacted)
                if index == self.teller && voice.compacted > asked =>
            {
                // True or not: whether it is, the others say.
                self.change_teller();
                News::Nothing
            }
            (KvQuery::Range(_), _) if is_fair(voice, asked, error) => {
                self.has_nothing_missing(index);
                News::Nothing
            }
            (KvQuery::Hash { .. } | KvQuery::Story { .. }, _) if is_fair(voice, asked, error) => News::Nothing,
            _ => News::Nonsense,
        }
    }

    fn has_nothing_missing(&mut self, index: usize) {
        let size = self.voices.len();
        if let Some(missing) = &mut self.missing {
            missing.heard(index, size);
        }
    }

    fn page_of_chains(&mut self, index: usize, from: u64, page: &Story) -> News {
        let Some(voice) = self.voices.get_mut(index) else { return News::Nonsense };
        if !voice.say_all(from, page) || (page.revisions.is_empty() && voice.revision >= from) {
            return News::Nonsense;
        }
        voice.forget(self.believed);
        if page.revisions.is_empty() { News::Nothing } else { News::Something }
    }

    fn chain_at(&mut self, index: usize, revision: u64, chain: Digest) -> News {
        let Some(voice) = self.voices.get_mut(index).filter(|voice| voice.revision >= revision) else {
            return News::Nonsense;
        };
        if revision > self.believed {
            voice.say(revision, chain);
        }
        News::Something
    }

    /// What comes from a replica that is not the teller any more, or again, is of no use.
    fn page(&mut self, index: usize, from: Place, page: Story) -> News {
        if index != self.teller || from != self.tale.place() {
            return News::Nothing;
        }
        let newest = self.voices.get(index).map_or(0, |voice| voice.revision);
        match self.tale.add(page, newest) {
            Ok(true) => News::Something,
            Ok(false) => News::Nothing,
            Err(_) => News::Nonsense,
        }
    }

    fn record(&mut self, query: &KvQuery, selection: Selection) -> News {
        let Some(missing) = self.missing.as_ref().filter(|missing| missing.query() == *query) else {
            return News::Nothing;
        };
        let Some(record) = missing.proven(selection) else { return News::Nonsense };
        let place = missing.place();
        if let Some(event) = self.ready.front_mut().and_then(|told| told.events.get_mut(place)) {
            event.previous = Previous::Record(record);
        }
        News::Something
    }

    /// Draws conclusions from what was said.
    fn settle(&mut self) {
        self.believe();
        if self.is_disputed() {
            self.change_teller();
        }
        let compacted = self.vouched_compaction();
        if compacted > self.believed + 1 && self.tale.last().is_none_or(|last| last < compacted) {
            self.compacted = Some(compacted);
        }
        if let Some(missing) = self.look_for_missing() {
            if self.missing.as_ref().is_none_or(|known| !known.is_same(&missing)) {
                self.missing = Some(missing);
            }
        } else {
            self.missing = None;
        }
    }

    fn believe(&mut self) {
        let Some(last) = self.tale.last() else { return };
        let agrees = |(index, voice): (usize, &Voice)| {
            if index == self.teller { last } else { voice.agrees_up_to(&self.tale) }
        };
        let agreed = reached_by(self.weak, self.voices.iter().enumerate().map(agrees));
        while let Some(told) = self.tale.take(agreed) {
            self.believed = told.revision;
            self.ready_bytes += told.bytes;
            self.ready.push_back(told);
        }
        self.voices.iter_mut().for_each(|voice| voice.forget(self.believed));
    }

    /// Whether so many replicas that one of them is honest say the same, and not what the teller says.
    fn is_disputed(&self) -> bool {
        let mut against: BTreeMap<(u64, Digest), usize> = BTreeMap::new();
        let others = self.voices.iter().enumerate().filter(|(index, _)| *index != self.teller);
        for said in others.flat_map(|(_, voice)| voice.disputes(&self.tale)) {
            *against.entry(said).or_default() += 1;
        }
        against.values().any(|count| *count >= self.weak)
    }

    /// The compacted revision that at least one honest replica has.
    fn vouched_compaction(&self) -> u64 {
        reached_by(self.weak, self.voices.iter().map(|voice| voice.compacted))
    }

    /// What the next revision to be taken lacks: a record that was there before, is not compacted, and was not told.
    fn look_for_missing(&self) -> Option<Missing> {
        let front = self.ready.front().filter(|_| self.detail == Detail::Previous)?;
        let is_kept = front.revision > self.vouched_compaction();
        if is_kept { Missing::first_of(front) } else { None }
    }
}

/// Whether a replica that says where it stands can refuse to answer about a revision.
const fn is_fair(voice: &Voice, asked: u64, error: KvError) -> bool {
    match error {
        KvError::Compacted => voice.compacted > asked,
        KvError::FutureRevision => voice.revision < asked,
        _ => false,
    }
}

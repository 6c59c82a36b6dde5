//! What a liar makes of an honest answer.

use tetrarch_chance::Rng;
use tetrarch_crypto::Digest;
use tetrarch_kv::store::{EventTold, Place, Previous, RevisionTold, Story, chain};
use tetrarch_kv::{KeyRecord, KvError, QueryAnswer};
use tetrarch_kv_client::Told;
use tetrarch_types::SeqNum;

/// One way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// No answer.
    Silent,
    /// An event is left out; with a chain of its own, or beside the chain.
    Drop,
    /// A value is another.
    Alter,
    /// Two events, or two revisions, change places.
    Reorder,
    /// An earlier answer comes again.
    Replay,
    /// Always the same answers, as if nothing went on.
    Stale,
    /// It tells of revisions that are not there, hashed as they should be.
    Invent,
    /// All of it is compacted.
    Compact,
    /// What was there before is left out.
    Withhold,
    /// What was there before is something else.
    Previous,
    /// A page that leads nowhere.
    Nothing,
    /// A gap, a wrong count, a wrong place to go on.
    Shape,
    /// Chains are noise.
    Chain,
    /// An answer to another question.
    Other,
    /// It stands far ahead of all others.
    Ahead,
    /// All is told as by another history: what it executes is another from some batch on. Liars that fork agree with each other.
    Fork,
}

/// All of them.
pub(crate) const LIES: [Lie; 16] = [
    Lie::Silent,
    Lie::Drop,
    Lie::Alter,
    Lie::Reorder,
    Lie::Replay,
    Lie::Stale,
    Lie::Invent,
    Lie::Compact,
    Lie::Withhold,
    Lie::Previous,
    Lie::Nothing,
    Lie::Shape,
    Lie::Chain,
    Lie::Other,
    Lie::Ahead,
    Lie::Fork,
];

/// Tells a lie; none if nothing is told at all. What is repeated, whoever holds the liar knows.
pub(crate) fn tell(lie: Lie, mut told: Told, earlier: &[Told], chance: &mut Rng) -> Option<Told> {
    match lie {
        Lie::Silent => return None,
        Lie::Replay => return Some(earlier.get(chance.index(earlier.len())).cloned().unwrap_or(told)),
        Lie::Stale => return Some(earlier.first().cloned().unwrap_or(told)),
        Lie::Compact => {
            told.result.compacted = told.result.revision + chance.below(3);
            told.result.answer = Err(KvError::Compacted);
        }
        Lie::Other => told.result.answer = Ok(QueryAnswer::Lease(None)),
        Lie::Ahead => {
            told.executed = SeqNum::new(told.executed.get() + chance.below(100));
            told.result.revision += chance.below(100);
        }
        Lie::Chain => noise(&mut told.result.answer, chance),
        _ => {
            let revision = told.result.revision;
            if let Ok(QueryAnswer::Story(story)) = &mut told.result.answer {
                bend(lie, story, revision, chance);
                told.result.revision = revision.max(story.next.revision.saturating_sub(1));
            }
        }
    }
    Some(told)
}

fn noise(answer: &mut Result<QueryAnswer, KvError>, chance: &mut Rng) {
    match answer {
        Ok(QueryAnswer::Hash { chain, .. }) => *chain = Digest::from_bytes(chance.bytes()),
        Ok(QueryAnswer::Story(story)) => {
            story.revisions.iter_mut().for_each(|told| told.chain = Digest::from_bytes(chance.bytes()));
        }
        _ => {}
    }
}

fn bend(lie: Lie, story: &mut Story, revision: u64, chance: &mut Rng) {
    let which = chance.index(story.revisions.len());
    let rehash = chance.chance(5_000);
    match (lie, story.revisions.get_mut(which)) {
        (Lie::Invent, _) => return invent(story, revision, chance),
        (Lie::Nothing, _) => {
            story.next = Place { revision: story.revisions.first().map_or(2, |told| told.revision), event: 0 };
            story.revisions.clear();
            return;
        }
        (_, None) => return,
        (Lie::Drop, Some(told)) => drop(told.events.pop()),
        (Lie::Alter, Some(told)) => told.events.iter_mut().for_each(|event| alter(event, chance)),
        (Lie::Reorder, Some(told)) if told.events.len() > 1 => told.events.reverse(),
        (Lie::Reorder, Some(_)) => story.revisions.reverse(),
        (Lie::Withhold, Some(told)) => told.events.iter_mut().for_each(withhold),
        (Lie::Previous, Some(told)) => told.events.iter_mut().for_each(|event| another(event, chance)),
        (Lie::Shape, Some(told)) => match chance.below(5) {
            0 => told.count += 1,
            1 => told.revision += 1,
            2 => story.next.event += 1,
            3 => story.next.revision += 1,
            _ => drop(story.revisions.remove(which)),
        },
        _ => {}
    }
    if rehash && lie != Lie::Withhold {
        hash_again(story);
    }
}

fn alter(event: &mut EventTold, chance: &mut Rng) {
    match &mut event.put {
        Some(record) if chance.chance(7_000) => record.value.push(0),
        Some(record) if chance.chance(5_000) => record.lease += 1,
        put => *put = None,
    }
}

fn withhold(event: &mut EventTold) {
    if let Previous::Record(record) = &event.previous {
        event.previous = Previous::Digest(record.digest());
    }
}

fn another(event: &mut EventTold, chance: &mut Rng) {
    let record = KeyRecord { value: vec![1], create_revision: 2, mod_revision: 2, version: 1, lease: 0 };
    event.previous = match chance.below(3) {
        0 => Previous::Nothing,
        1 => Previous::Digest(Digest::from_bytes(chance.bytes())),
        _ => Previous::Record(record),
    };
}

/// Makes the chains what the events hash to, as far as revisions are whole.
fn hash_again(story: &mut Story) {
    let mut before = story.before;
    for told in story.revisions.iter_mut().filter(|told| !told.events.is_empty()) {
        told.count = u32::try_from(told.events.len()).unwrap();
        let digests: Vec<Digest> = told.events.iter().map(EventTold::digest).collect();
        before = chain::next(&before, told.revision, &digests);
        told.chain = before;
    }
}

fn invent(story: &mut Story, revision: u64, chance: &mut Rng) {
    if story.next.event > 0 || story.next.revision != revision + 1 {
        return;
    }
    let mut before = story.revisions.last().map_or(story.before, |told| told.chain);
    for revision in (revision + 1..).take(1 + chance.index(3)) {
        let put = KeyRecord {
            value: b"invented".to_vec(),
            create_revision: revision,
            mod_revision: revision,
            version: 1,
            lease: 0,
        };
        let event = EventTold { key: b"k".to_vec(), put: Some(put), previous: Previous::Nothing };
        before = chain::next(&before, revision, &[event.digest()]);
        story.revisions.push(RevisionTold { revision, chain: before, count: 1, events: vec![event] });
        story.next.revision = revision + 1;
    }
}

//! What clients asked and were told, and whether one store that does one thing after the other could have told them that.
//!
//! Every answer names a revision, and each write makes exactly one. So the order of the writes is known, and the check is nearly linear:
//! no search, as for stores that do not number what they do.

use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Put,
    Get,
    /// If the key was last put at this revision; 0 if it was missing.
    Swap {
        expected: u64,
    },
}

/// What it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The write happened.
    Written,
    /// The key was last put at this revision, so that nothing was swapped.
    NotSwapped(u64),
    /// The value and the revision of its put; none if the key is missing.
    Got(Option<(String, u64)>),
}

/// One operation on one key. `value` is what it writes: no other operation of the history writes the same.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) key: String,
    pub(crate) asked: Asked,
    pub(crate) value: String,
    pub(crate) began: Instant,
    /// None if no answer came: then it may have happened, or happen yet.
    pub(crate) answer: Option<Answer>,
}

/// A client's answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) at: Instant,
    /// The batch that it was executed in.
    pub(crate) seq: u64,
    /// The store's revision after it.
    pub(crate) revision: u64,
    pub(crate) told: Told,
}

/// The answered operations, each with its answer.
type Answered<'a> = Vec<(&'a Operation, &'a Answer)>;

/// Acknowledged writes by key and revision.
struct Writes<'a> {
    by_key: BTreeMap<&'a str, BTreeMap<u64, &'a str>>,
    /// Values whose writing was not answered, with their keys.
    unknown: Vec<(&'a str, &'a str)>,
}

/// What is wrong with a history; nothing if one store could have told it. `last` is what the keys hold in the end.
pub(crate) fn violations(history: &[Operation], last: &BTreeMap<String, (String, u64)>) -> Vec<String> {
    let answered: Answered<'_> = history.iter().filter_map(|it| Some((it, it.answer.as_ref()?))).collect();
    let mut found = Vec::new();
    let writes = Writes::of(history, &answered, &mut found);
    in_order_of_sequence(answered.clone(), &mut found);
    in_real_time(answered.clone(), &mut found);
    for (operation, answer) in answered {
        found.extend(writes.contradicted_by(operation, answer).map(|why| format!("{why}: {operation:?}")));
    }
    found.extend(writes.by_key.keys().filter_map(|key| writes.lost(key, last.get(*key))));
    found
}

fn is_write((operation, answer): &(&Operation, &Answer)) -> bool {
    operation.asked != Asked::Get && answer.told == Told::Written
}

/// Operations of later batches have higher revisions, and each write has one of its own.
fn in_order_of_sequence(mut answered: Answered<'_>, found: &mut Vec<String>) {
    answered.sort_by_key(|(_, answer)| (answer.seq, answer.revision));
    for pair in answered.windows(2) {
        let [(_, before), (operation, after)] = pair else { continue };
        let fits = if is_write(&(*operation, *after)) && after.seq > before.seq {
            after.revision > before.revision
        } else {
            after.revision >= before.revision
        };
        if !fits {
            found.push(format!("revisions run against the sequence: {before:?}, then {after:?}"));
        }
    }
}

/// What began after something else had been answered comes after it.
fn in_real_time(mut answered: Answered<'_>, found: &mut Vec<String>) {
    answered.sort_by_key(|(operation, _)| operation.began);
    let mut ends: BinaryHeap<(std::cmp::Reverse<Instant>, u64)> = BinaryHeap::new();
    let mut highest = 0;
    for (operation, answer) in answered {
        while let Some((end, revision)) = ends.peek() {
            if end.0 >= operation.began {
                break;
            }
            highest = highest.max(*revision);
            ends.pop();
        }
        let least = if is_write(&(operation, answer)) { highest + 1 } else { highest };
        if answer.revision < least {
            found.push(format!("older than an answer that came before it began (revision {highest}): {operation:?}"));
        }
        ends.push((std::cmp::Reverse(answer.at), answer.revision));
    }
}

impl<'a> Writes<'a> {
    fn of(history: &'a [Operation], answered: &Answered<'a>, found: &mut Vec<String>) -> Self {
        let mut by_key: BTreeMap<&str, BTreeMap<u64, &str>> = BTreeMap::new();
        let mut revisions = BTreeMap::new();
        for (operation, answer) in answered.iter().filter(|it| is_write(it)) {
            if let Some(other) = revisions.insert(answer.revision, &operation.value) {
                found.push(format!("{other:?} and {:?} have the same revision {}", operation.value, answer.revision));
            }
            by_key.entry(&operation.key).or_default().insert(answer.revision, &operation.value);
        }
        let unknown = history.iter().filter(|it| it.answer.is_none() && it.asked != Asked::Get);
        Self { by_key, unknown: unknown.map(|it| (it.key.as_str(), it.value.as_str())).collect() }
    }

    fn contradicted_by(&self, operation: &Operation, answer: &Answer) -> Option<String> {
        let key = operation.key.as_str();
        match (&operation.asked, &answer.told) {
            (Asked::Get, Told::Got(None)) => self.overlooked(key, 0, answer.revision),
            (Asked::Get, Told::Got(Some((value, at)))) => {
                self.overlooked(key, *at, answer.revision).or_else(|| self.invented(key, *at, value))
            }
            (Asked::Swap { expected }, Told::Written) => self.overlooked(key, *expected, answer.revision - 1),
            (Asked::Swap { expected }, Told::NotSwapped(at)) if expected == at => {
                Some("not swapped for no reason".into())
            }
            (Asked::Swap { .. }, Told::NotSwapped(at)) => self.overlooked(key, *at, answer.revision),
            (Asked::Put, Told::Written) => None,
            _ => Some("an answer to another question".into()),
        }
    }

    /// A write to the key behind `from`, up to `to`.
    fn overlooked(&self, key: &str, from: u64, to: u64) -> Option<String> {
        let (revision, value) = self.by_key.get(key)?.range(from + 1..).next().filter(|(at, _)| **at <= to)?;
        Some(format!("overlooks {value:?}, written at {revision}"))
    }

    /// A value that nobody wrote there and then.
    fn invented(&self, key: &str, at: u64, value: &str) -> Option<String> {
        let written = self.by_key.get(key).and_then(|writes| writes.get(&at));
        let is_known = written.map_or_else(|| self.unknown.contains(&(key, value)), |written| *written == value);
        (!is_known).then(|| format!("{value:?} was not written at {at}"))
    }

    /// The last acknowledged write is there in the end, or a later one that nobody answered.
    fn lost(&self, key: &str, last: Option<&(String, u64)>) -> Option<String> {
        let (revision, value) = self.by_key.get(key)?.last_key_value()?;
        let Some((found, at)) = last else { return Some(format!("{key} is gone, {value:?} was acknowledged")) };
        let is_there = at == revision && found == value;
        let is_later = at > revision && self.unknown.contains(&(key, found.as_str()));
        (!is_there && !is_later)
            .then(|| format!("{key} is {found:?} of {at}, acknowledged was {value:?} at {revision}"))
    }
}

/// A history that is right, to be made wrong: two writes, a read of the second, a swap, a failed swap.
fn example() -> (Vec<Operation>, BTreeMap<String, (String, u64)>) {
    let start = Instant::now();
    let operation = |step: u64, asked, value: &str, seq, revision, told| Operation {
        key: "k".into(),
        asked,
        value: value.into(),
        began: start + Duration::from_millis(10 * step),
        answer: Some(Answer { at: start + Duration::from_millis(10 * step + 5), seq, revision, told }),
    };
    let history = vec![
        operation(0, Asked::Put, "a", 1, 1, Told::Written),
        operation(1, Asked::Put, "b", 2, 2, Told::Written),
        operation(2, Asked::Get, "", 3, 2, Told::Got(Some(("b".into(), 2)))),
        operation(3, Asked::Swap { expected: 2 }, "c", 4, 3, Told::Written),
        operation(4, Asked::Swap { expected: 2 }, "d", 5, 3, Told::NotSwapped(3)),
    ];
    (history, [("k".to_owned(), ("c".to_owned(), 3))].into())
}

fn changed(at: usize, change: impl FnOnce(&mut Operation, &mut Answer)) -> Vec<String> {
    let (mut history, last) = example();
    let mut answer = history[at].answer.clone().unwrap();
    change(&mut history[at], &mut answer);
    history[at].answer = Some(answer);
    violations(&history, &last)
}

#[test]
fn a_right_history_is_right_and_each_wrong_one_is_found() {
    let (mut history, last) = example();
    assert!(violations(&history, &last).is_empty(), "{:?}", violations(&history, &last));
    let stale = changed(2, |_, answer| answer.told = Told::Got(Some(("a".into(), 1))));
    assert!(stale[0].contains("overlooks \"b\""), "{stale:?}");
    let invented = changed(2, |_, answer| answer.told = Told::Got(Some(("x".into(), 2))));
    assert!(invented[0].contains("was not written"), "{invented:?}");
    let missing = changed(2, |_, answer| answer.told = Told::Got(None));
    assert!(missing[0].contains("overlooks"), "{missing:?}");
    let late = changed(2, |operation, answer| {
        (operation.began, answer.at) = (operation.began + Duration::from_secs(1), answer.at + Duration::from_secs(1))
    });
    assert!(late[0].contains("older than an answer"), "{late:?}");
    let swapped = changed(3, |operation, _| operation.asked = Asked::Swap { expected: 1 });
    assert!(swapped[0].contains("overlooks"), "{swapped:?}");
    let refused = changed(4, |_, answer| answer.told = Told::NotSwapped(2));
    assert!(refused.iter().any(|it| it.contains("for no reason")), "{refused:?}");
    let same = changed(1, |_, answer| answer.revision = 1);
    assert!(same.iter().any(|it| it.contains("the same revision")), "{same:?}");
    let backwards = changed(1, |_, answer| answer.seq = 9);
    assert!(backwards.iter().any(|it| it.contains("against the sequence")), "{backwards:?}");
    assert!(violations(&history, &BTreeMap::new())[0].contains("is gone"));
    let other = [("k".to_owned(), ("b".to_owned(), 2))].into();
    assert!(violations(&history, &other)[0].contains("acknowledged was \"c\""));
    history[3].answer = None;
    assert!(violations(&history, &last).is_empty(), "unknown, and it happened: {:?}", violations(&history, &last));
}

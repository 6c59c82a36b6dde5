//! A command's words, and the values they stand for.

use std::time::Duration;

use tetrarch_types::{MessageKind, ReplicaId, SeqNum, View};

use crate::support::envelope::Pattern;
use crate::support::{id, seq, view};

/// Words are parted by blanks, except inside of brackets.
pub(crate) fn split(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, letter) in line.char_indices().chain([(line.len(), ' ')]) {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ' ' if depth == 0 => {
                words.extend(Some(&line[start..at]).filter(|word| !word.is_empty()));
                start = at + 1;
            }
            _ => {}
        }
    }
    words
}

/// The value of `name=value`.
pub(crate) fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word:?} is no number"))
}

pub(crate) fn replica(word: &str) -> ReplicaId {
    id(usize::try_from(number(word)).unwrap())
}

/// `250ms` or `3s`.
pub(crate) fn span(word: &str) -> Duration {
    match word.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(number(millis)),
        None => Duration::from_secs(number(word.strip_suffix('s').unwrap_or_else(|| panic!("{word:?} is no span")))),
    }
}

/// `+250ms` or `-3s`, in microseconds.
pub(crate) fn shift(word: &str) -> i64 {
    let micros = |word| i64::try_from(span(word).as_micros()).unwrap();
    match word.strip_prefix('-') {
        Some(back) => -micros(back),
        None => micros(word.strip_prefix('+').unwrap_or(word)),
    }
}

fn numbered(words: &[&str], letter: char) -> Option<u64> {
    words.iter().find_map(|word| word.strip_prefix(letter)?.parse().ok())
}

/// `v3`.
pub(crate) fn view_of(words: &[&str]) -> Option<View> {
    numbered(words, 'v').map(view)
}

/// `s3`.
pub(crate) fn seq_of(words: &[&str]) -> Option<SeqNum> {
    numbered(words, 's').map(seq)
}

/// `1->2`, where `*` is anyone.
pub(crate) fn way(words: &[&str]) -> (Option<ReplicaId>, Option<ReplicaId>) {
    let end = |word: &str| (word != "*").then(|| replica(word));
    let way = words.iter().find_map(|word| word.split_once("->"));
    way.map_or((None, None), |(from, to)| (end(from), end(to)))
}

/// Of the messages: `#7`, or any of a kind, a way, a view and a number.
pub(crate) fn pattern(words: &[&str]) -> Pattern {
    let (from, to) = way(words);
    let kind = words.first().and_then(|word| message_kind(word));
    let number = words.iter().find_map(|word| word.strip_prefix('#')).map(|word| number(word) as usize);
    let pattern = Pattern { number, kind, from, to, view: view_of(words), seq: seq_of(words) };
    assert!(pattern != Pattern::default() || words == ["*"], "{words:?} picks no messages");
    pattern
}

fn message_kind(word: &str) -> Option<MessageKind> {
    Some(match word {
        "pre-prepare" => MessageKind::PrePrepare,
        "prepare" => MessageKind::Prepare,
        "commit" => MessageKind::Commit,
        "checkpoint" => MessageKind::Checkpoint,
        "view-change" => MessageKind::ViewChange,
        "new-view" => MessageKind::NewView,
        "status" => MessageKind::Status,
        "fetch" => MessageKind::Fetch,
        "supply" => MessageKind::Supply,
        _ => return None,
    })
}

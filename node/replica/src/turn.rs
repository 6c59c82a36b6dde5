//! A turn: the effects of several steps, made durable with one write.

use crate::{Effect, Effects, Record};

/// The effects of a turn, sorted by what they wait for. The order inside each part is the order of the effects.
///
/// ```text
///   step step step  →  effects  →  at_once ─ run now
///                                  records ─ one write, one fsync
///                                  held    ─ run when the records are durable
/// ```
///
/// Everything behind the first record waits for all of the turn's records: stricter than law 1 asks, and one fsync serves all.
#[derive(Debug, Default)]
pub struct Turn {
    /// Effects in front of the first record: they depend on none.
    pub at_once: Vec<Effect>,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Effects that must wait until the records are durable.
    pub held: Vec<Effect>,
}

impl Turn {
    /// Sorts the effects gathered so far, leaving none.
    pub fn of(effects: &mut Effects) -> Self {
        let mut turn = Self::default();
        for effect in effects.take() {
            match effect {
                Effect::Persist(record) => turn.records.push(record),
                other if turn.records.is_empty() => turn.at_once.push(other),
                other => turn.held.push(other),
            }
        }
        turn
    }
}

//! Words that are said later.

use std::collections::BTreeMap;
use std::time::Instant;

use tetrarch_adversary::Word;

/// Words that wait at most. A liar whose words wait longer than this forgets nothing: it says the oldest at once.
const MOST: usize = 65_536;

/// Words by when they are due; words due at the same time stay in order.
#[derive(Default)]
pub(crate) struct Later {
    waiting: BTreeMap<(Instant, u64), Word>,
    next: u64,
}

impl Later {
    /// Keeps a word. Gives back the one that has to be said at once because there is no room.
    pub(crate) fn keep(&mut self, due: Instant, word: Word) -> Option<Word> {
        self.next += 1;
        self.waiting.insert((due, self.next), word);
        if self.waiting.len() > MOST { self.waiting.pop_first().map(|(_, word)| word) } else { None }
    }

    /// The next word that is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Word> {
        let first = self.waiting.first_entry()?;
        if first.key().0 <= now { Some(first.remove()) } else { None }
    }

    /// When the next one is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tetrarch_crypto::Signature;
    use tetrarch_types::{Fetch, Message, ReplicaId, Signed};

    use super::*;

    fn word(to: u16) -> Word {
        let signature = Signature::from_bytes([0; 64]);
        let fetch = Signed { payload: Fetch::Held { start: 1 }, signer: ReplicaId::new(3), signature };
        Word::new(ReplicaId::new(to), Arc::new(Message::Fetch(fetch)))
    }

    #[test]
    fn words_come_when_they_are_due_and_in_order() {
        let (mut later, start) = (Later::default(), Instant::now());
        let soon = start + Duration::from_millis(5);
        assert!(later.keep(soon + Duration::from_millis(5), word(9)).is_none());
        (0..3).for_each(|to| assert!(later.keep(soon, word(to)).is_none()));
        assert_eq!(later.due(), Some(soon));
        assert!(later.take_due(start).is_none());
        let mut said = Vec::new();
        while let Some(word) = later.take_due(soon) {
            said.push(word.to.get());
        }
        assert_eq!(said, [0, 1, 2]);
    }

    #[test]
    fn what_has_no_room_is_said_at_once() {
        let (mut later, start) = (Later::default(), Instant::now());
        (0..MOST).for_each(|_| assert!(later.keep(start, word(0)).is_none()));
        assert!(later.keep(start, word(1)).is_some_and(|word| word.to.get() == 0), "the oldest");
    }
}

//! What happened last.

use std::collections::VecDeque;
use std::sync::Arc;

use tetrarch_kv_client::watch::Happened;

use crate::limits::{LOG_BYTES, LOG_REVISIONS};

/// The revisions that one watch looks at before others have their turn.
const LOOKED_AT: usize = 256;

/// Consecutive revisions up to the latest that is believed, as many as fit.
#[derive(Debug)]
pub(crate) struct Log {
    /// The revision that comes next.
    next: u64,
    entries: VecDeque<Arc<Happened>>,
    bytes: usize,
}

/// Where a revision is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Here.
    Here(Arc<Happened>),
    /// It is yet to come.
    Later,
    /// It is further back than the log.
    Earlier,
}

impl Log {
    /// An empty one, which begins with this revision.
    pub(crate) const fn new(next: u64) -> Self {
        Self { next, entries: VecDeque::new(), bytes: 0 }
    }

    /// The revision that comes next.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Adds the next revision. The oldest give way, but the latest is always kept.
    pub(crate) fn push(&mut self, happened: Happened) {
        if happened.revision != self.next {
            *self = Self::new(happened.revision);
        }
        self.next += 1;
        self.bytes += happened.bytes();
        self.entries.push_back(Arc::new(happened));
        while self.entries.len() > 1 && (self.bytes > LOG_BYTES || self.entries.len() > LOG_REVISIONS) {
            let oldest = self.entries.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.bytes());
        }
    }

    pub(crate) fn find(&self, revision: u64) -> Found {
        if revision >= self.next {
            return Found::Later;
        }
        let entry = self.index(revision).and_then(|index| self.entries.get(index));
        entry.map_or(Found::Earlier, |entry| Found::Here(entry.clone()))
    }

    /// The first of some revisions from this one on that is to be told, if the log has it, or else the one behind those that were looked at.
    pub(crate) fn pass_over(&self, from: u64, is_told: impl Fn(&Happened) -> bool) -> u64 {
        let entries = self.index(from).map(|index| self.entries.range(index..)).into_iter().flatten();
        let passed = entries.take(LOOKED_AT).take_while(|happened| !is_told(happened));
        passed.last().map_or(from, |last| last.revision + 1)
    }

    /// Where a revision stands, if it is here or the next to come.
    fn index(&self, revision: u64) -> Option<usize> {
        let back = usize::try_from(self.next.checked_sub(revision)?).ok()?;
        self.entries.len().checked_sub(back)
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_kv_client::watch::Change;

    use super::*;

    fn happened(revision: u64, bytes: usize) -> Happened {
        Happened { revision, changes: vec![Change { key: vec![0; bytes], put: None, previous: None }] }
    }

    #[test]
    fn it_has_the_last_revisions_and_knows_what_is_earlier_and_later() {
        let mut log = Log::new(5);
        assert_eq!((log.find(4), log.find(5)), (Found::Earlier, Found::Later));
        (5..8).for_each(|revision| log.push(happened(revision, 1)));
        assert_eq!((log.find(4), log.find(8), log.next()), (Found::Earlier, Found::Later, 8));
        assert!((5..8).all(|revision| log.find(revision) == Found::Here(Arc::new(happened(revision, 1)))));
        log.push(happened(20, 1));
        assert_eq!((log.find(7), log.find(21)), (Found::Earlier, Found::Later), "a gap is none of its own");
    }

    #[test]
    fn what_is_not_to_be_told_is_passed_over() {
        let mut log = Log::new(5);
        (5..9).for_each(|revision| log.push(happened(revision, 1)));
        let at = |told: u64| move |happened: &Happened| happened.revision == told;
        assert_eq!(log.pass_over(5, at(7)), 7);
        assert_eq!((log.pass_over(7, at(7)), log.pass_over(8, at(7))), (7, 9));
        assert_eq!(log.pass_over(5, at(9)), 9, "what comes next is waited for");
        assert_eq!((log.pass_over(9, at(9)), log.pass_over(12, at(9))), (9, 12), "it is not there yet");
        assert_eq!(log.pass_over(4, at(9)), 4, "it is not here any more");
        (9..1_000).for_each(|revision| log.push(happened(revision, 1)));
        assert_eq!(log.pass_over(5, at(2)), 5 + LOOKED_AT as u64, "others have their turn");
    }

    #[test]
    fn it_is_bounded_and_keeps_the_latest_whatever_it_is() {
        let mut log = Log::new(2);
        (2..40).for_each(|revision| log.push(happened(revision, 1024 * 1024)));
        assert!(log.bytes <= LOG_BYTES && log.find(39) != Found::Earlier && log.find(20) == Found::Earlier);
        log.push(happened(40, 2 * LOG_BYTES));
        assert!(matches!(log.find(40), Found::Here(_)) && log.find(39) == Found::Earlier);
        let mut log = Log::new(2);
        (2..).take(LOG_REVISIONS + 2).for_each(|revision| log.push(happened(revision, 1)));
        assert_eq!((log.entries.len(), log.find(3)), (LOG_REVISIONS, Found::Earlier));
    }
}

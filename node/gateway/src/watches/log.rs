//! What happened last.

use std::collections::VecDeque;
use std::sync::Arc;

use tetrarch_kv_client::watch::Happened;

use crate::limits::{LOG_BYTES, LOG_REVISIONS};

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
        let Some(back) = self.next.checked_sub(revision).filter(|back| *back > 0) else { return Found::Later };
        let index = usize::try_from(back).ok().and_then(|back| self.entries.len().checked_sub(back));
        let entry = index.and_then(|index| self.entries.get(index));
        entry.map_or(Found::Earlier, |entry| Found::Here(entry.clone()))
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

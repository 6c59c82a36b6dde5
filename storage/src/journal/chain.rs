//! The hash chain in memory, and what it proves.

use std::collections::VecDeque;

use super::error::JournalError;
use super::rows::{Entry, after, link};
use crate::Mark;

/// The chain's values from the base through the last entry.
pub(super) struct Chain {
    /// The last entry forgotten, or [`Mark::ORIGIN`].
    pub(super) base: Mark,
    /// Those of the entries after it, without a gap.
    values: VecDeque<[u8; 32]>,
}

impl Chain {
    pub(super) fn new(base: Mark) -> Self {
        Self { base, values: VecDeque::new() }
    }

    /// The last entry; the base if there is none.
    pub(super) fn tip(&self) -> Mark {
        let chain = self.values.back().copied().unwrap_or(self.base.chain);
        Mark { index: self.base.index.saturating_add(self.values.len() as u64), chain }
    }

    /// Where the chain stood at `index`; `None` below the base and above the tip.
    pub(super) fn at(&self, index: u64) -> Option<Mark> {
        let behind_base = index.checked_sub(self.base.index)?;
        let Some(position) = behind_base.checked_sub(1) else { return Some(self.base) };
        let chain = *self.values.get(usize::try_from(position).ok()?)?;
        Some(Mark { index, chain })
    }

    /// Forgets everything before `base`, which was got from [`at`](Self::at).
    pub(super) fn rebase(&mut self, base: Mark) {
        let forgotten = (base.index - self.base.index) as usize;
        self.values.drain(..forgotten);
        self.base = base;
    }

    /// Goes on with entries behind the tip.
    pub(super) fn extend(&mut self, links: &[Mark]) {
        self.values.extend(links.iter().map(|link| link.chain));
    }

    /// Takes the next stored entry if it continues the chain.
    pub(super) fn accept(&mut self, key: &[u8], mut value: Vec<u8>) -> Result<Entry, JournalError> {
        let tip = self.tip();
        let foreign = || JournalError::ForeignKey { after: tip.index, key: key.to_vec() };
        let index = key.try_into().map(u64::from_be_bytes).map_err(|_| foreign())?;
        if index != after(tip.index) {
            return Err(JournalError::Gap { expected: after(tip.index), found: index });
        }
        let stored = value.first_chunk::<32>().copied().ok_or(JournalError::ChainBroken { index })?;
        value.drain(..stored.len());
        if link(tip, &value).chain != stored {
            return Err(JournalError::ChainBroken { index });
        }
        self.values.push_back(stored);
        Ok(Entry { index, payload: value })
    }

    /// Whether the chain goes as far as the mark, and through it.
    pub(super) fn agrees(&self, mark: Option<Mark>) -> Result<(), JournalError> {
        let have = self.tip().index;
        match mark {
            None => Err(JournalError::MarkMissing { have }),
            Some(mark) if mark.index > have => Err(JournalError::TailCut { have, mark: mark.index }),
            Some(mark) => match self.at(mark.index) {
                Some(there) if there == mark => Ok(()),
                Some(_) => Err(JournalError::OtherHistory { index: mark.index }),
                None => Err(JournalError::MarkOlder { mark: mark.index, forgotten: self.base.index }),
            },
        }
    }
}

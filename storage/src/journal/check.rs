//! Looking at the journal of a stopped node.

use super::chain::Chain;
use super::error::JournalError;
use super::mending::mend;
use super::reading::{read_base, walk};
use super::rows::Entry;
use crate::{Mark, Marked, Reader};

/// What [`check_journal`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalReport {
    /// The last entry forgotten, index 0 if none ever was; `None` if that cannot be read.
    pub base: Option<Mark>,
    /// The last entry that fits the chain, the base if there is none; `None` if there is no base to start from.
    pub tip: Option<Mark>,
    /// How many entries were visited.
    pub entries: u64,
    /// How many of them, the last, only the mark has: opening the journal writes them.
    pub mended: u64,
    /// The high-water mark, as it was given.
    pub mark: Option<Mark>,
    /// Why [`Journal::open`](crate::Journal::open) would refuse this journal; `None` if it would not.
    pub problem: Option<JournalError>,
}

/// Checks a journal against the chain and the mark as opening it would, and hands every entry up to the first problem to
/// `visit`, those that only the mark has among them. Nothing is written. It keeps 32 bytes in memory for each entry, and a page of
/// entries.
pub fn check_journal(reader: &dyn Reader, held: Option<&Marked>, visit: &mut dyn FnMut(Entry)) -> JournalReport {
    let mark = held.map(|held| held.mark);
    let base = match read_base(reader) {
        Ok(base) => base,
        Err(error) => {
            return JournalReport { base: None, tip: None, entries: 0, mended: 0, mark, problem: Some(error) };
        }
    };
    let mut chain = Chain::new(base);
    let walked = walk(reader, &mut chain, visit);
    let stored = chain.tip().index;
    if let (Ok(()), Some(held)) = (&walked, held) {
        mend(&mut chain, held).into_iter().for_each(visit);
    }
    let problem = walked.and_then(|()| chain.agrees(mark)).err();
    let tip = chain.tip();
    let (entries, mended) = (tip.index - base.index, tip.index - stored);
    JournalReport { base: Some(base), tip: Some(tip), entries, mended, mark, problem }
}

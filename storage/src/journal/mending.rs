//! What opening a journal takes from the mark, and what it writes once everything has been checked.

use super::chain::Chain;
use super::error::JournalError;
use super::rows::{Entry, JOURNAL, after, key, links, put_entry};
use crate::{Direction, Durability, Mark, Marked, Store, WriteBatch};

/// Goes on with the entries that are missing behind the chain's tip, if the mark's tail has all of them, and returns them. What leads
/// from the tip to the mark's chain value is what was appended, since that value stands for every entry up to the mark.
pub(super) fn mend(chain: &mut Chain, held: &Marked) -> Vec<Entry> {
    let Some(missing) = held.behind(chain.tip().index) else { return Vec::new() };
    let links = links(chain.tip(), missing);
    if links.last() != Some(&held.mark) {
        return Vec::new();
    }
    chain.extend(&links);
    let entry = |(link, payload): (&Mark, &Vec<u8>)| Entry { index: link.index, payload: payload.clone() };
    links.iter().zip(missing).map(entry).collect()
}

/// Makes entries durable that may not be. Writing them anew, instead of syncing what is there, also holds when their first fsync
/// failed and the kernel took the pages for clean.
pub(super) fn adopt<'a>(
    store: &impl Store,
    chain: &Chain,
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<(), JournalError> {
    let mut batch = WriteBatch::new();
    for entry in entries {
        if let Some(link) = chain.at(entry.index) {
            put_entry(&mut batch, link, &entry.payload);
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    Ok(store.write(batch, Durability::Synced)?)
}

/// Deletes what is left below the base.
pub(super) fn sweep(store: &impl Store, base: u64) -> Result<(), JournalError> {
    let (from, to) = (key(after(Mark::ORIGIN.index)), key(after(base)));
    if store.scan(JOURNAL, &from, &to, Direction::Ascending, 1)?.is_empty() {
        return Ok(());
    }
    let mut batch = WriteBatch::new();
    batch.delete_range(JOURNAL, from, to);
    Ok(store.write(batch, Durability::Buffered)?)
}

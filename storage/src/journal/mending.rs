//! What opening a journal writes, once it has been checked.

use super::chain::Chain;
use super::error::JournalError;
use super::rows::{Entry, JOURNAL, after, key, put_entry};
use crate::{Direction, Durability, Mark, Store, WriteBatch};

/// Makes entries durable that the mark does not vouch for. Writing them anew, instead of syncing what is there, also holds
/// when their first fsync failed and the kernel took the pages for clean.
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

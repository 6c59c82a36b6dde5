//! Giving up the past (rules H-4 and H-5).

use tetrarch_storage::StoreError;

use crate::store::KvError;
use crate::store::bounds::{MAX_KEPT_BYTES, MAX_KEPT_REVISIONS};
use crate::store::rows::meta::Meta;
use crate::store::rows::{events, history};
use crate::tables::Overlay;

/// Refuses reads before a revision from now on.
pub(super) const fn compact(meta: &mut Meta, revision: u64) -> Result<(), KvError> {
    if revision <= meta.compacted {
        return Err(KvError::Compacted);
    }
    if revision > meta.revision {
        return Err(KvError::FutureRevision);
    }
    meta.compacted = revision;
    Ok(())
}

/// Removes rows that are of no use any more, about so many of them in the long run: a row of events at a time with what belongs to it, the
/// oldest first. Compacts what is too much to be kept.
pub(super) fn clear(state: &mut Overlay<'_>, meta: &mut Meta, rows: usize) -> Result<(), StoreError> {
    meta.compacted = meta.compacted.max(meta.revision.saturating_sub(MAX_KEPT_REVISIONS));
    let rows = rows as u64;
    let mut left = rows.saturating_sub(meta.clearing.owed);
    meta.clearing.owed = meta.clearing.owed.saturating_sub(rows);
    while left > 0 {
        if meta.compacted <= meta.clearing.needed {
            if meta.kept_bytes <= MAX_KEPT_BYTES || meta.clearing.needed >= meta.revision {
                break;
            }
            meta.compacted = meta.clearing.needed + 1;
        }
        let cleared = step(state, meta)?;
        meta.clearing.owed = cleared.saturating_sub(left);
        left = left.saturating_sub(cleared);
    }
    Ok(())
}

/// Clears the oldest row of events, if nothing of it is needed; how many rows that took.
fn step(state: &mut Overlay<'_>, meta: &mut Meta) -> Result<u64, StoreError> {
    let Some((first, row)) = events::oldest(state, meta.clearing.oldest)? else {
        meta.clearing.needed = meta.compacted;
        return Ok(0);
    };
    let events = events::of_row(&row)?;
    (meta.clearing.oldest, meta.clearing.needed) = (first, events.last().map_or(0, |(_, event)| event.revision));
    // A watch may begin at the compacted revision, so its own events stay.
    if meta.clearing.needed >= meta.compacted {
        return Ok(0);
    }
    let mut freed = events::delete(state, first, &row);
    let mut rows = 1;
    for (_, event) in events.iter().filter(|(_, event)| event.previous.is_some()) {
        freed += history::delete(state, &event.key, event.revision, first);
        rows += 1;
    }
    meta.kept_bytes = meta.kept_bytes.saturating_sub(freed);
    Ok(rows)
}

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

/// Removes rows that are of no use any more, about so many of them, whole revisions at a time, the oldest first. Compacts what is too
/// much to be kept.
pub(super) fn clear(state: &mut Overlay<'_>, meta: &mut Meta, mut rows: usize) -> Result<(), StoreError> {
    meta.compacted = meta.compacted.max(meta.revision.saturating_sub(MAX_KEPT_REVISIONS));
    while rows > 0 {
        if meta.cleared == meta.compacted {
            if meta.kept_bytes <= MAX_KEPT_BYTES || meta.compacted >= meta.revision {
                break;
            }
            meta.compacted += 1;
        }
        rows = rows.saturating_sub(step(state, meta)?);
    }
    Ok(())
}

/// Clears one revision more; how many rows that took.
fn step(state: &mut Overlay<'_>, meta: &mut Meta) -> Result<usize, StoreError> {
    // A watch may begin at the compacted revision, so its own events stay.
    let mut freed = events::delete(state, meta.cleared)?;
    meta.cleared += 1;
    let mut rows = 1;
    for event in events::read(state, meta.cleared)?.map(|row| row.events).unwrap_or_default() {
        if let Some(previous) = event.previous {
            history::delete(state, &event.key, meta.cleared);
            freed += previous.bytes;
            rows += 1;
        }
    }
    meta.kept_bytes = meta.kept_bytes.saturating_sub(freed);
    Ok(rows)
}

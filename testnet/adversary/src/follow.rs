//! What follows from VIEW-CHANGEs, as an honest primary would propose it again (Castro and Liskov, OSDI 1999, §4.4): a NEW-VIEW
//! that is to have one thing wrong must have this right.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, PrePrepare, SeqNum, Signed, View, ViewChange, limits};

/// The re-proposals.
pub(crate) fn proposals(view: View, view_changes: &[Signed<ViewChange>]) -> Vec<PrePrepare> {
    let low = view_changes.iter().map(|it| it.payload.stable.seq).max().unwrap_or_default();
    let mut highest: BTreeMap<SeqNum, (View, Digest)> = BTreeMap::new();
    for it in view_changes.iter().flat_map(|it| &it.payload.prepared).filter(|it| it.seq > low) {
        let held = highest.entry(it.seq).or_insert((it.view, it.digest));
        if it.view > held.0 {
            *held = (it.view, it.digest);
        }
    }
    let top = highest.last_key_value().map_or(low, |(seq, _)| *seq);
    let noop = Batch::noop().digest();
    // What was overheard may be somebody's lie: no more than any view has.
    let most = limits::MAX_WINDOW.saturating_mul(2) as usize;
    let numbers = (low.next().get()..=top.get()).map(SeqNum::new).take(most);
    numbers.map(|seq| PrePrepare { view, seq, digest: highest.get(&seq).map_or(noop, |(_, digest)| *digest) }).collect()
}

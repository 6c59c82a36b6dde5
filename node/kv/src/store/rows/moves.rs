//! When the primary was last asked to give way (rule V-10).

use serde::{Deserialize, Serialize};
use tetrarch_storage::{Reader, StoreError};
use tetrarch_types::{SeqNum, Timestamp, View, encode};

use super::meta::META;
use crate::tables::{Overlay, row};

const LAST_KEY: &[u8] = b"move";

/// A move of the primary that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct Move {
    /// The batch that it was in.
    pub(in crate::store) seq: SeqNum,
    /// The agreed time of that batch.
    pub(in crate::store) at: Timestamp,
    /// The view whose primary is asked, in the words of whoever asks: nobody here knows in which view replicas are.
    pub(in crate::store) view: View,
}

/// The last one, if there was any.
pub(in crate::store) fn last(state: &dyn Reader) -> Result<Option<Move>, StoreError> {
    row(state, META, LAST_KEY)
}

/// From now on, this one is the last.
pub(in crate::store) fn put(state: &mut Overlay<'_>, accepted: &Move) {
    state.put(META, LAST_KEY, encode(accepted));
}

//! Which nonces are spent, and forgetting those whom nobody has heard of for long.

use std::collections::{BTreeMap, btree_map::Entry};

use tetrarch_crypto::PublicKey;
use tetrarch_storage::{Direction, Reader, StoreError};
use tetrarch_types::{Sender, Timestamp, encode};

use super::rows::{IDLE, SENDERS};
use crate::tables::Overlay;
use crate::tables::{fixed, for_each_row, row, value};

/// Senders in memory at a time: their rows have up to half a kilobyte.
pub(super) const SENDERS_PAGE: usize = 1_024;

/// The senders that a batch touches.
#[derive(Default)]
pub(super) struct Senders(BTreeMap<PublicKey, Touched>);

struct Touched {
    sender: Sender,
    /// Since when it was idle before, if the state has the sender.
    idle_since: Option<Timestamp>,
    is_changed: bool,
}

impl Senders {
    /// Marks a nonce as spent at this agreed time. False if it was.
    pub(super) fn spend(
        &mut self,
        state: &dyn Reader,
        key: PublicKey,
        nonce: u64,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        let touched = match self.0.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let before = read(state, &key)?;
                let idle_since = before.as_ref().map(Sender::idle_since);
                entry.insert(Touched { sender: before.unwrap_or_default(), idle_since, is_changed: false })
            }
        };
        let fresh = touched.sender.nonces.spend(nonce);
        if fresh {
            touched.is_changed = true;
            touched.sender.last_used = time;
        }
        Ok(fresh)
    }

    /// Writes what changed.
    pub(super) fn flush(self, state: &mut Overlay<'_>) {
        for (key, Touched { sender, idle_since, .. }) in self.0.into_iter().filter(|(_, touched)| touched.is_changed) {
            state.put(SENDERS, key.as_bytes(), encode(&sender));
            let (before, now) = (idle_since.map(|before| idle_key(before, &key)), idle_key(sender.idle_since(), &key));
            if before.as_ref() != Some(&now) {
                before.into_iter().for_each(|before| state.delete(IDLE, before));
                state.put(IDLE, now, []);
            }
        }
    }
}

/// A sender as the state has it.
pub(super) fn read(state: &dyn Reader, key: &PublicKey) -> Result<Option<Sender>, StoreError> {
    row(state, SENDERS, key.as_bytes())
}

/// All of them, by key.
pub(super) fn all(state: &dyn Reader) -> Result<Vec<(PublicKey, Sender)>, StoreError> {
    let mut senders = Vec::new();
    for_each_row(state, SENDERS, SENDERS_PAGE, &mut |key, bytes| {
        senders.push((read_key(key)?, value(SENDERS, bytes)?));
        Ok(())
    })?;
    Ok(senders)
}

/// The key of the index row that a sender's row makes due.
pub(super) fn index_key(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let sender: Sender = value(SENDERS, bytes)?;
    Ok(idle_key(sender.idle_since(), &read_key(key)?))
}

/// Drops senders that have been idle for long, the longest idle first, as many as a batch of so many transactions may (rule R-3). The mirror of
/// this is in the replica.
pub(super) fn drop_idle(state: &mut Overlay<'_>, time: Timestamp, transactions: usize) -> Result<(), StoreError> {
    let due = Sender::due_before(time).as_micros().to_be_bytes();
    let idle = state.scan(IDLE, &[], &due, Direction::Ascending, Sender::forgotten_beside(transactions))?;
    for (idle_key, _) in idle {
        let key: [u8; 32] = fixed(IDLE, idle_key.get(8..).unwrap_or_default())?;
        state.delete(SENDERS, key);
        state.delete(IDLE, idle_key);
    }
    Ok(())
}

fn read_key(key: &[u8]) -> Result<PublicKey, StoreError> {
    Ok(PublicKey::from_bytes(fixed(SENDERS, key)?))
}

fn idle_key(since: Timestamp, key: &PublicKey) -> Vec<u8> {
    [since.as_micros().to_be_bytes().as_slice(), key.as_bytes()].concat()
}

//! Which nonces are spent, and forgetting those whom nobody has heard of for long.

use std::collections::{BTreeMap, btree_map::Entry};
use std::time::Duration;

use tetrarch_crypto::PublicKey;
use tetrarch_storage::{Direction, Reader, StoreError};
use tetrarch_types::{Sender, Timestamp, encode, limits};

use super::rows::{IDLE, SENDERS};
use crate::tables::Overlay;
use crate::tables::{fixed, for_each_row, row, value};

/// Senders dropped in one batch, at most. Part of the protocol: it decides what the state is.
const MAX_DROPPED_SENDERS: usize = 64;

/// How long a sender may be idle, to the step. No transaction of its own can be valid any more after half of that, so its nonces can go.
const MAX_IDLE: Duration = limits::MAX_VALIDITY.saturating_mul(2);

/// Agreed time of the last use counts by so much here: a sender's row in the index stays for as long, however often it is heard of. Part
/// of the protocol.
const STEP: Duration = Duration::from_secs(60);

/// Senders in memory at a time: their rows have up to half a kilobyte.
pub(super) const SENDERS_PAGE: usize = 1_024;

/// The senders that a batch touches.
#[derive(Default)]
pub(super) struct Senders(BTreeMap<PublicKey, Touched>);

struct Touched {
    sender: Sender,
    /// Agreed time of the last use before, if the state has the sender.
    last_used: Option<Timestamp>,
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
                let last_used = before.as_ref().map(|sender| sender.last_used);
                entry.insert(Touched { sender: before.unwrap_or_default(), last_used, is_changed: false })
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
        for (key, Touched { sender, last_used, .. }) in self.0.into_iter().filter(|(_, touched)| touched.is_changed) {
            state.put(SENDERS, key.as_bytes(), encode(&sender));
            let (before, now) = (last_used.map(|before| idle_key(before, &key)), idle_key(sender.last_used, &key));
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
    Ok(idle_key(sender.last_used, &read_key(key)?))
}

/// Drops senders that have been idle for long, the longest idle first, a bounded number of them.
pub(super) fn drop_idle(state: &mut Overlay<'_>, time: Timestamp) -> Result<(), StoreError> {
    let oldest_kept = step(time.as_micros().saturating_sub(micros(MAX_IDLE)));
    let idle = state.scan(IDLE, &[], &oldest_kept.to_be_bytes(), Direction::Ascending, MAX_DROPPED_SENDERS)?;
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

fn idle_key(last_used: Timestamp, key: &PublicKey) -> Vec<u8> {
    [step(last_used.as_micros()).to_be_bytes().as_slice(), key.as_bytes()].concat()
}

/// The last full step.
fn step(at: u64) -> u64 {
    at - at % micros(STEP)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

//! Which nonces are spent, and forgetting those whom nobody has heard of for long.

use std::collections::{BTreeMap, btree_map::Entry};
use std::time::Duration;

use tetrarch_crypto::PublicKey;
use tetrarch_storage::{Direction, Reader, StoreError};
use tetrarch_types::{Sender, Timestamp, encode, limits};

use super::rows::{IDLE, SENDERS, behind, fixed, row, value};
use super::{Overlay, replies};

/// Senders dropped in one batch, at most.
const MAX_DROPPED_SENDERS: usize = 64;

/// Replies dropped with idle senders in one batch, at most. A sender with more of them is dropped over several batches.
const MAX_DROPPED_REPLIES: usize = 4_096;

/// How long a sender may be idle. No transaction of its own can be valid any more after half of that, so its nonces can go.
const MAX_IDLE: Duration = limits::MAX_VALIDITY.saturating_mul(2);

const PAGE: usize = 1_024;

/// The senders that a batch touches.
#[derive(Default)]
pub(super) struct Senders(BTreeMap<PublicKey, Touched>);

struct Touched {
    sender: Sender,
    /// As the state has it, if it has.
    before: Option<Sender>,
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
                entry.insert(Touched { sender: before.clone().unwrap_or_default(), before })
            }
        };
        let fresh = touched.sender.nonces.spend(nonce);
        if fresh {
            touched.sender.last_used = time;
        }
        Ok(fresh)
    }

    /// Writes what changed, and evicts the replies that each sender's nonces have left behind.
    pub(super) fn flush(self, state: &mut Overlay<'_>) -> Result<(), StoreError> {
        for (key, Touched { sender, before }) in self.0 {
            if before.as_ref() == Some(&sender) {
                continue;
            }
            state.put(SENDERS, key.as_bytes(), encode(&sender));
            if let Some(before) = &before {
                state.delete(IDLE, idle_key(before.last_used, &key));
            }
            state.put(IDLE, idle_key(sender.last_used, &key), []);
            let left_before = before.as_ref().and_then(lowest_kept).unwrap_or(0);
            if let Some(lowest) = lowest_kept(&sender) {
                replies::evict(state, &key, left_before..lowest)?;
            }
        }
        Ok(())
    }
}

/// Replies to lower nonces are evicted: x has evicted those up to x − `NONCE_WINDOW`.
fn lowest_kept(sender: &Sender) -> Option<u64> {
    sender.nonces.highest()?.checked_sub(limits::NONCE_WINDOW).map(|evicted| evicted + 1)
}

/// A sender as the state has it.
pub(super) fn read(state: &dyn Reader, key: &PublicKey) -> Result<Option<Sender>, StoreError> {
    row(state, SENDERS, key.as_bytes())
}

/// All of them, by key.
pub(super) fn all(state: &dyn Reader) -> Result<Vec<(PublicKey, Sender)>, StoreError> {
    let mut senders = Vec::new();
    let mut from = Vec::new();
    loop {
        let page = state.scan(SENDERS, &from, &[], Direction::Ascending, PAGE)?;
        for (key, bytes) in &page {
            senders.push((PublicKey::from_bytes(fixed(SENDERS, key)?), value(SENDERS, bytes)?));
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => from = behind(last),
            _ => return Ok(senders),
        }
    }
}

/// Drops senders that have been idle for long, with their replies, the longest idle first, a bounded number of both. The bounds
/// are part of the protocol: they decide what the state is.
pub(super) fn drop_idle(state: &mut Overlay<'_>, time: Timestamp) -> Result<(), StoreError> {
    let oldest_kept = time.as_micros().saturating_sub(micros(MAX_IDLE));
    let idle = state.scan(IDLE, &[], &oldest_kept.to_be_bytes(), Direction::Ascending, MAX_DROPPED_SENDERS)?;
    let mut allowance = MAX_DROPPED_REPLIES;
    for (idle_key, _) in idle {
        let key = PublicKey::from_bytes(fixed(IDLE, idle_key.get(8..).unwrap_or_default())?);
        allowance -= replies::evict_some(state, &key, allowance)?;
        if allowance == 0 {
            // Perhaps not all of them: the sender is remembered until they are gone.
            return Ok(());
        }
        state.delete(SENDERS, key.as_bytes());
        state.delete(IDLE, idle_key);
    }
    Ok(())
}

fn idle_key(last_used: Timestamp, key: &PublicKey) -> Vec<u8> {
    [last_used.as_micros().to_be_bytes().as_slice(), key.as_bytes()].concat()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

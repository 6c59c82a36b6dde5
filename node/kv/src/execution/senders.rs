//! Which nonces are spent, and forgetting those whom nobody has heard of for long.

use std::collections::{BTreeMap, btree_map::Entry};
use std::time::Duration;

use serde::{Deserialize, Serialize};
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

/// A sender's row: what agreement needs to know, and the extent of its part of the reply cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) sender: Sender,
    /// Replies cached, at most [`limits::NONCE_WINDOW`].
    cached: u64,
    /// No reply to a lower nonce is cached.
    cached_from: u64,
    /// Replies to some lower nonces were cached once and are gone.
    evicted_below: u64,
}

impl Row {
    /// Whether a reply to this nonce may have been cached and evicted.
    pub(super) const fn may_be_evicted(&self, nonce: u64) -> bool {
        nonce < self.evicted_below
    }

    /// The sender's replies to its lowest nonces make room when there are too many. Counted, not measured by distance: a sender
    /// that leaves gaps keeps as many replies as one that does not.
    fn evict(&mut self, state: &mut Overlay<'_>, key: &PublicKey) -> Result<(), StoreError> {
        let excess = self.cached.saturating_sub(limits::NONCE_WINDOW);
        let lowest = replies::evict_lowest(state, key, self.cached_from, excess)?;
        self.cached -= excess;
        if let Some(last) = lowest {
            self.cached_from = last.saturating_add(1);
            self.evicted_below = self.evicted_below.max(self.cached_from);
        }
        Ok(())
    }
}

/// The senders that a batch touches.
#[derive(Default)]
pub(super) struct Senders(BTreeMap<PublicKey, Touched>);

struct Touched {
    row: Row,
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
                let before = row_of(state, &key)?;
                let last_used = before.as_ref().map(|row| row.sender.last_used);
                entry.insert(Touched { row: before.unwrap_or_default(), last_used, is_changed: false })
            }
        };
        let row = &mut touched.row;
        let fresh = row.sender.nonces.spend(nonce);
        if fresh {
            touched.is_changed = true;
            row.sender.last_used = time;
            row.cached_from = if row.cached == 0 { nonce } else { row.cached_from.min(nonce) };
            row.cached += 1;
        }
        Ok(fresh)
    }

    /// Writes what changed, and evicts what each sender has too many of in the reply cache.
    pub(super) fn flush(self, state: &mut Overlay<'_>) -> Result<(), StoreError> {
        for (key, Touched { mut row, last_used, .. }) in self.0.into_iter().filter(|(_, touched)| touched.is_changed) {
            row.evict(state, &key)?;
            state.put(SENDERS, key.as_bytes(), encode(&row));
            if let Some(before) = last_used {
                state.delete(IDLE, idle_key(before, &key));
            }
            state.put(IDLE, idle_key(row.sender.last_used, &key), []);
        }
        Ok(())
    }
}

/// A sender's row as the state has it.
pub(super) fn row_of(state: &dyn Reader, key: &PublicKey) -> Result<Option<Row>, StoreError> {
    row(state, SENDERS, key.as_bytes())
}

/// A sender as the state has it.
pub(super) fn read(state: &dyn Reader, key: &PublicKey) -> Result<Option<Sender>, StoreError> {
    Ok(row_of(state, key)?.map(|row| row.sender))
}

/// All of them, by key.
pub(super) fn all(state: &dyn Reader) -> Result<Vec<(PublicKey, Sender)>, StoreError> {
    let mut senders = Vec::new();
    let mut from = Vec::new();
    loop {
        let page = state.scan(SENDERS, &from, &[], Direction::Ascending, PAGE)?;
        for (key, bytes) in &page {
            let row: Row = value(SENDERS, bytes)?;
            senders.push((PublicKey::from_bytes(fixed(SENDERS, key)?), row.sender));
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
        let dropped = replies::evict_some(state, &key, allowance)?;
        allowance -= dropped;
        if allowance == 0 {
            // Perhaps not all of them: the sender is remembered until they are gone.
            return forget_some(state, &key, dropped);
        }
        state.delete(SENDERS, key.as_bytes());
        state.delete(IDLE, idle_key);
    }
    Ok(())
}

/// Some replies of an idle sender are gone, without regard to which nonces they answered.
fn forget_some(state: &mut Overlay<'_>, key: &PublicKey, dropped: usize) -> Result<(), StoreError> {
    let Some(mut row) = row_of(state, key)? else { return Ok(()) };
    row.cached = row.cached.saturating_sub(dropped as u64);
    row.evicted_below = u64::MAX;
    state.put(SENDERS, key.as_bytes(), encode(&row));
    Ok(())
}

fn idle_key(last_used: Timestamp, key: &PublicKey) -> Vec<u8> {
    [last_used.as_micros().to_be_bytes().as_slice(), key.as_bytes()].concat()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

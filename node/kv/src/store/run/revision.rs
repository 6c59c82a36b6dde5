//! A revision in the making: what one request changes.

use tetrarch_crypto::Digest;
use tetrarch_storage::StoreError;
use tetrarch_types::{Timestamp, encode};

use super::compaction;
use crate::store::bounds::{CLEARED_PER_CHANGE, MAX_REVISION_KEY_BYTES, MAX_REVISION_KEYS};
use crate::store::budget::Budget;
use crate::store::failure::Failure;
use crate::store::record::{self, KeyRecord, RECORDS};
use crate::store::rows::events::{self, Event};
use crate::store::rows::meta::Meta;
use crate::store::rows::{history, leases};
use crate::store::{KvError, chain};
use crate::tables::Overlay;

/// What a request did so far. Nothing of it counts before [`finish`](Self::finish).
pub(super) struct Revision<'r, 's> {
    pub(super) state: &'r mut Overlay<'s>,
    pub(super) meta: Meta,
    pub(super) budget: Budget,
    /// Agreed time.
    time: Timestamp,
    /// Of its events so far.
    digests: Vec<Digest>,
    key_bytes: usize,
}

impl<'r, 's> Revision<'r, 's> {
    pub(super) fn begin(state: &'r mut Overlay<'s>, meta: Meta, budget: Budget, time: Timestamp) -> Self {
        Self { state, meta, budget, time, digests: Vec::new(), key_bytes: 0 }
    }

    /// The revision as the next operation sees it: one more as soon as something has changed.
    pub(super) fn number(&self) -> u64 {
        self.meta.revision + u64::from(!self.digests.is_empty())
    }

    /// Puts a key; its new version. The lease must be there, if it is not 0.
    pub(super) fn put(
        &mut self,
        key: Vec<u8>,
        value: Vec<u8>,
        lease: u64,
        before: Option<&KeyRecord>,
    ) -> Result<u64, Failure> {
        let mod_revision = self.meta.revision + 1;
        let (create_revision, version) = before.map_or((mod_revision, 1), |old| (old.create_revision, old.version + 1));
        let record = KeyRecord { value, create_revision, mod_revision, version, lease };
        self.detach(&key, before)?;
        self.attach(&key, &record)?;
        self.note(&key, Some(&record), before)?;
        self.state.put(RECORDS, key, encode(&record));
        Ok(version)
    }

    /// Deletes a key that has this record.
    pub(super) fn delete(&mut self, key: &[u8], record: &KeyRecord) -> Result<(), Failure> {
        self.detach(key, Some(record))?;
        self.note(key, None, Some(record))?;
        self.state.delete(RECORDS, key);
        Ok(())
    }

    /// Deletes a key that hangs on a lease which ends.
    pub(super) fn delete_with_lease(&mut self, lease: u64, key: &[u8]) -> Result<(), StoreError> {
        leases::detach(self.state, lease, key);
        let Some(record) = record::read(self.state, key)? else { return Ok(()) };
        self.write_down(key, None, Some(&record))?;
        self.state.delete(RECORDS, key);
        Ok(())
    }

    /// Settles the revision, and clears a little of what is compacted.
    pub(super) fn finish(mut self) -> Result<(Meta, Budget), StoreError> {
        if !self.digests.is_empty() {
            self.meta.revision += 1;
            self.meta.chain = chain::next(&self.meta.chain, self.meta.revision, &self.digests);
            compaction::clear(self.state, &mut self.meta, self.digests.len() * CLEARED_PER_CHANGE)?;
        }
        self.meta.put(self.state);
        Ok((self.meta, self.budget))
    }

    fn attach(&mut self, key: &[u8], record: &KeyRecord) -> Result<(), Failure> {
        if record.lease == 0 {
            return Ok(());
        }
        let lease = leases::read(self.state, record.lease)?.ok_or(KvError::LeaseNotFound)?;
        let load = lease.load.with(key, &record.value).ok_or(KvError::LeaseFull)?;
        leases::put(self.state, record.lease, Some(&lease), &leases::Lease { load, ..lease });
        leases::attach(self.state, record.lease, key);
        Ok(())
    }

    fn detach(&mut self, key: &[u8], record: Option<&KeyRecord>) -> Result<(), StoreError> {
        let Some(record) = record.filter(|record| record.lease != 0) else { return Ok(()) };
        leases::detach(self.state, record.lease, key);
        if let Some(lease) = leases::read(self.state, record.lease)? {
            let load = lease.load.without(key, &record.value);
            leases::put(self.state, record.lease, Some(&lease), &leases::Lease { load, ..lease });
        }
        Ok(())
    }

    /// An event within the bounds of one request.
    fn note(&mut self, key: &[u8], put: Option<&KeyRecord>, previous: Option<&KeyRecord>) -> Result<(), Failure> {
        self.key_bytes += key.len();
        let moved = previous.map_or(0, |record| record::cost(key, record));
        if self.digests.len() >= MAX_REVISION_KEYS || self.key_bytes > MAX_REVISION_KEY_BYTES {
            return Err(KvError::TooMuch.into());
        }
        if !self.budget.may_move(moved) {
            return Err(self.budget.refusal().into());
        }
        Ok(self.write_down(key, put, previous)?)
    }

    fn write_down(
        &mut self,
        key: &[u8],
        put: Option<&KeyRecord>,
        previous: Option<&KeyRecord>,
    ) -> Result<(), StoreError> {
        let revision = self.meta.revision + 1;
        let number = u32::try_from(self.digests.len()).unwrap_or(u32::MAX);
        let before = (number == 0).then_some(self.meta.chain);
        let event = Event { revision, before, key: key.to_vec(), is_put: put.is_some(), previous: previous.cloned() };
        let spot = events::append(self.state, &mut self.meta, self.time, number, &event)?;
        if previous.is_some() {
            self.meta.kept_bytes += history::put(self.state, key, revision, spot);
        }
        let digests = (put.map(KeyRecord::digest), previous.map(KeyRecord::digest));
        self.digests.push(chain::event(key, digests.0.as_ref(), digests.1.as_ref()));
        Ok(())
    }
}

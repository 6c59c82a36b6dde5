//! Leases (rules E-1 to E-3). Agreed time is the only clock.

use std::time::Duration;

use tetrarch_storage::StoreError;
use tetrarch_types::Timestamp;

use super::revision::Revision;
use crate::store::bounds::{MAX_ENDED_LEASES, MIN_LEASE_TTL};
use crate::store::budget::Budget;
use crate::store::failure::Failure;
use crate::store::load::Load;
use crate::store::rows::leases::{self, Lease};
use crate::store::rows::meta::Meta;
use crate::store::{Answered, KvError, Response};
use crate::tables::Overlay;

impl Revision<'_, '_> {
    pub(super) fn grant(&mut self, id: u64, ttl: i64, now: Timestamp) -> Result<Answered, Failure> {
        if leases::read(self.state, id)?.is_some() {
            return Err(KvError::LeaseExists.into());
        }
        let ttl = u64::try_from(ttl).unwrap_or_default().max(MIN_LEASE_TTL);
        leases::put(self.state, id, None, &Lease { ttl, deadline: deadline(now, ttl), load: Load::default() });
        self.answer(Response::LeaseGranted { id, ttl })
    }

    pub(super) fn keep_alive(&mut self, id: u64, now: Timestamp) -> Result<Answered, Failure> {
        // One whose deadline has passed ends, however soon its turn comes.
        let lease = leases::read(self.state, id)?.filter(|lease| lease.deadline > now);
        if let Some(before) = &lease {
            leases::put(self.state, id, Some(before), &Lease { deadline: deadline(now, before.ttl), ..*before });
        }
        self.answer(Response::LeaseKept { id, ttl: lease.map_or(0, |lease| lease.ttl) })
    }

    pub(super) fn revoke(&mut self, id: u64) -> Result<Answered, Failure> {
        let lease = leases::read(self.state, id)?.ok_or(KvError::LeaseNotFound)?;
        if !self.budget.may_end(&lease.load) {
            return Err(self.budget.refusal().into());
        }
        self.end(id, &lease)?;
        self.answer(Response::LeaseRevoked)
    }

    /// Deletes what hangs on a lease, by key, and the lease. That much always fits into a revision.
    fn end(&mut self, id: u64, lease: &Lease) -> Result<(), StoreError> {
        for key in leases::keys(self.state, id)? {
            self.delete_with_lease(id, &key)?;
        }
        leases::delete(self.state, id, lease);
        Ok(())
    }
}

/// Ends leases whose deadlines have passed, each in a revision of its own.
pub(super) fn expire(state: &mut Overlay<'_>, mut meta: Meta, now: Timestamp) -> Result<Meta, StoreError> {
    let mut load = Load::default();
    for id in leases::due(state, now, MAX_ENDED_LEASES)? {
        let Some(lease) = leases::read(state, id)? else { continue };
        let ended = load.plus(lease.load);
        if load != Load::default() && !ended.is_bounded() {
            break;
        }
        load = ended;
        let mut revision = Revision::begin(state, meta, Budget::COMMAND, now);
        revision.end(id, &lease)?;
        meta = revision.finish()?.0;
    }
    Ok(meta)
}

fn deadline(now: Timestamp, ttl: u64) -> Timestamp {
    now.plus(Duration::from_secs(ttl))
}

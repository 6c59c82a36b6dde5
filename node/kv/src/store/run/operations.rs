//! Reading, putting and deleting.

use super::revision::Revision;
use crate::store::bounds::RESPONSE_BYTES;
use crate::store::failure::Failure;
use crate::store::read::{Fit, Seen, Visit, select, walk};
use crate::store::record::{self, KeyRecord, Pair, cost};
use crate::store::request::{DeleteRangeRequest, PutRequest, RangeRequest};
use crate::store::rows::leases;
use crate::store::{Answered, KvError, Response};

impl Revision<'_, '_> {
    pub(super) fn range(&mut self, request: &RangeRequest) -> Result<Answered, Failure> {
        self.meta.check_read(request.revision)?;
        let found = select(self.state, request, self.number(), &mut self.budget, Fit::All)?;
        self.answer(Response::Range(found))
    }

    pub(super) fn put_one(&mut self, request: PutRequest) -> Result<Answered, Failure> {
        // In this order, as etcd does.
        if request.lease != 0 && leases::read(self.state, request.lease)?.is_none() {
            return Err(KvError::LeaseNotFound.into());
        }
        let before = record::read(self.state, &request.key)?;
        let PutRequest { key, mut value, mut lease, prev_kv, ignore_value, ignore_lease } = request;
        if ignore_value || ignore_lease {
            let before = before.as_ref().ok_or(KvError::KeyNotFound)?;
            if ignore_value {
                if !self.budget.may_read(before.value.len()) {
                    return Err(self.budget.refusal().into());
                }
                value.clone_from(&before.value);
            }
            if ignore_lease {
                lease = before.lease;
            }
        }
        let version = self.put(key.clone(), value, lease, before.as_ref())?;
        let previous = before.filter(|_| prev_kv).map(|record| (key, record));
        self.tell(previous.iter())?;
        self.answer(Response::Put { version, previous })
    }

    pub(super) fn delete_range(&mut self, request: &DeleteRangeRequest) -> Result<Answered, Failure> {
        let doomed = self.doomed(request)?;
        for (key, record) in &doomed {
            self.delete(key, record)?;
        }
        let count = doomed.len() as u64;
        let previous = if request.prev_kv { doomed } else { Vec::new() };
        self.tell(previous.iter())?;
        self.answer(Response::Deleted { count, previous })
    }

    fn doomed(&mut self, request: &DeleteRangeRequest) -> Result<Vec<Pair>, Failure> {
        let (mut doomed, mut is_bounded) = (Vec::new(), true);
        let budget = &mut self.budget;
        walk(self.state, &request.range.span(), None, &mut |Seen { key, record, .. }| {
            let Some(record) = record else { return Ok(Visit::Next) };
            is_bounded = budget.may_read(key.len() + record.value.len());
            doomed.push((key, record));
            Ok(if is_bounded { Visit::Next } else { Visit::Stop })
        })?;
        if is_bounded { Ok(doomed) } else { Err(self.budget.refusal().into()) }
    }

    /// Sets room in the answer apart for records.
    fn tell<'p>(&mut self, mut records: impl Iterator<Item = &'p (Vec<u8>, KeyRecord)>) -> Result<(), KvError> {
        let fits = records.all(|(key, record)| self.budget.may_answer(cost(key, record)));
        if fits { Ok(()) } else { Err(KvError::AnswerTooLarge) }
    }

    /// A response at the revision that has come of it.
    pub(super) fn answer(&mut self, response: Response) -> Result<Answered, Failure> {
        if !self.budget.may_answer(RESPONSE_BYTES) {
            return Err(KvError::AnswerTooLarge.into());
        }
        Ok(Answered { revision: self.number(), response })
    }
}

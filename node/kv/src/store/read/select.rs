//! Which records of a range are answered, in which order.

use std::cmp::Ordering;

use tetrarch_storage::{Reader, StoreError};

use super::walk::{Seen, Visit, walk};
use crate::store::budget::Budget;
use crate::store::failure::Failure;
use crate::store::record::{KeyRecord, Pair, cost};
use crate::store::request::{RangeRequest, SortOrder, SortTarget};
use crate::store::{KvError, Selection};

/// What to do about an answer that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fit {
    /// Refuse it.
    All,
    /// Answer the first records and say that there are more, if they come in the order of their keys. What is behind them is counted.
    Some,
    /// The same, and look at nothing behind them.
    Page,
}

/// Answers a range at a revision that is kept; `latest` is the one that is there now.
pub(in crate::store) fn select(
    state: &dyn Reader,
    request: &RangeRequest,
    latest: u64,
    budget: &mut Budget,
    fit: Fit,
) -> Result<Selection, Failure> {
    let revision = Some(request.revision).filter(|revision| *revision != 0 && *revision != latest);
    let mut selecting = Selecting { request, budget, fit, found: Selection::default(), refused: None };
    selecting.found.count_is_exact = true;
    walk(state, &request.range.span(), revision, &mut |seen| selecting.see(seen))?;
    selecting.finish()
}

struct Selecting<'s> {
    request: &'s RangeRequest,
    budget: &'s mut Budget,
    fit: Fit,
    found: Selection,
    refused: Option<KvError>,
}

impl Selecting<'_> {
    fn see(&mut self, Seen { key, record, past }: Seen) -> Result<Visit, StoreError> {
        let bytes = key.len() + record.as_ref().map_or(0, |record| record.value.len());
        if !self.budget.may_read(bytes) || !self.budget.may_look_back(past) {
            return Ok(self.stop());
        }
        let Some(record) = record else { return Ok(Visit::Next) };
        self.found.count += 1;
        if self.request.count_only || self.found.more || !self.passes(&record) {
            return Ok(Visit::Next);
        }
        let visit = self.take(key, record);
        if self.found.more && self.fit == Fit::Page {
            self.found.count_is_exact = false;
            return Ok(Visit::Stop);
        }
        Ok(visit)
    }

    /// One record that passes the filters.
    fn take(&mut self, key: Vec<u8>, record: KeyRecord) -> Visit {
        let had = self.found.records.len() as u64;
        if self.request.limit != 0 && had >= self.most() {
            self.found.more = true;
        } else if self.is_sorted() {
            self.found.records.push((key, self.needed(record)));
        } else {
            let record = self.told(record);
            if self.budget.may_answer(cost(&key, &record)) {
                self.found.records.push((key, record));
            } else if self.fit != Fit::All {
                self.found.more = true;
            } else {
                self.refused = Some(KvError::AnswerTooLarge);
                return Visit::Stop;
            }
        }
        Visit::Next
    }

    /// What is left cannot be read.
    fn stop(&mut self) -> Visit {
        if self.fit != Fit::All && (self.request.count_only || !self.is_sorted()) {
            self.found.more = !self.request.count_only;
            self.found.count_is_exact = false;
        } else {
            self.refused = Some(self.budget.refusal());
        }
        Visit::Stop
    }

    fn finish(mut self) -> Result<Selection, Failure> {
        if let Some(refused) = self.refused {
            return Err(refused.into());
        }
        if self.is_sorted() {
            self.sort()?;
        }
        Ok(self.found)
    }

    fn sort(&mut self) -> Result<(), Failure> {
        let records = &mut self.found.records;
        let by = |one: &Pair, other: &Pair| compare(self.request.sort.target, one, other);
        match self.request.sort.order {
            SortOrder::Descend => records.sort_by(|one, other| by(other, one)),
            SortOrder::None | SortOrder::Ascend => records.sort_by(by),
        }
        let limit = usize::try_from(self.request.limit).unwrap_or(usize::MAX);
        if limit != 0 && records.len() > limit {
            records.truncate(limit);
            self.found.more = true;
        }
        for (key, record) in records {
            if self.request.keys_only {
                record.value = Vec::new();
            }
            if !self.budget.may_answer(cost(key, record)) {
                return Err(KvError::AnswerTooLarge.into());
            }
        }
        Ok(())
    }

    /// How many records are taken on the way.
    fn most(&self) -> u64 {
        match self.request.sort.order {
            _ if !self.is_sorted() => self.request.limit,
            // As etcd does: see `SortOrder::None`.
            SortOrder::None if !self.request.has_filters() => self.request.limit.saturating_add(1),
            _ => u64::MAX,
        }
    }

    /// Whether all must be seen before the first is known.
    fn is_sorted(&self) -> bool {
        let sort = self.request.sort;
        sort.target != SortTarget::Key || sort.order == SortOrder::Descend
    }

    fn passes(&self, record: &KeyRecord) -> bool {
        self.request.mod_revisions.contains(record.mod_revision)
            && self.request.create_revisions.contains(record.create_revision)
    }

    fn told(&self, record: KeyRecord) -> KeyRecord {
        if self.request.keys_only { KeyRecord { value: Vec::new(), ..record } } else { record }
    }

    /// What sorting and telling need of a record.
    fn needed(&self, record: KeyRecord) -> KeyRecord {
        if self.request.sort.target == SortTarget::Value { record } else { self.told(record) }
    }
}

fn compare(target: SortTarget, (key, record): &Pair, (other_key, other): &Pair) -> Ordering {
    match target {
        SortTarget::Key => key.cmp(other_key),
        SortTarget::Version => record.version.cmp(&other.version),
        SortTarget::Create => record.create_revision.cmp(&other.create_revision),
        SortTarget::Mod => record.mod_revision.cmp(&other.mod_revision),
        SortTarget::Value => record.value.cmp(&other.value),
    }
}

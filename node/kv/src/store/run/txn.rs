//! Transactions: all compares first, those of nested ones too; then what the operations name is checked; then they run.

use std::cmp::Ordering;

use super::revision::Revision;
use crate::store::failure::Failure;
use crate::store::read::{Seen, Visit, walk};
use crate::store::record::{self, KeyRecord};
use crate::store::request::{Compare, Operation, PutRequest, Target, TxnRequest};
use crate::store::rows::leases;
use crate::store::{Answered, KvError, Response, TxnResponse};

/// What a transaction comes down to once all compares are settled.
pub(super) struct Settled {
    succeeded: bool,
    /// What runs.
    steps: Vec<Step>,
}

enum Step {
    /// Anything but a transaction.
    Plain(Operation),
    Txn(Settled),
}

impl Revision<'_, '_> {
    pub(super) fn txn(&mut self, request: TxnRequest) -> Result<Answered, Failure> {
        let settled = self.settle(request)?;
        self.check_puts(&settled)?;
        self.check_ranges(&settled)?;
        self.run(settled)
    }

    fn settle(&mut self, request: TxnRequest) -> Result<Settled, Failure> {
        let mut succeeded = true;
        for compare in &request.compares {
            succeeded = succeeded && self.holds(compare)?;
        }
        let operations = if succeeded { request.success } else { request.failure };
        let mut steps = Vec::with_capacity(operations.len());
        for operation in operations {
            steps.push(match operation {
                Operation::Txn(txn) => Step::Txn(self.settle(txn)?),
                plain => Step::Plain(plain),
            });
        }
        Ok(Settled { succeeded, steps })
    }

    fn holds(&mut self, compare: &Compare) -> Result<bool, Failure> {
        let (mut holds, mut is_bounded, mut is_any) = (true, true, false);
        let budget = &mut self.budget;
        walk(self.state, &compare.range.span(), None, &mut |Seen { key, record, .. }| {
            let Some(record) = record else { return Ok(Visit::Next) };
            is_any = true;
            is_bounded = budget.may_read(key.len() + record.value.len());
            holds = compare.result.holds(against(&compare.target, &record));
            Ok(if holds && is_bounded { Visit::Next } else { Visit::Stop })
        })?;
        if !is_bounded {
            return Err(self.budget.refusal().into());
        }
        Ok(if is_any { holds } else { holds_of_nothing(compare) })
    }

    /// What puts that will run name must be there before anything runs.
    fn check_puts(&mut self, settled: &Settled) -> Result<(), Failure> {
        for step in &settled.steps {
            match step {
                Step::Plain(Operation::Put(put)) => self.check_put(put)?,
                Step::Plain(_) => {}
                Step::Txn(nested) => self.check_puts(nested)?,
            }
        }
        Ok(())
    }

    fn check_put(&mut self, put: &PutRequest) -> Result<(), Failure> {
        if put.ignore_value || put.ignore_lease {
            let there = record::read(self.state, &put.key)?.ok_or(KvError::KeyNotFound)?;
            if !self.budget.may_read(there.value.len()) {
                return Err(self.budget.refusal().into());
            }
        }
        if put.lease != 0 && leases::read(self.state, put.lease)?.is_none() {
            return Err(KvError::LeaseNotFound.into());
        }
        Ok(())
    }

    fn check_ranges(&self, settled: &Settled) -> Result<(), KvError> {
        settled.steps.iter().try_for_each(|step| match step {
            Step::Plain(Operation::Range(range)) => self.meta.check_read(range.revision),
            Step::Plain(_) => Ok(()),
            Step::Txn(nested) => self.check_ranges(nested),
        })
    }

    fn run(&mut self, settled: Settled) -> Result<Answered, Failure> {
        let mut responses = Vec::with_capacity(settled.steps.len());
        for step in settled.steps {
            responses.push(match step {
                Step::Plain(operation) => self.operate(operation)?,
                Step::Txn(nested) => self.run(nested)?,
            });
        }
        self.answer(Response::Txn(TxnResponse { succeeded: settled.succeeded, responses }))
    }

    /// One operation.
    pub(super) fn operate(&mut self, operation: Operation) -> Result<Answered, Failure> {
        match operation {
            Operation::Range(range) => self.range(&range),
            Operation::Put(put) => self.put_one(put),
            Operation::DeleteRange(delete) => self.delete_range(&delete),
            Operation::Txn(txn) => self.txn(txn),
        }
    }
}

fn against(target: &Target, record: &KeyRecord) -> Ordering {
    match target {
        Target::Version(version) => signed(record.version).cmp(version),
        Target::Create(revision) => signed(record.create_revision).cmp(revision),
        Target::Mod(revision) => signed(record.mod_revision).cmp(revision),
        Target::Value(value) => record.value.cmp(value),
        Target::Lease(lease) => record.lease.cmp(lease),
    }
}

fn holds_of_nothing(compare: &Compare) -> bool {
    let nothing = KeyRecord { value: Vec::new(), create_revision: 0, mod_revision: 0, version: 0, lease: 0 };
    !matches!(compare.target, Target::Value(_)) && compare.result.holds(against(&compare.target, &nothing))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

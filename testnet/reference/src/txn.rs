//! Changing keys, in a draft that is thrown away when the request is refused.

use std::cmp::Ordering;

use tetrarch_kv::{
    Answered, Compare, Comparison, DeleteRangeRequest, KeyRecord, KvError, Operation, PutRequest, RangeRequest,
    Request, Response, Target, TxnRequest, TxnResponse,
};

use super::range::{select, within};
use super::{Event, Records, Reference};

pub(super) struct Draft {
    pub(super) records: Records,
    pub(super) events: Vec<Event>,
    before: u64,
}

impl Draft {
    pub(super) fn of(reference: &Reference) -> Self {
        Self { records: reference.latest().clone(), events: Vec::new(), before: reference.revision }
    }

    pub(super) fn request(&mut self, reference: &Reference, request: &Request) -> Result<Answered, KvError> {
        match request {
            Request::Range(range) => self.range(reference, range),
            Request::Put(put) => self.put(reference, put),
            Request::DeleteRange(delete) => Ok(self.delete_range(delete)),
            Request::Txn(txn) => {
                let plan = plan(&self.records, txn);
                plan.operations(&mut |operation| match operation {
                    Operation::Put(put) if put.ignore_value || put.ignore_lease => {
                        self.records.get(&put.key).map(|_| ()).ok_or(KvError::KeyNotFound)?;
                        lease_exists(reference, put)
                    }
                    Operation::Put(put) => lease_exists(reference, put),
                    _ => Ok(()),
                })?;
                plan.operations(&mut |operation| match operation {
                    Operation::Range(range) => reference.readable(range.revision).map(|_| ()),
                    _ => Ok(()),
                })?;
                self.run(reference, &plan)
            }
            // The others change no keys.
            _ => Err(KvError::Malformed),
        }
    }

    pub(super) fn delete(&mut self, key: &[u8]) {
        let before = self.records.remove(key);
        self.events.push((key.to_vec(), None, before));
    }

    fn answer(&self, response: Response) -> Answered {
        Answered { revision: self.before + u64::from(!self.events.is_empty()), response }
    }

    fn range(&self, reference: &Reference, request: &RangeRequest) -> Result<Answered, KvError> {
        let old = reference.readable(request.revision)?;
        let records = if request.revision == 0 { &self.records } else { old };
        Ok(self.answer(Response::Range(select(records, request))))
    }

    fn put(&mut self, reference: &Reference, put: &PutRequest) -> Result<Answered, KvError> {
        lease_exists(reference, put)?;
        let before = self.records.get(&put.key).cloned();
        if (put.ignore_value || put.ignore_lease) && before.is_none() {
            return Err(KvError::KeyNotFound);
        }
        let now = self.before + 1;
        let mut record = KeyRecord {
            value: put.value.clone(),
            create_revision: now,
            mod_revision: now,
            version: 1,
            lease: put.lease,
        };
        if let Some(before) = &before {
            record.create_revision = before.create_revision;
            record.version = before.version + 1;
            if put.ignore_value {
                record.value = before.value.clone();
            }
            if put.ignore_lease {
                record.lease = before.lease;
            }
        }
        let version = record.version;
        self.records.insert(put.key.clone(), record.clone());
        self.events.push((put.key.clone(), Some(record), before.clone()));
        let previous = before.filter(|_| put.prev_kv).map(|record| (put.key.clone(), record));
        Ok(self.answer(Response::Put { version, previous }))
    }

    fn delete_range(&mut self, delete: &DeleteRangeRequest) -> Answered {
        let doomed = within(&self.records, &delete.range);
        doomed.iter().for_each(|(key, _)| self.delete(key));
        let count = doomed.len() as u64;
        self.answer(Response::Deleted { count, previous: if delete.prev_kv { doomed } else { Vec::new() } })
    }

    fn run(&mut self, reference: &Reference, plan: &Plan<'_>) -> Result<Answered, KvError> {
        let mut responses = Vec::new();
        for step in &plan.steps {
            responses.push(match step {
                Step::Nested(nested) => self.run(reference, nested)?,
                Step::Plain(Operation::Range(range)) => self.range(reference, range)?,
                Step::Plain(Operation::Put(put)) => self.put(reference, put)?,
                Step::Plain(Operation::DeleteRange(delete)) => self.delete_range(delete),
                // It is planned, and so nested.
                Step::Plain(Operation::Txn(_)) => return Err(KvError::Malformed),
            });
        }
        Ok(self.answer(Response::Txn(TxnResponse { succeeded: plan.succeeded, responses })))
    }
}

fn lease_exists(reference: &Reference, put: &PutRequest) -> Result<(), KvError> {
    if put.lease == 0 || reference.leases.contains_key(&put.lease) { Ok(()) } else { Err(KvError::LeaseNotFound) }
}

/// Which operations of a transaction run.
struct Plan<'t> {
    succeeded: bool,
    steps: Vec<Step<'t>>,
}

enum Step<'t> {
    Plain(&'t Operation),
    Nested(Plan<'t>),
}

impl Plan<'_> {
    fn operations(&self, look: &mut dyn FnMut(&Operation) -> Result<(), KvError>) -> Result<(), KvError> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Plain(operation) => look(operation),
            Step::Nested(plan) => plan.operations(look),
        })
    }
}

fn plan<'t>(records: &Records, txn: &'t TxnRequest) -> Plan<'t> {
    let succeeded = txn.compares.iter().all(|compare| holds(records, compare));
    let taken = if succeeded { &txn.success } else { &txn.failure };
    let step = |operation: &'t Operation| match operation {
        Operation::Txn(nested) => Step::Nested(plan(records, nested)),
        plain => Step::Plain(plain),
    };
    Plan { succeeded, steps: taken.iter().map(step).collect() }
}

fn holds(records: &Records, compare: &Compare) -> bool {
    let found = within(records, &compare.range);
    if found.is_empty() {
        let zero = KeyRecord { value: vec![], create_revision: 0, mod_revision: 0, version: 0, lease: 0 };
        return !matches!(compare.target, Target::Value(_)) && is_so(compare, &zero);
    }
    found.iter().all(|(_, record)| is_so(compare, record))
}

fn is_so(compare: &Compare, record: &KeyRecord) -> bool {
    let ordering = match &compare.target {
        Target::Version(other) => i128::from(record.version).cmp(&i128::from(*other)),
        Target::Create(other) => i128::from(record.create_revision).cmp(&i128::from(*other)),
        Target::Mod(other) => i128::from(record.mod_revision).cmp(&i128::from(*other)),
        Target::Value(other) => record.value.cmp(other),
        Target::Lease(other) => record.lease.cmp(other),
    };
    match compare.result {
        Comparison::Equal => ordering == Ordering::Equal,
        Comparison::NotEqual => ordering != Ordering::Equal,
        Comparison::Greater => ordering == Ordering::Greater,
        Comparison::Less => ordering == Ordering::Less,
    }
}

//! Running a command's operations.

use tetrarch_storage::StoreError;
use tetrarch_types::encode;

use super::bounds::Budget;
use super::events::{Event, Meta};
use super::record::{RECORDS, cost, read};
use super::select::{deletable, select};
use super::{Expected, KeyRecord, KvError, Operation, OperationResult};
use crate::tables::Overlay;

/// Why an operation has no result: it is refused, or the whole command cannot go on.
pub(super) enum Failure {
    Refused(KvError),
    Store(StoreError),
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One command under way.
pub(super) struct Changes<'c, 's> {
    state: &'c mut Overlay<'s>,
    /// With the revision that the command makes, if it changes anything.
    meta: Meta,
    events: u32,
    budget: Budget,
}

impl<'c, 's> Changes<'c, 's> {
    pub(super) fn begin(state: &'c mut Overlay<'s>) -> Result<Self, StoreError> {
        let mut meta = Meta::read(state)?;
        meta.revision += 1;
        Ok(Self { state, meta, events: 0, budget: Budget::COMMAND })
    }

    /// Settles the revision and returns it: the new one if something changed.
    pub(super) fn finish(mut self) -> Result<u64, StoreError> {
        if self.events == 0 {
            return Ok(self.meta.revision - 1);
        }
        self.meta.trim(self.state)?;
        self.meta.put(self.state);
        Ok(self.meta.revision)
    }

    pub(super) fn run(&mut self, operation: Operation) -> Result<OperationResult, Failure> {
        operation.check()?;
        match operation {
            Operation::Put { key, value } => {
                let before = read(self.state, &key)?;
                Ok(OperationResult::Put { version: self.put(key, value, before) })
            }
            Operation::Delete { key } => {
                let existed = read(self.state, &key)?.is_some();
                if existed {
                    self.delete(key);
                }
                Ok(OperationResult::Deleted { count: existed.into() })
            }
            Operation::DeletePrefix { prefix } => self.delete_prefix(&prefix),
            Operation::CompareAndSwap { key, expected, value } => self.compare_and_swap(key, &expected, value),
            Operation::Get { key } => self.get(&key),
            Operation::Range { from, to, limit } => {
                Ok(OperationResult::Range(select(self.state, &from, &to, limit, &mut self.budget)?))
            }
        }
    }

    fn delete_prefix(&mut self, prefix: &[u8]) -> Result<OperationResult, Failure> {
        let keys = deletable(self.state, prefix, &mut self.budget)?.ok_or(KvError::TooManyKeys)?;
        let count = keys.len() as u64;
        keys.into_iter().for_each(|key| self.delete(key));
        Ok(OperationResult::Deleted { count })
    }

    fn compare_and_swap(
        &mut self,
        key: Vec<u8>,
        expected: &Expected,
        value: Option<Vec<u8>>,
    ) -> Result<OperationResult, Failure> {
        let before = read(self.state, &key)?;
        if !holds(expected, before.as_ref()) {
            let mod_revision = before.map_or(0, |record| record.mod_revision);
            return Ok(OperationResult::Swapped { succeeded: false, mod_revision });
        }
        let mod_revision = match (value, before) {
            (Some(value), before) => {
                self.put(key, value, before);
                self.meta.revision
            }
            (None, Some(_)) => {
                self.delete(key);
                0
            }
            (None, None) => 0,
        };
        Ok(OperationResult::Swapped { succeeded: true, mod_revision })
    }

    fn get(&mut self, key: &[u8]) -> Result<OperationResult, Failure> {
        let record = read(self.state, key)?;
        if let Some(record) = &record
            && !self.budget.may_answer(cost(key, record))
        {
            return Err(KvError::AnswerTooLarge.into());
        }
        Ok(OperationResult::Got { record })
    }

    /// Returns the key's new version.
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>, before: Option<KeyRecord>) -> u64 {
        let mod_revision = self.meta.revision;
        let (create_revision, version) = before.map_or((mod_revision, 1), |old| (old.create_revision, old.version + 1));
        let record = KeyRecord { value, create_revision, mod_revision, version, lease: 0 };
        self.note(&Event { key: &key, record: Some(&record) });
        self.state.put(RECORDS, key, encode(&record));
        version
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.note(&Event { key: &key, record: None });
        self.state.delete(RECORDS, key);
    }

    fn note(&mut self, event: &Event<'_>) {
        self.meta.append(self.state, self.events, event);
        self.events += 1;
    }
}

fn holds(expected: &Expected, record: Option<&KeyRecord>) -> bool {
    match expected {
        Expected::Absent => record.is_none(),
        Expected::Value(value) => record.is_some_and(|record| record.value == *value),
        Expected::ModRevision(revision) => record.map_or(0, |record| record.mod_revision) == *revision,
        Expected::Version(version) => record.map_or(0, |record| record.version) == *version,
    }
}

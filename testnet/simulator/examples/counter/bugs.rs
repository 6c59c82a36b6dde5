//! The service with bugs that reviews miss and tests of the machine alone do not see.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tetrarch_kv::{Context, Overlay, QueryError, StateMachine};
use tetrarch_storage::{Reader, StoreError, Table};

use crate::machine::{COUNTERS, Command, Counters, get, set};

/// What a bug makes of a command.
pub(crate) trait Bug: Send {
    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8>;
}

/// The service with a bug; all else about it is as it should be.
pub(crate) struct Buggy<B>(pub(crate) B);

impl<B: Bug> StateMachine for Buggy<B> {
    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        self.0.execute(context, command, state)
    }

    fn query(&self, name: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        Counters.query(name, state)
    }

    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError> {
        Counters.revision(state)
    }

    fn check(&self, command: &[u8]) -> Result<(), String> {
        Counters.check(command)
    }

    fn tables(&self) -> &'static [Table] {
        Counters.tables()
    }
}

/// Reads are answered from a cache that every command keeps up to date. It even survives restarts: it is empty then, and fills again.
/// But a replica that was away for long is given the others' state while it runs, and the cache stays as it was.
#[derive(Default)]
pub(crate) struct Cached {
    cache: Mutex<BTreeMap<String, u64>>,
}

impl Bug for Cached {
    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let parsed = Command::parse(command);
        if let Some(Command::Read { name }) = &parsed
            && let Some(count) = cache.get(name)
        {
            return count.to_string().into_bytes();
        }
        let result = Counters.execute(context, command, state);
        let names = match parsed {
            Some(Command::Add { name, .. } | Command::Read { name }) => vec![name],
            Some(Command::Move { from, to, .. }) => vec![from, to],
            None => Vec::new(),
        };
        for name in names {
            if let Ok(count) = get(state, COUNTERS, &name) {
                cache.insert(name, count);
            }
        }
        result
    }
}

/// Reads both counters and then writes both, which is the same, unless the two are one: then there is more than before. All replicas
/// agree on it.
pub(crate) struct Doubling;

impl Doubling {
    fn shift(from: &str, to: &str, by: u64, state: &mut Overlay<'_>) -> Result<&'static str, StoreError> {
        let (source, target) = (get(state, COUNTERS, from)?, get(state, COUNTERS, to)?);
        let Some(left) = source.checked_sub(by) else { return Ok("too little") };
        set(state, COUNTERS, from, left);
        set(state, COUNTERS, to, target + by);
        Ok("moved")
    }
}

impl Bug for Doubling {
    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        match Command::parse(command) {
            Some(Command::Move { from, to, by }) => Self::shift(&from, &to, by, state).unwrap_or_default().into(),
            _ => Counters.execute(context, command, state),
        }
    }
}

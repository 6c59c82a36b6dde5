//! The service: named counters, and the sum of all of them.

use tetrarch_kv::{Context, Overlay, QueryError, StateMachine};
use tetrarch_storage::{Reader, StoreError, Table};

/// Name → count, eight bytes.
pub(crate) const COUNTERS: Table = Table::new("counters");

/// One row: the sum of all counts.
pub(crate) const SUM: Table = Table::new("sum");

/// The key of that row.
pub(crate) const SUM_KEY: &str = "sum";

/// Named counters.
pub(crate) struct Counters;

/// What can be asked, as text: `add tea 3`, `move tea coffee 2`, `read tea`.
pub(crate) enum Command {
    /// More of something.
    Add { name: String, by: u64 },
    /// From one counter to another, if there is enough.
    Move { from: String, to: String, by: u64 },
    /// How many.
    Read { name: String },
}

impl Command {
    /// Reads a command's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let words: Vec<&str> = std::str::from_utf8(bytes).ok()?.split(' ').collect();
        match words.as_slice() {
            ["add", name, by] => Some(Self::Add { name: (*name).into(), by: by.parse().ok()? }),
            ["move", from, to, by] => Some(Self::Move { from: (*from).into(), to: (*to).into(), by: by.parse().ok()? }),
            ["read", name] => Some(Self::Read { name: (*name).into() }),
            _ => None,
        }
    }
}

/// A number in a table; 0 where there is none.
pub(crate) fn get(state: &dyn Reader, table: Table, name: &str) -> Result<u64, StoreError> {
    let bytes = state.get(table, name.as_bytes())?.unwrap_or_default();
    Ok(u64::from_be_bytes(bytes.try_into().unwrap_or_default()))
}

pub(crate) fn set(state: &mut Overlay<'_>, table: Table, name: &str, count: u64) {
    state.put(table, name, count.to_be_bytes());
}

impl Counters {
    fn run(command: Command, state: &mut Overlay<'_>) -> Result<String, StoreError> {
        match command {
            Command::Add { name, by } => {
                let (Some(count), Some(sum)) =
                    (get(state, COUNTERS, &name)?.checked_add(by), get(state, SUM, SUM_KEY)?.checked_add(by))
                else {
                    return Ok("too much".to_owned());
                };
                set(state, COUNTERS, &name, count);
                set(state, SUM, SUM_KEY, sum);
                Ok(count.to_string())
            }
            Command::Move { from, to, by } => {
                let Some(left) = get(state, COUNTERS, &from)?.checked_sub(by) else {
                    return Ok("too little".to_owned());
                };
                set(state, COUNTERS, &from, left);
                let moved = get(state, COUNTERS, &to)? + by;
                set(state, COUNTERS, &to, moved);
                Ok("moved".to_owned())
            }
            Command::Read { name } => Ok(get(state, COUNTERS, &name)?.to_string()),
        }
    }
}

impl StateMachine for Counters {
    fn execute(&self, _: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        let Some(command) = Command::parse(command) else { return b"no such command".to_vec() };
        // When a read fails, what is returned does not matter: the batch is not executed.
        Self::run(command, state).unwrap_or_default().into_bytes()
    }

    fn query(&self, name: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        let name = std::str::from_utf8(name).map_err(|error| QueryError::Malformed(error.to_string()))?;
        Ok(get(state, COUNTERS, name)?.to_string().into_bytes())
    }

    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError> {
        get(state, SUM, SUM_KEY)
    }

    fn check(&self, command: &[u8]) -> Result<(), String> {
        Command::parse(command).map(|_| ()).ok_or_else(|| "say `add`, `move` or `read`".to_owned())
    }

    fn tables(&self) -> &'static [Table] {
        &[COUNTERS, SUM]
    }
}

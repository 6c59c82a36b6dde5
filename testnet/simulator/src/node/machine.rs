//! A replica's machine, watched: whether it keeps to what [`StateMachine`] asks of it.
//!
//! Every command is carried out twice on the same state, by the replica's machine and by one that was just made. Whatever the two
//! do otherwise depends on something that replicas do not share, and one day they will not agree on it: what a machine keeps in itself,
//! the order of a hash map, a clock. This finds it at the command where it shows, and not when two replicas meet over it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tetrarch_kv::{Context, Index, IndexRow, Overlay, QueryError, StateMachine};
use tetrarch_storage::{Operation, Reader, StoreError, Table, WriteBatch};
use tetrarch_types::{SeqNum, Timestamp, View};

use crate::workload::Workload;

/// The machine of one node's process.
pub(super) struct Watched {
    workload: Arc<dyn Workload>,
    machine: Box<dyn StateMachine>,
    /// The first thing that was wrong, until it is taken.
    complaint: Mutex<Option<String>>,
}

/// What came of a command: its result and its changes, or what the machine said when it panicked.
type Effect = Result<(Vec<u8>, Result<WriteBatch, StoreError>), String>;

impl Watched {
    /// A machine as a node's process starts with it.
    pub(super) fn new(workload: Arc<dyn Workload>) -> Self {
        let machine = workload.machine();
        Self { workload, machine, complaint: Mutex::default() }
    }

    /// What was wrong with the machine first, since this was asked last.
    pub(super) fn take_complaint(&self) -> Option<String> {
        self.complaint().take()
    }

    /// What differs between this machine's effect and that of a fresh one; nothing if the state could not be read.
    fn difference(&self, own: &Effect, fresh: &Effect, state: &dyn Reader) -> Option<String> {
        let said = |it: &Effect| match it {
            Ok((result, _)) => format!("answers {}", self.workload.show_result(result)),
            Err(panic) => format!("panics: {panic}"),
        };
        match (own, fresh) {
            (Ok((_, Err(_))), _) | (_, Ok((_, Err(_)))) => None,
            (Err(panic), Err(_)) => Some(format!("panics: {panic}")),
            (Ok((one, Ok(_))), Ok((other, Ok(_)))) if one == other => {
                let (one, other) = (writes(own, state), writes(fresh, state));
                (one != other).then(|| {
                    format!("writes {}, where a fresh machine on the same state writes {}", list(&one), list(&other))
                })
            }
            _ => Some(format!("{}, where a fresh machine on the same state {}", said(own), said(fresh))),
        }
    }

    /// Asks this machine and a fresh one, complains of a difference, and goes on with what this one came to.
    fn compare(&self, ask: &Ask<'_>, state: &mut Overlay<'_>, place: &dyn Fn() -> String) -> Vec<u8> {
        let own = attempt(self.machine.as_ref(), ask, state);
        let fresh = attempt(self.workload.machine().as_ref(), ask, state);
        if let Some(what) = self.difference(&own, &fresh, state) {
            self.complaint().get_or_insert_with(|| format!("{} its machine {what}", place()));
        }
        match own {
            Ok((result, Ok(changes))) => {
                apply(&changes, state);
                result
            }
            Ok((result, Err(error))) => {
                state.fail(error);
                result
            }
            Err(_) => {
                state.fail(StoreError::Poisoned);
                Vec::new()
            }
        }
    }

    fn complaint(&self) -> MutexGuard<'_, Option<String>> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateMachine for Watched {
    fn begin_batch(&self, time: Timestamp, state: &mut Overlay<'_>) {
        let begin = |machine: &dyn StateMachine, own: &mut Overlay<'_>| {
            machine.begin_batch(time, own);
            Vec::new()
        };
        self.compare(&begin, state, &|| format!("when a batch begins at {} microseconds", time.as_micros()));
    }

    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        let execute = |machine: &dyn StateMachine, own: &mut Overlay<'_>| machine.execute(context, command, own);
        self.compare(&execute, state, &|| {
            let Context { seq, index, .. } = context;
            format!("at transaction {index} of batch {seq}, {},", self.workload.show_command(command))
        })
    }

    fn query(&self, query: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        self.machine.query(query, state)
    }

    fn alarm(&self, state: &dyn Reader) -> Result<Option<Timestamp>, StoreError> {
        self.machine.alarm(state)
    }

    fn leaves(&self, seq: SeqNum, state: &dyn Reader) -> Result<Option<View>, StoreError> {
        self.machine.leaves(seq, state)
    }

    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError> {
        self.machine.revision(state)
    }

    fn check(&self, command: &[u8]) -> Result<(), String> {
        self.machine.check(command)
    }

    fn tables(&self) -> &'static [Table] {
        self.machine.tables()
    }

    fn indexes(&self) -> &'static [Index] {
        self.machine.indexes()
    }

    fn index_rows(&self, over: Table, key: &[u8], value: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
        self.machine.index_rows(over, key, value)
    }
}

/// What is asked of a machine, on an overlay; the result, if it has one.
type Ask<'a> = dyn Fn(&dyn StateMachine, &mut Overlay<'_>) -> Vec<u8> + 'a;

/// Asks a machine on an overlay of its own.
fn attempt(machine: &dyn StateMachine, ask: &Ask<'_>, state: &Overlay<'_>) -> Effect {
    let run = || {
        let tables = machine.own_tables();
        let mut own = Overlay::new(state, &tables);
        let result = ask(machine, &mut own);
        (result, own.into_batch())
    };
    // Nothing of a run that panicked is used any more, but for its words.
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| words(panic.as_ref()))
}

fn apply(changes: &WriteBatch, state: &mut Overlay<'_>) {
    for change in changes.operations() {
        match change {
            Operation::Put { table, key, value } => state.put(*table, key.clone(), value.clone()),
            Operation::Delete { table, key } => state.delete(*table, key.clone()),
            // An overlay knows no ranges.
            Operation::DeleteRange { .. } => {}
        }
    }
}

/// The changes that change something.
fn writes(effect: &Effect, state: &dyn Reader) -> Vec<Operation> {
    let Ok((_, Ok(changes))) = effect else { return Vec::new() };
    let is_change = |change: &&Operation| match change {
        Operation::Put { table, key, value } => state.get(*table, key).ok().flatten().as_ref() != Some(value),
        Operation::Delete { table, key } => state.get(*table, key).is_ok_and(|held| held.is_some()),
        Operation::DeleteRange { .. } => true,
    };
    changes.operations().iter().filter(is_change).cloned().collect()
}

fn list(changes: &[Operation]) -> String {
    use crate::workload::text_or_hex as shown;
    let one = |change: &Operation| match change {
        Operation::Put { table, key, value } => format!("{} {} = {}", table.name(), shown(key), shown(value)),
        Operation::Delete { table, key } => format!("{} without {}", table.name(), shown(key)),
        Operation::DeleteRange { table, from, to } => {
            format!("{} without {} to {}", table.name(), shown(from), shown(to))
        }
    };
    if changes.is_empty() { "nothing".to_owned() } else { changes.iter().map(one).collect::<Vec<_>>().join(", ") }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

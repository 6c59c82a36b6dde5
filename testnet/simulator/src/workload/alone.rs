//! The model for whoever writes none: the machine itself, alone in the world.

use tetrarch_kv::{Context, Overlay, StateMachine};
use tetrarch_storage::{Durability, MemoryStore, Store};
use tetrarch_types::Timestamp;
use tetrarch_types::limits::MAX_RESULT_BYTES;

use super::Model;

/// A machine on a store that is never harmed, started once. What it answers is what a unit test would see.
pub struct Alone {
    machine: Box<dyn StateMachine>,
    store: MemoryStore,
}

impl Alone {
    /// The machine with empty tables.
    pub fn new(machine: Box<dyn StateMachine>) -> Self {
        Self { machine, store: MemoryStore::new() }
    }
}

impl Model for Alone {
    fn begin_batch(&mut self, time: Timestamp) {
        let tables = self.machine.own_tables();
        let mut state = Overlay::new(&self.store, &tables);
        self.machine.begin_batch(time, &mut state);
        write(&self.store, state);
    }

    fn execute(&mut self, context: &Context, command: &[u8]) -> Vec<u8> {
        let tables = self.machine.own_tables();
        let mut state = Overlay::new(&self.store, &tables);
        let result = self.machine.execute(context, command, &mut state);
        if result.len() > MAX_RESULT_BYTES {
            return Vec::new();
        }
        write(&self.store, state);
        result
    }
}

/// A machine that failed here fails on the replicas too, where it is noticed.
fn write(store: &MemoryStore, state: Overlay<'_>) {
    if let Ok(batch) = state.into_batch() {
        store.write(batch, Durability::Buffered).ok();
    }
}

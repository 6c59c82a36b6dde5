//! A machine that waits for a time (rule T-3): execution says so, and a start says it again. That an empty batch's stamp moves time stands in
//! `validity.rs`.

use std::time::Duration;

use crate::support::{NOW, at, batch_at, fresh_store, membership, noop, transaction};
use tetrarch_kv::{Command, Context, Execution, Overlay, QueryError, Retention, StateMachine};
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::Timestamp;

const OWN: Table = Table::new("own");

const WAITED: Duration = Duration::from_millis(500);

/// Waits for half a second behind its last command.
struct Sleeper;

impl StateMachine for Sleeper {
    fn execute(&self, context: &Context, _: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        state.put(OWN, "alarm", context.time.plus(WAITED).as_micros().to_be_bytes());
        Vec::new()
    }

    fn query(&self, _: &[u8], _: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        Ok(Vec::new())
    }

    fn alarm(&self, state: &dyn Reader) -> Result<Option<Timestamp>, StoreError> {
        let bytes = state.get(OWN, b"alarm")?;
        Ok(bytes.map(|bytes| Timestamp::from_micros(u64::from_be_bytes(bytes.try_into().unwrap()))))
    }

    fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn check(&self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn tables(&self) -> &'static [Table] {
        &[OWN]
    }
}

#[test]
fn what_the_machine_waits_for_is_told_behind_each_batch_and_at_a_start() {
    let store = fresh_store();
    let open = || Execution::open(Sleeper, std::sync::Arc::clone(&store), &membership(), Retention::default()).unwrap();
    let node = open();
    assert_eq!(node.applied().unwrap().alarm, None);
    let alarm = Some(at(NOW).plus(WAITED));
    let first = batch_at(1, NOW, vec![transaction(1, 1, &Command::new([]))]);
    assert_eq!(node.execute(&first).unwrap().alarm, alarm);
    assert_eq!(node.execute(&noop(2)).unwrap().alarm, alarm, "of the whole state, whatever the batch holds");
    assert_eq!(open().applied().unwrap().alarm, alarm);
}

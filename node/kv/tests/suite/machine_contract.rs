//! What a machine may not do, and what asking beside execution shows.

use std::thread;

use crate::support::{self, NOW, ask, batch, batch_at, fresh, fresh_store, membership, noop, transaction};
use tetrarch_kv::{
    Command, Context, ExecuteError, Execution, KvQuery, Operation, Overlay, PutRequest, QueryError, RangeRequest,
    Request, Retention, StateMachine, TxnRequest,
};
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::{Outcome, Timestamp, limits};

const OWN: Table = Table::new("own");

/// Does what its command's first byte after the encoding says.
struct Unruly;

impl StateMachine for Unruly {
    fn begin_batch(&self, time: Timestamp, state: &mut Overlay<'_>) {
        let begun = state.get(OWN, b"begun").unwrap().unwrap_or_default();
        state.put(OWN, "begun", [begun.as_slice(), &time.as_micros().to_be_bytes()].concat());
    }

    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        state.put(OWN, "k", context.time.as_micros().to_be_bytes());
        match Command::decode(command).unwrap().requests.first() {
            Some(Request::Range(_)) => vec![0; limits::MAX_RESULT_BYTES + 1],
            Some(Request::Put(_)) => {
                state.put(Table::new("execution.senders"), "k", "v");
                Vec::new()
            }
            Some(Request::DeleteRange(_)) => {
                state.fail(StoreError::Poisoned);
                Vec::new()
            }
            _ => vec![u8::try_from(context.index).unwrap()],
        }
    }

    fn query(&self, query: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        match query {
            b"long" => Ok(vec![0; limits::MAX_RESULT_BYTES + 1]),
            b"begun" => Ok(state.get(OWN, b"begun")?.unwrap_or_default()),
            b"peek" => Ok(state.get(Table::new("execution.local"), b"genesis")?.unwrap_or_default()),
            _ => Ok(state.get(OWN, b"k")?.unwrap_or_default()),
        }
    }

    fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn check(&self, _: &[u8]) -> Result<(), String> {
        Err("no".to_owned())
    }

    fn tables(&self) -> &'static [Table] {
        &[OWN]
    }
}

fn unruly() -> Execution<Unruly, std::sync::Arc<tetrarch_storage::MemoryStore>> {
    Execution::open(Unruly, fresh_store(), &membership(), Retention::default()).unwrap()
}

#[test]
fn a_result_too_large_leaves_no_trace_of_its_command() {
    let node = unruly();
    let executed = node.execute(&batch(1, vec![transaction(1, 1, &Command::get("k"))])).unwrap();
    assert_eq!(executed.replies[0].outcome, Outcome::Executed(Vec::new()));
    assert!(node.query(b"").unwrap().bytes.is_empty());
    let two = batch(2, vec![transaction(1, 1, &Command::new([])), transaction(1, 2, &Command::new([]))]);
    assert_eq!(node.execute(&two).unwrap().replies[0].outcome, Outcome::Executed(vec![1]), "its place in the batch");
    assert_eq!(node.query(b"").unwrap().bytes, support::NOW.to_be_bytes());
}

#[test]
fn a_batch_of_large_results_comes_to_an_end_and_small_ones_do_not_suffer() {
    let node = fresh();
    node.execute(&batch(1, vec![transaction(1, 1, &Command::put("large", vec![0; 1_000_000]))])).unwrap();
    node.execute(&batch(2, vec![transaction(1, 2, &Command::put("small", vec![0; 3_000]))])).unwrap();
    let mut transactions: Vec<_> = (10..50).map(|nonce| transaction(1, nonce, &Command::get("large"))).collect();
    let both = Command::from(Request::Txn(TxnRequest {
        success: vec![Operation::Range(RangeRequest::one("large")), Operation::Put(PutRequest::new("not", "written"))],
        ..TxnRequest::default()
    }));
    transactions.push(transaction(1, 50, &both));
    transactions.push(transaction(1, 51, &Command::get("small")));
    transactions.push(transaction(1, 52, &Command::put("k", "v")));
    let executed = node.execute(&batch(3, transactions)).unwrap();
    let has_result = |outcome: &Outcome| matches!(outcome, Outcome::Executed(bytes) if !bytes.is_empty());
    let answered = executed.replies.iter().map(|reply| has_result(&reply.outcome)).collect::<Vec<_>>();
    // Seventeen results of a million bytes and a little reach 16 MiB.
    assert_eq!(answered[..41].iter().filter(|it| **it).count(), 17);
    assert_eq!(answered[41..], [true, true], "small results");
    assert_eq!(support::get(&node, "not"), None, "a command without a result had no effect");
    assert_eq!(support::get(&node, "k").unwrap(), "v");
    let next = node.execute(&batch(4, vec![transaction(1, 53, &both)])).unwrap();
    assert!(has_result(&next.replies[0].outcome), "each batch starts anew");
}

#[test]
fn a_machine_keeps_to_its_tables() {
    let node = unruly();
    let error = node.execute(&batch(1, vec![transaction(1, 1, &Command::put("k", "v"))])).unwrap_err();
    assert_eq!(error, ExecuteError::Store(StoreError::UnknownTable { table: "execution.senders" }));
    assert_eq!(node.executed().get(), 0);
    assert!(matches!(node.query(b"peek"), Err(QueryError::Store(_))));
}

/// A gap filler has no stamp; a stamp without transactions moves time, as far as it is ahead.
#[test]
fn a_batch_that_has_a_stamp_begins_once_with_the_agreed_time() {
    let node = unruly();
    let nothing = |nonce| transaction(1, nonce, &Command::new([]));
    node.execute(&batch_at(1, NOW, vec![nothing(1), nothing(2)])).unwrap();
    node.execute(&noop(2)).unwrap();
    node.execute(&batch_at(3, NOW + 5, Vec::new())).unwrap();
    assert_eq!(node.applied().unwrap().agreed_time.as_micros(), NOW + 5);
    node.execute(&batch_at(4, NOW + 3, vec![nothing(3)])).unwrap();
    let begun = [NOW, NOW + 5, NOW + 5].map(u64::to_be_bytes).concat();
    assert_eq!(node.query(b"begun").unwrap().bytes, begun);
    assert_eq!(node.query(b"").unwrap().bytes, (NOW + 5).to_be_bytes(), "transactions see the same time");
}

#[test]
fn a_machine_that_cannot_go_on_stops_the_batch() {
    let node = unruly();
    let error = node.execute(&batch(1, vec![transaction(1, 1, &Command::delete("k"))])).unwrap_err();
    assert_eq!(error, ExecuteError::Store(StoreError::Poisoned));
}

#[test]
fn an_answer_too_large_is_refused_and_check_is_the_machines() {
    let node = unruly();
    assert!(matches!(node.query(b"long"), Err(QueryError::TooLarge { .. })));
    assert_eq!(node.check(b""), Err("no".to_owned()));
}

/// Two keys always change together, so no reader may see them differ.
#[test]
#[expect(clippy::disallowed_methods, reason = "the machine is pure; its readers are threads")]
fn questions_see_whole_batches_while_others_execute() {
    let node = fresh();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for seq in 1..=300_u64 {
                let value = seq.to_be_bytes();
                let one = transaction(1, seq, &Command::put("a", value));
                let other = transaction(1, 1_000 + seq, &Command::put("b", value));
                node.execute(&batch(seq, vec![one, other])).unwrap();
            }
        });
        while !writer.is_finished() {
            let answer = ask(&node, &KvQuery::range("", "", 0));
            let (revision, found) = (answer.revision, answer.selection().unwrap());
            let values: Vec<_> = found.records.iter().map(|(_, record)| &record.value).collect();
            assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:?}");
            assert_eq!(revision % 2, 1);
        }
    });
    assert_eq!(node.executed().get(), 300);
}

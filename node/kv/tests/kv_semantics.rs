//! Single facts about the store that its users rely on.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod support;

use support::{Node, ask, batch, fresh, only, transaction};
use tetrarch_kv::{
    Command, CommandResult, Expected, KvError, KvMachine, KvQuery, Operation, OperationResult, StateMachine,
};
use tetrarch_types::{SeqNum, encode};

fn run(node: &Node, command: &Command) -> CommandResult {
    let seq = node.executed().next().get();
    only(&node.execute(&batch(seq, vec![transaction(1, seq, command)])).unwrap())
}

fn results(result: CommandResult) -> Vec<Result<OperationResult, KvError>> {
    result.results.unwrap()
}

#[test]
fn revisions_count_commands_that_change_something() {
    let node = fresh();
    assert_eq!(ask(&node, &KvQuery::get("k")).revision, 1);
    assert_eq!(run(&node, &Command::delete("k")).revision, 1, "a delete of nothing");
    assert_eq!(run(&node, &Command::put("k", "v")).revision, 2);
    assert_eq!(run(&node, &Command::put("k", "v")).revision, 3, "a put of the same value is a put");
    assert_eq!(run(&node, &Command::get("k")).revision, 3);
    assert_eq!(run(&node, &Command::compare_and_swap("k", Expected::Absent, None)).revision, 3);
    assert_eq!(run(&node, &Command::compare_and_swap("n", Expected::Absent, None)).revision, 3);
    assert_eq!(run(&node, &Command::new([])).revision, 3);
    let both = Command::new([Operation::put("a", "1"), Operation::put("b", "2"), Operation::delete("k")]);
    assert_eq!(run(&node, &both).revision, 4, "one command, one revision");
}

#[test]
fn a_key_that_returns_starts_anew() {
    let node = fresh();
    run(&node, &Command::put("k", "1"));
    run(&node, &Command::put("k", "2"));
    let record = ask(&node, &KvQuery::get("k")).records.pop().unwrap().1;
    assert_eq!((record.create_revision, record.mod_revision, record.version, record.lease), (2, 3, 2, 0));
    run(&node, &Command::new([Operation::delete("k"), Operation::put("k", "3")]));
    let record = ask(&node, &KvQuery::get("k")).records.pop().unwrap().1;
    assert_eq!((record.create_revision, record.mod_revision, record.version), (4, 4, 1));
}

#[test]
fn operations_see_those_before_them() {
    let node = fresh();
    let command = Command::new([
        Operation::put("k", "1"),
        Operation::get("k"),
        Operation::compare_and_swap("k", Expected::Value(b"1".to_vec()), Some(b"2".to_vec())),
        Operation::compare_and_swap("k", Expected::Value(b"1".to_vec()), Some(b"3".to_vec())),
        Operation::delete_prefix("k"),
        Operation::get("k"),
    ]);
    let results = results(run(&node, &command));
    assert!(matches!(&results[1], Ok(OperationResult::Got { record: Some(record) }) if record.value == b"1"));
    assert_eq!(results[2], Ok(OperationResult::Swapped { succeeded: true, mod_revision: 2 }));
    assert_eq!(results[3], Ok(OperationResult::Swapped { succeeded: false, mod_revision: 2 }));
    assert_eq!(results[4], Ok(OperationResult::Deleted { count: 1 }));
    assert_eq!(results[5], Ok(OperationResult::Got { record: None }));
}

#[test]
fn a_refused_operation_does_not_keep_others_from_running() {
    let node = fresh();
    let command = Command::new([
        Operation::put("", "v"),
        Operation::put("k", "v"),
        Operation::get(vec![0; 4_097]),
        Operation::put("l", vec![0; 1024 * 1024 + 1]),
        Operation::put(vec![0; 4_096], ""),
    ]);
    let results = results(run(&node, &command));
    assert_eq!(results[0], Err(KvError::KeyNotProvided));
    assert_eq!(results[1], Ok(OperationResult::Put { version: 1 }));
    assert_eq!(results[2], Err(KvError::KeyTooLong));
    assert_eq!(results[3], Err(KvError::ValueTooLarge));
    assert_eq!(results[4], Ok(OperationResult::Put { version: 1 }));
    assert_eq!(ask(&node, &KvQuery::prefix("", 0)).count, 2);
}

#[test]
fn commands_out_of_bounds_are_refused_as_a_whole() {
    let node = fresh();
    let many = Command::new((0..129).map(|_| Operation::put("k", "v")));
    let large = Command::new([Operation::put("k", vec![0; 1024 * 1024]), Operation::put("l", vec![0; 600 * 1024])]);
    for (command, error) in [(many, KvError::TooManyOperations), (large, KvError::RequestTooLarge)] {
        assert_eq!(run(&node, &command), CommandResult { revision: 1, results: Err(error) });
        assert_eq!(KvMachine.check(&command.encode()), Err(error.to_string()));
    }
    let most = Command::new((0..128).map(|_| Operation::put("k", "v")));
    assert_eq!(KvMachine.check(&most.encode()), Ok(()));
    assert_eq!(results(run(&node, &most))[127], Ok(OperationResult::Put { version: 128 }));
    assert_eq!(KvMachine.check(&Command::put("", "v").encode()), Err("key is not provided".to_owned()));
    assert_eq!(KvMachine.check(b"\xff"), Err("the request is malformed".to_owned()));
}

#[test]
fn a_prefix_of_too_many_keys_is_deleted_not_at_all() {
    let node = fresh();
    for start in (0..1_001).step_by(128) {
        let keys = start..(start + 128).min(1_001);
        run(&node, &Command::new(keys.map(|number| Operation::put(format!("k{number:04}"), ""))));
    }
    let revision = node.revision().unwrap();
    let refused = run(&node, &Command::delete_prefix("k"));
    assert_eq!((refused.revision, results(refused)), (revision, vec![Err(KvError::TooManyKeys)]));
    let one_less = Command::new([Operation::delete("k1000"), Operation::delete_prefix("k"), Operation::prefix("", 0)]);
    let results = results(run(&node, &one_less));
    assert_eq!(results[1], Ok(OperationResult::Deleted { count: 1_000 }));
    assert!(matches!(&results[2], Ok(OperationResult::Range(found)) if found.count == 0));
}

#[test]
fn ordered_answers_stay_within_a_result() {
    let node = fresh();
    run(&node, &Command::put("a", vec![1; 1_000_000]));
    run(&node, &Command::put("b", vec![2; 1_000_000]));
    let results =
        results(run(&node, &Command::new([Operation::get("a"), Operation::get("b"), Operation::prefix("", 0)])));
    assert!(matches!(&results[0], Ok(OperationResult::Got { record: Some(_) })));
    assert_eq!(results[1], Err(KvError::AnswerTooLarge));
    let Ok(OperationResult::Range(found)) = &results[2] else { panic!("{results:?}") };
    assert_eq!((found.records.len(), found.count, found.count_is_exact, found.more), (0, 2, true, true));
}

#[test]
fn what_ordered_commands_read_is_bounded() {
    let node = fresh();
    for number in 0..20 {
        run(&node, &Command::put(format!("k{number:02}"), vec![0; 1_000_000]));
    }
    let results = results(run(&node, &Command::new([Operation::prefix("k", 1), Operation::prefix("k", 1)])));
    let Ok(OperationResult::Range(found)) = &results[0] else { panic!() };
    assert_eq!((found.records.len(), found.count, found.count_is_exact, found.more), (1, 16, false, true));
    let Ok(OperationResult::Range(found)) = &results[1] else { panic!() };
    assert!(found.more && !found.count_is_exact);
    let refused = run(&node, &Command::delete_prefix("k"));
    assert_eq!(refused.results.unwrap(), [Err(KvError::TooManyKeys)]);
}

#[test]
fn a_large_range_is_read_page_by_page() {
    let node = fresh();
    for number in 0..10 {
        run(&node, &Command::put(format!("k{number}"), vec![number; 300_000]));
    }
    let mut query = KvQuery::prefix("k", 0);
    let mut found = Vec::new();
    loop {
        let answer = ask(&node, &query);
        assert_eq!(answer.count, 10 - found.len() as u64);
        found.extend(answer.records.into_iter().map(|(key, _)| key));
        if !answer.more {
            break;
        }
        query = query.after(found.last().unwrap());
    }
    assert_eq!(found.len(), 10);
    assert!(found.is_sorted());
}

#[test]
fn queries_name_the_batch_they_saw_and_refuse_nonsense() {
    let node = fresh();
    run(&node, &Command::put("k", "v"));
    assert_eq!(node.query(&KvQuery::get("k").encode()).unwrap().executed, SeqNum::new(1));
    for (query, sentence) in [
        (KvQuery::get("").encode(), "key is not provided"),
        (KvQuery::get(vec![0; 5_000]).encode(), "key is too long"),
        (vec![9, 9], "the request is malformed"),
        (encode(&vec![0_u8; 100_000]), "the request is malformed"),
    ] {
        assert!(node.query(&query).unwrap_err().to_string().starts_with(sentence));
    }
}

//! What is too much is refused and changes nothing, and nobody suffers from a neighbour in the same command.

use crate::support::{Node, batch, find, fresh, fresh_store, only, open, replicated, transaction};
use tetrarch_kv::store::bounds::{MAX_LIST_OPERATIONS, MAX_REQUESTS, MAX_REVISION_KEYS, MAX_TXN_OPERATIONS};
use tetrarch_kv::{
    Answered, Command, CommandResult, Compare, Comparison, DeleteRangeRequest, KeyRange, KvError, KvMachine, KvQuery,
    Operation, PutRequest, RangeRequest, Request, Response, StateMachine, Target, TxnRequest,
};

fn run_all(node: &Node, requests: impl IntoIterator<Item = Request>) -> Vec<Result<Answered, KvError>> {
    let seq = node.executed().next().get();
    only(&node.execute(&batch(seq, vec![transaction(1, seq, &Command::new(requests))])).unwrap()).results.unwrap()
}

fn run(node: &Node, request: Request) -> Result<Response, KvError> {
    run_all(node, [request]).pop().unwrap().map(|answered| answered.response)
}

fn then(success: Vec<Operation>) -> TxnRequest {
    TxnRequest { success, ..TxnRequest::default() }
}

fn put(key: impl Into<Vec<u8>>) -> Operation {
    Operation::Put(PutRequest::new(key, ""))
}

fn fill(node: &Node, keys: usize, value: &[u8]) {
    let per_command = if value.len() > 1_000 { 1 } else { MAX_REQUESTS };
    let numbers: Vec<usize> = (0..keys).collect();
    for some in numbers.chunks(per_command) {
        run_all(node, some.iter().map(|number| Request::put(format!("k{number:06}"), value)));
    }
}

#[test]
fn commands_out_of_bounds_are_refused_as_a_whole() {
    let node = fresh();
    let many = Command::new((0..129).map(|_| Request::put("k", "v")));
    let large = Command::new([Request::put("k", vec![0; 1024 * 1024]), Request::put("l", vec![0; 600 * 1024])]);
    for (seq, (command, error)) in (1..).zip([(many, KvError::TooManyRequests), (large, KvError::RequestTooLarge)]) {
        let executed = node.execute(&batch(seq, vec![transaction(1, seq, &command)])).unwrap();
        assert_eq!(only(&executed), CommandResult { revision: 1, results: Err(error) });
        assert_eq!(KvMachine.check(&command.encode()), Err(error.to_string()));
    }
    let most = Command::new((0..128).map(|_| Request::put("k", "v")));
    assert_eq!(KvMachine.check(&most.encode()), Ok(()));
    assert!(run_all(&node, most.requests).iter().all(Result::is_ok));
}

#[test]
fn lists_of_a_txn_are_bounded_and_nested_ones_by_what_is_left() {
    let keys = |count: usize, from: usize| (from..from + count).map(|at| put(format!("k{at}"))).collect::<Vec<_>>();
    assert_eq!(then(keys(MAX_LIST_OPERATIONS, 0)).check(), Ok(()));
    assert_eq!(then(keys(MAX_LIST_OPERATIONS + 1, 0)).check(), Err(KvError::TooManyOperations));
    let compare = Compare::new("k", Comparison::Equal, Target::Version(0));
    let compares = TxnRequest { compares: vec![compare; MAX_LIST_OPERATIONS + 1], ..TxnRequest::default() };
    assert_eq!(compares.check(), Err(KvError::TooManyOperations));
    let around = |inner: usize| {
        let mut outer = keys(99, 1_000);
        outer.push(Operation::Txn(then(keys(inner, 0))));
        then(outer)
    };
    assert_eq!(around(28).check(), Ok(()), "a hundred and twenty-eight");
    assert_eq!(around(29).check(), Err(KvError::TooManyOperations));
    let wide = |each: usize| then((0..16).map(|at| Operation::Txn(then(keys(each, at * 1_000)))).collect());
    assert_eq!(wide(MAX_TXN_OPERATIONS / 16 - 1).check(), Ok(()));
    assert_eq!(wide(MAX_TXN_OPERATIONS / 16).check(), Err(KvError::TooManyOperations));
}

/// Levels of transactions, each within the one before.
fn deep(levels: usize) -> TxnRequest {
    (1..levels).fold(then(vec![put("k")]), |inner, _| then(vec![Operation::Txn(inner)]))
}

#[test]
fn deep_txns_are_read_up_to_the_bound_and_their_results_too() {
    let node = fresh();
    let deepest = Command::from(Request::Txn(deep(MAX_LIST_OPERATIONS)));
    assert_eq!(Command::decode(&deepest.encode()), Ok(deepest.clone()));
    let results = run_all(&node, deepest.requests);
    let mut answered = results[0].clone().unwrap();
    let mut levels = 0;
    while let Response::Txn(txn) = answered.response {
        answered = txn.responses[0].clone();
        levels += 1;
    }
    assert_eq!(levels, MAX_LIST_OPERATIONS);
    assert!(matches!(answered.response, Response::Put { version: 1, .. }));
    let refused = run(&node, Request::Txn(deep(MAX_LIST_OPERATIONS + 1)));
    assert_eq!(refused, Err(KvError::TooManyOperations));
    let command = Command::from(Request::Txn(deep(MAX_LIST_OPERATIONS + 2)));
    assert_eq!(Command::decode(&command.encode()), Err(KvError::Malformed));
}

/// Four bytes a level are enough to lead a decoder that calls itself out of its stack.
#[test]
fn a_tower_of_txns_is_malformed_and_no_danger() {
    // One request of the kind of a transaction; its nodes, each with no compares, one nested operation and no other.
    let levels = 300_000_usize;
    let one = Command::from(Request::Txn(deep(2))).encode();
    let node: &[u8] = &[0, 1, 3, 0];
    assert!(one.windows(4).any(|bytes| bytes == node), "a node is written so: {one:?}");
    let mut length = Vec::new();
    let mut rest = levels + 1;
    while rest >= 0x80 {
        length.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    length.push(u8::try_from(rest).unwrap());
    let tower = [&[1, 3], length.as_slice(), &node.repeat(levels), &[0, 0, 0]].concat();
    assert_eq!(Command::decode(&tower), Err(KvError::Malformed));
}

#[test]
fn what_changes_with_one_request_is_bounded() {
    let node = fresh();
    fill(&node, MAX_REVISION_KEYS + 1, b"");
    let revision = node.revision().unwrap();
    assert_eq!(run(&node, Request::delete_prefix("k")), Err(KvError::TooMuch));
    assert_eq!((node.revision().unwrap(), find(&node, &KvQuery::prefix("", 0)).count), (revision, 4_097));
    run(&node, Request::delete("k000000")).unwrap();
    let most = Response::Deleted { count: MAX_REVISION_KEYS as u64, previous: Vec::new() };
    assert_eq!(run(&node, Request::delete_prefix("k")), Ok(most));
    assert_eq!(node.revision().unwrap(), revision + 2);
}

#[test]
fn what_ordered_requests_read_is_bounded() {
    let node = fresh();
    fill(&node, 20, &vec![0; 1_000_000]);
    let count = RangeRequest { count_only: true, ..RangeRequest::prefix("k") };
    assert_eq!(run(&node, Request::Range(count)), Err(KvError::TooMuch));
    assert_eq!(run(&node, Request::delete_prefix("k")), Err(KvError::TooMuch));
    let every = Compare { range: KeyRange::prefix("k"), result: Comparison::Greater, target: Target::Version(0) };
    let txn = TxnRequest { compares: vec![every], success: vec![put("x")], failure: vec![put("y")] };
    assert_eq!(run(&node, Request::Txn(txn)), Err(KvError::TooMuch), "neither branch is taken");
    assert_eq!(find(&node, &KvQuery::prefix("", 0)).count, 20);
}

#[test]
fn ordered_answers_fit_or_are_refused() {
    let node = fresh();
    fill(&node, 2, &vec![1; 1_000_000]);
    assert_eq!(run(&node, Request::prefix("", 0)), Err(KvError::AnswerTooLarge));
    assert!(matches!(run(&node, Request::prefix("", 1)), Ok(Response::Range(found)) if found.more && found.count == 2));
    let keys_only = RangeRequest { keys_only: true, ..RangeRequest::prefix("") };
    assert!(matches!(run(&node, Request::Range(keys_only)), Ok(Response::Range(found)) if found.records.len() == 2));
    let previous = DeleteRangeRequest { range: KeyRange::prefix(""), prev_kv: true };
    assert_eq!(run(&node, Request::DeleteRange(previous)), Err(KvError::AnswerTooLarge));
    let twice = then(vec![put("new"), Operation::Range(RangeRequest::prefix("k"))]);
    assert_eq!(run(&node, Request::Txn(twice)), Err(KvError::AnswerTooLarge));
    assert_eq!(find(&node, &KvQuery::prefix("", 1)).count, 2, "nothing of it was done");
}

/// A refused request leaves the state byte for byte as it is.
#[test]
fn a_refused_request_changes_no_row() {
    let (store, other) = (fresh_store(), fresh_store());
    let (node, quiet) = (open(store.clone()), open(other.clone()));
    for node in [&node, &quiet] {
        fill(node, 20, &vec![0; 1_000_000]);
    }
    let refused = [
        Request::delete_prefix("k"),
        Request::Txn(then(vec![put("a"), Operation::Range(RangeRequest::prefix("k"))])),
        Request::Txn(then(vec![put("a"), Operation::Put(PutRequest::new("b", "").lease(9))])),
        Request::Compact { revision: 99 },
        Request::LeaseRevoke { id: 4 },
    ];
    let results = run_all(&node, refused);
    assert!(results.iter().all(Result::is_err), "{results:?}");
    run_all(&quiet, []);
    let machine = |rows: Vec<(tetrarch_storage::Table, Vec<tetrarch_storage::Pair>)>| {
        rows.into_iter().filter(|(table, _)| table.name().starts_with("kv.")).collect::<Vec<_>>()
    };
    assert_eq!(machine(replicated(&*store)), machine(replicated(&*other)));
}

/// A share is what is left, divided by those who are left.
#[test]
fn each_request_of_a_command_has_its_share() {
    let node = fresh();
    fill(&node, 1, &vec![1; 1_000_000]);
    let greedy = || Request::get("k000000");
    let results = run_all(&node, [greedy(), greedy(), greedy()]);
    assert_eq!(results[0], Err(KvError::AnswerTooLarge), "a third does not hold a million bytes");
    assert_eq!(results[1], Err(KvError::AnswerTooLarge));
    assert!(results[2].is_ok(), "the last has all that is left");
    fill(&node, 1, &vec![1; 10_000]);
    let results = run_all(&node, (0..128).map(|_| greedy()));
    assert!(results.iter().all(Result::is_ok), "ten thousand bytes fit for everyone");
}

#[test]
fn any_record_can_be_overwritten_in_a_crowd() {
    let node = fresh();
    fill(&node, 1, &vec![1; 1024 * 1024]);
    let crowd = (0..128).map(|number| if number == 64 { Request::put("k000000", "") } else { Request::put("x", "") });
    assert!(run_all(&node, crowd).iter().all(Result::is_ok));
    fill(&node, 60, &vec![1; 1_000_000]);
    let all = |count: usize| Request::Txn(then((0..count).map(|number| put(format!("k{number:06}"))).collect()));
    assert_eq!(run(&node, all(40)), Err(KvError::TooMuch), "forty million bytes to move");
    assert!(run(&node, all(30)).is_ok());
}

#[test]
fn a_large_range_is_read_page_by_page_even_of_the_past() {
    let node = fresh();
    fill(&node, 10, &vec![7; 300_000]);
    let revision = node.revision().unwrap();
    run(&node, Request::delete_prefix("k")).unwrap();
    let mut query = KvQuery::Range(RangeRequest::prefix("k").at(revision));
    let mut found = Vec::new();
    loop {
        let answer = find(&node, &query);
        assert_eq!((answer.count, answer.count_is_exact), (10 - found.len() as u64, true));
        found.extend(answer.records.into_iter().map(|(key, _)| key));
        if !answer.more {
            break;
        }
        query = query.after(found.last().unwrap());
    }
    assert_eq!(found.len(), 10);
    assert!(found.is_sorted());
    assert_eq!(find(&node, &KvQuery::prefix("", 0)).count, 0);
}

#[test]
fn a_query_that_cannot_count_all_says_so() {
    let node = fresh();
    fill(&node, 80, &vec![0; 1_000_000]);
    let found = find(&node, &KvQuery::prefix("k", 1));
    assert_eq!((found.records.len(), found.count, found.count_is_exact, found.more), (1, 67, false, true));
}

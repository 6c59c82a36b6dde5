//! Single facts about the store that its users rely on: the fine points of etcd.

use crate::support::{self, Node, ask, batch, find, fresh, only, transaction};
use tetrarch_kv::store::{Revisions, Sort, SortOrder, SortTarget};
use tetrarch_kv::{
    Answered, Command, Compare, Comparison, DeleteRangeRequest, Expected, KeyRange, KvError, KvMachine, KvQuery,
    Operation, PutRequest, RangeRequest, Request, Response, Selection, StateMachine, Target, TxnRequest, TxnResponse,
};
use tetrarch_types::{SeqNum, encode};

fn run_all(node: &Node, requests: impl IntoIterator<Item = Request>) -> Vec<Result<Answered, KvError>> {
    let seq = node.executed().next().get();
    only(&node.execute(&batch(seq, vec![transaction(1, seq, &Command::new(requests))])).unwrap()).results.unwrap()
}

fn run(node: &Node, request: Request) -> Result<Answered, KvError> {
    run_all(node, [request]).pop().unwrap()
}

/// The revision at which a request was answered.
fn revision_of(node: &Node, request: Request) -> u64 {
    run(node, request).unwrap().revision
}

fn select(node: &Node, request: RangeRequest) -> Selection {
    match run(node, Request::Range(request)).unwrap().response {
        Response::Range(selection) => selection,
        other => panic!("{other:?}"),
    }
}

fn keys(selection: &Selection) -> Vec<&str> {
    selection.records.iter().map(|(key, _)| std::str::from_utf8(key).unwrap()).collect()
}

fn txn(compares: Vec<Compare>, success: Vec<Operation>, failure: Vec<Operation>) -> Request {
    Request::Txn(TxnRequest { compares, success, failure })
}

fn then(success: Vec<Operation>) -> Request {
    txn(Vec::new(), success, Vec::new())
}

fn succeeded(node: &Node, compare: Compare) -> bool {
    match run(node, txn(vec![compare], Vec::new(), Vec::new())).unwrap().response {
        Response::Txn(TxnResponse { succeeded, .. }) => succeeded,
        other => panic!("{other:?}"),
    }
}

fn put(key: &str, value: &str) -> Operation {
    Operation::Put(PutRequest::new(key, value))
}

fn delete(range: KeyRange) -> Operation {
    Operation::DeleteRange(DeleteRangeRequest::of(range))
}

fn read(key: &str) -> Operation {
    Operation::Range(RangeRequest::one(key))
}

fn nested(success: Vec<Operation>, failure: Vec<Operation>) -> Operation {
    Operation::Txn(TxnRequest { compares: Vec::new(), success, failure })
}

#[test]
fn revisions_count_requests_that_change_something() {
    let node = fresh();
    assert_eq!(ask(&node, &KvQuery::get("k")).revision, 1, "a fresh store");
    assert_eq!(revision_of(&node, Request::delete("k")), 1, "a delete of nothing");
    assert_eq!(revision_of(&node, Request::put("k", "v")), 2, "the first put");
    assert_eq!(revision_of(&node, Request::put("k", "v")), 3, "a put of the same value is a put");
    assert_eq!(revision_of(&node, Request::get("k")), 3);
    assert_eq!(revision_of(&node, Request::compare_and_swap("k", Expected::Absent, None)), 3);
    assert_eq!(revision_of(&node, then(vec![delete(KeyRange::one("none")), read("k")])), 3, "a txn without effect");
    assert_eq!(revision_of(&node, then(vec![put("a", "1"), put("b", "2"), delete(KeyRange::one("k"))])), 4, "one txn");
    let three = run_all(&node, [Request::put("a", "1"), Request::get("a"), Request::put("a", "2")]);
    let revisions: Vec<_> = three.into_iter().map(|answered| answered.unwrap().revision).collect();
    assert_eq!(revisions, [5, 5, 6], "each request of a command has its own");
    assert_eq!(node.revision().unwrap(), 6);
}

#[test]
fn a_key_that_returns_starts_anew() {
    let node = fresh();
    let record = || find(&node, &KvQuery::get("k")).records.pop().unwrap().1;
    run_all(&node, [Request::put("k", "1"), Request::put("k", "2")]);
    assert_eq!((record().create_revision, record().mod_revision, record().version, record().lease), (2, 3, 2, 0));
    run_all(&node, [Request::delete("k"), Request::put("k", "3")]);
    assert_eq!((record().create_revision, record().mod_revision, record().version), (5, 5, 1));
}

#[test]
fn reads_in_a_txn_see_its_earlier_writes() {
    let node = fresh();
    run(&node, Request::put("k", "old")).unwrap();
    let past = Operation::Range(RangeRequest::one("k").at(2));
    let answered = run(&node, then(vec![read("k"), put("k", "new"), read("k"), past])).unwrap();
    let Response::Txn(TxnResponse { responses, .. }) = answered.response else { panic!() };
    let value = |at: usize| match &responses[at].response {
        Response::Range(found) => (responses[at].revision, found.records[0].1.value.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(value(0), (2, b"old".to_vec()));
    assert_eq!(value(2), (3, b"new".to_vec()));
    assert_eq!(value(3), (3, b"old".to_vec()), "the revision before is still what it was");
    assert_eq!(answered.revision, 3);
}

#[test]
fn nested_compares_all_run_before_any_operation() {
    let node = fresh();
    let is_absent = Expected::Absent.compare("k");
    let inner =
        TxnRequest { compares: vec![is_absent], success: vec![put("l", "then")], failure: vec![put("l", "else")] };
    let answered = run(&node, then(vec![put("k", "v"), Operation::Txn(inner)])).unwrap();
    let Response::Txn(TxnResponse { responses, .. }) = answered.response else { panic!() };
    assert!(matches!(&responses[1].response, Response::Txn(TxnResponse { succeeded: true, .. })));
    assert_eq!(support::get(&node, "l").unwrap(), "then");
}

#[test]
fn count_ignores_limit_and_filters_and_the_limit_comes_last() {
    let node = fresh();
    run_all(&node, ["d", "c", "b", "a"].map(|key| Request::put(key, key)));
    let all = RangeRequest::prefix("");
    let found = select(&node, all.clone().limit(2));
    assert_eq!((keys(&found), found.count, found.more), (vec!["a", "b"], 4, true));
    let filtered = RangeRequest { mod_revisions: Revisions { min: 3, max: 4 }, ..all.clone() };
    let found = select(&node, filtered.clone());
    assert_eq!((keys(&found), found.count, found.more), (vec!["b", "c"], 4, false));
    let found = select(&node, filtered.limit(1));
    assert_eq!((keys(&found), found.count, found.more), (vec!["b"], 4, true));
    let created = RangeRequest { create_revisions: Revisions { min: 5, max: 0 }, ..all.clone() };
    assert_eq!(keys(&select(&node, created)), ["a"]);
    let by_mod = |order| RangeRequest { sort: Sort { order, target: SortTarget::Mod }, ..all.clone() };
    assert_eq!(keys(&select(&node, by_mod(SortOrder::Ascend).limit(2))), ["d", "c"]);
    assert_eq!(keys(&select(&node, by_mod(SortOrder::Descend).limit(2))), ["a", "b"]);
    assert_eq!(keys(&select(&node, by_mod(SortOrder::None))), ["d", "c", "b", "a"], "no order is ascending");
    assert_eq!(keys(&select(&node, by_mod(SortOrder::None).limit(2))), ["c", "b"], "etcd sorts three keys of four");
    let found = select(&node, RangeRequest { count_only: true, ..all.clone() }.limit(1));
    assert_eq!((found.records.len(), found.count, found.more), (0, 4, false));
    let found = select(&node, RangeRequest { keys_only: true, ..all });
    assert!(found.records.iter().all(|(_, record)| record.value.is_empty() && record.version == 1));
}

#[test]
fn equal_records_are_sorted_by_key() {
    let node = fresh();
    run_all(&node, ["a", "b", "c"].map(|key| Request::put(key, "v")));
    for order in [SortOrder::Ascend, SortOrder::Descend] {
        let sort = Sort { order, target: SortTarget::Version };
        assert_eq!(keys(&select(&node, RangeRequest { sort, ..RangeRequest::prefix("") })), ["a", "b", "c"]);
    }
}

#[test]
fn ends_of_ranges_are_etcds() {
    let node = fresh();
    run_all(&node, ["\0", "a", "aa", "b"].map(|key| Request::put(key, "")));
    let find = |key: &[u8], end: &[u8]| {
        let range = KeyRange { key: key.to_vec(), end: end.to_vec() };
        select(&node, RangeRequest::of(range)).records.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(find(b"a", b""), [b"a"]);
    assert_eq!(find(b"a", b"b"), [b"a".to_vec(), b"aa".to_vec()]);
    assert_eq!(find(b"a", b"\0"), [b"a".to_vec(), b"aa".to_vec(), b"b".to_vec()]);
    assert_eq!(find(b"\0", b"\0").len(), 4, "everything");
    assert!(find(b"b", b"a").is_empty(), "an end before the key");
    assert!(find(b"a", b"a").is_empty());
    let gone =
        run(&node, Request::DeleteRange(DeleteRangeRequest::of(KeyRange { key: b"b".into(), end: b"a".into() })));
    assert_eq!(gone.unwrap().response, Response::Deleted { count: 0, previous: Vec::new() });
}

#[test]
fn compares_see_zeroes_where_nothing_is_but_no_value() {
    let node = fresh();
    for target in [Target::Version(0), Target::Create(0), Target::Mod(0), Target::Lease(0)] {
        assert!(succeeded(&node, Compare::new("none", Comparison::Equal, target.clone())), "{target:?}");
        assert!(!succeeded(&node, Compare::new("none", Comparison::NotEqual, target)));
    }
    assert!(succeeded(&node, Compare::new("none", Comparison::Greater, Target::Mod(-1))));
    for result in [Comparison::Equal, Comparison::NotEqual, Comparison::Less, Comparison::Greater] {
        assert!(!succeeded(&node, Compare::new("none", result, Target::Value(Vec::new()))), "{result:?}");
    }
    run_all(&node, [Request::put("a/1", "5"), Request::put("a/2", "7"), Request::put("a/2", "7")]);
    let of = |result, target| Compare { range: KeyRange::prefix("a/"), result, target };
    assert!(succeeded(&node, of(Comparison::Greater, Target::Value(b"4".to_vec()))), "for every key");
    assert!(!succeeded(&node, of(Comparison::Equal, Target::Version(1))), "one has another");
    assert!(succeeded(&node, of(Comparison::Less, Target::Version(3))));
    let nothing = Compare { range: KeyRange::prefix("z"), result: Comparison::Equal, target: Target::Create(0) };
    assert!(succeeded(&node, nothing), "a range without keys");
}

#[test]
fn puts_keep_what_they_are_told_to() {
    let node = fresh();
    let keeping = |ignore_value, ignore_lease| PutRequest { ignore_value, ignore_lease, ..PutRequest::new("k", "") };
    assert_eq!(run(&node, Request::Put(keeping(true, false))), Err(KvError::KeyNotFound));
    assert_eq!(run(&node, Request::Put(keeping(false, true))), Err(KvError::KeyNotFound));
    assert_eq!(run(&node, then(vec![Operation::Put(keeping(true, false))])), Err(KvError::KeyNotFound));
    run(&node, Request::LeaseGrant { id: 7, ttl: 60 }).unwrap();
    run(&node, Request::Put(PutRequest::new("k", "v").lease(7))).unwrap();
    let record = || find(&node, &KvQuery::get("k")).records.pop().unwrap().1;
    run(&node, Request::Put(keeping(true, false))).unwrap();
    assert_eq!((record().value, record().lease, record().version), (b"v".to_vec(), 0, 2));
    run(&node, Request::Put(PutRequest::new("k", "v").lease(7))).unwrap();
    run(&node, Request::Put(keeping(false, true))).unwrap();
    assert_eq!((record().value, record().lease), (Vec::new(), 7));
    let both = PutRequest { value: b"x".to_vec(), ..keeping(true, false) };
    assert_eq!(run(&node, Request::Put(both)), Err(KvError::ValueProvided));
    assert_eq!(run(&node, Request::Put(keeping(false, true).lease(7))), Err(KvError::LeaseProvided));
}

#[test]
fn what_was_there_before_is_told() {
    let node = fresh();
    let put_prev = |value: &str| Request::Put(PutRequest { prev_kv: true, ..PutRequest::new("k", value) });
    assert_eq!(run(&node, put_prev("1")).unwrap().response, Response::Put { version: 1, previous: None });
    let Response::Put { version: 2, previous: Some((key, before)) } = run(&node, put_prev("2")).unwrap().response
    else {
        panic!()
    };
    assert_eq!((key, before.value, before.mod_revision), (b"k".to_vec(), b"1".to_vec(), 2));
    let request = DeleteRangeRequest { prev_kv: true, ..DeleteRangeRequest::of(KeyRange::prefix("")) };
    let Response::Deleted { count: 1, previous } = run(&node, Request::DeleteRange(request)).unwrap().response else {
        panic!()
    };
    assert_eq!((previous[0].1.value.as_slice(), previous[0].1.version), (&b"2"[..], 2));
}

#[test]
fn a_key_is_put_once_and_not_put_and_deleted_in_what_may_run_together() {
    let node = fresh();
    let key = || KeyRange::one("k");
    let clashes = [
        vec![put("k", "1"), put("k", "2")],
        vec![put("k", "1"), delete(key())],
        vec![delete(KeyRange::prefix("")), put("k", "1")],
        vec![delete(KeyRange { key: b"a".to_vec(), end: vec![0] }), put("k", "1")],
        vec![put("k", "1"), nested(vec![put("k", "2")], vec![])],
        vec![put("k", "1"), nested(vec![], vec![delete(key())])],
        vec![nested(vec![put("k", "1")], vec![]), nested(vec![], vec![put("k", "2")])],
        vec![nested(vec![put("k", "1")], vec![]), nested(vec![delete(key())], vec![])],
        vec![nested(vec![delete(key())], vec![]), nested(vec![put("k", "1")], vec![])],
        vec![nested(vec![nested(vec![put("k", "1")], vec![])], vec![]), put("k", "2")],
    ];
    for success in clashes {
        assert_eq!(run(&node, then(success.clone())), Err(KvError::DuplicateKey), "{success:?}");
        let never = txn(vec![Expected::Version(9).compare("k")], success, vec![]);
        assert_eq!(run(&node, never), Err(KvError::DuplicateKey), "whether it runs or not");
    }
    let fine = [
        vec![delete(key()), delete(KeyRange::prefix(""))],
        vec![nested(vec![put("k", "1")], vec![put("k", "2")])],
        vec![nested(vec![put("k", "1")], vec![delete(key())])],
        vec![put("l", "1"), delete(key())],
        vec![delete(KeyRange { key: b"k".to_vec(), end: b"a".to_vec() }), put("k", "1")],
    ];
    for success in fine {
        assert!(run(&node, then(success.clone())).is_ok(), "{success:?}");
    }
    assert!(run(&node, txn(vec![], vec![put("k", "1")], vec![put("k", "2")])).is_ok(), "the two lists");
}

#[test]
fn what_a_txn_names_is_looked_for_before_anything_runs() {
    let node = fresh();
    let bad_lease = Operation::Put(PutRequest::new("l", "").lease(99));
    assert_eq!(run(&node, then(vec![put("k", "v"), bad_lease.clone()])), Err(KvError::LeaseNotFound));
    assert_eq!(
        run(&node, then(vec![put("k", "v"), nested(vec![bad_lease.clone()], vec![])])),
        Err(KvError::LeaseNotFound)
    );
    assert_eq!(node.revision().unwrap(), 1, "the whole txn failed");
    let future = Operation::Range(RangeRequest::one("k").at(9));
    assert_eq!(run(&node, then(vec![put("k", "v"), future.clone()])), Err(KvError::FutureRevision));
    assert_eq!(
        run(&node, then(vec![future.clone(), bad_lease.clone()])),
        Err(KvError::LeaseNotFound),
        "puts come first"
    );
    let not_taken = txn(vec![], vec![put("k", "v")], vec![future, bad_lease]);
    assert_eq!(revision_of(&node, not_taken), 2, "what does not run need not be there");
}

#[test]
fn compacted_revisions_are_refused() {
    let node = fresh();
    run_all(&node, (0..5).map(|number| Request::put("k", number.to_string())));
    let at = |revision| run(&node, Request::Range(RangeRequest::one("k").at(revision))).map(|_| ());
    assert_eq!(at(7), Err(KvError::FutureRevision));
    assert_eq!(run(&node, Request::Compact { revision: 7 }), Err(KvError::FutureRevision));
    assert_eq!(run(&node, Request::Compact { revision: 0 }), Err(KvError::Compacted));
    let compacted = run(&node, Request::Compact { revision: 4 }).unwrap();
    assert_eq!(compacted, Answered { revision: 6, response: Response::Compacted });
    assert_eq!(run(&node, Request::Compact { revision: 4 }), Err(KvError::Compacted), "again");
    assert_eq!(run(&node, Request::Compact { revision: 3 }), Err(KvError::Compacted));
    assert_eq!((at(3), at(4), at(6), at(0)), (Err(KvError::Compacted), Ok(()), Ok(()), Ok(())));
    let value = find(&node, &KvQuery::Range(RangeRequest::one("k").at(4))).records.pop().unwrap().1.value;
    assert_eq!(value, b"2");
    assert_eq!(ask(&node, &KvQuery::Range(RangeRequest::one("k").at(3))).selection(), Err(KvError::Compacted));
    let in_txn = then(vec![put("x", ""), Operation::Range(RangeRequest::one("k").at(3))]);
    assert_eq!(run(&node, in_txn), Err(KvError::Compacted));
    assert_eq!(node.revision().unwrap(), 6);
}

#[test]
fn a_refused_request_does_not_keep_others_from_running() {
    let node = fresh();
    let results = run_all(
        &node,
        [
            Request::put("", "v"),
            Request::put("k", "v"),
            Request::get(vec![0; 4_097]),
            Request::put("l", vec![0; 1024 * 1024 + 1]),
            Request::put(vec![0; 4_096], ""),
        ],
    );
    let put = |revision| Ok(Answered { revision, response: Response::Put { version: 1, previous: None } });
    assert_eq!(results[0], Err(KvError::KeyNotProvided));
    assert_eq!(results[1], put(2));
    assert_eq!(results[2], Err(KvError::KeyTooLong));
    assert_eq!(results[3], Err(KvError::ValueTooLarge));
    assert_eq!(results[4], put(3));
    assert_eq!(find(&node, &KvQuery::prefix("", 0)).count, 2);
}

#[test]
fn refusals_have_etcds_words() {
    for (error, words) in [
        (KvError::KeyNotProvided, "key is not provided"),
        (KvError::KeyNotFound, "key not found"),
        (KvError::ValueProvided, "value is provided"),
        (KvError::LeaseProvided, "lease is provided"),
        (KvError::DuplicateKey, "duplicate key given in txn request"),
        (KvError::TooManyOperations, "too many operations in txn request"),
        (KvError::RequestTooLarge, "request is too large"),
        (KvError::Compacted, "mvcc: required revision has been compacted"),
        (KvError::FutureRevision, "mvcc: required revision is a future revision"),
        (KvError::LeaseTtlTooLarge, "too large lease TTL"),
        (KvError::LeaseNotFound, "requested lease not found"),
        (KvError::LeaseExists, "lease already exists"),
    ] {
        assert_eq!(error.to_string(), words);
    }
    assert_eq!(KvMachine.check(&Command::put("", "v").encode()), Err("key is not provided".to_owned()));
    assert_eq!(KvMachine.check(b"\xff"), Err("the request is malformed".to_owned()));
}

#[test]
fn queries_name_the_batch_they_saw_and_refuse_nonsense() {
    let node = fresh();
    run(&node, Request::put("k", "v")).unwrap();
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

//! Leases on agreed time.

use crate::support::{self, NOW, Node, ask, batch_at, find, fresh, result, transaction_until};
use tetrarch_kv::store::bounds::{MAX_ENDED_LEASES, MAX_LEASE_BYTES, MAX_REVISION_KEY_BYTES, MAX_REVISION_KEYS};
use tetrarch_kv::store::{Detail, LeaseState, Place};
use tetrarch_kv::{
    Answered, Command, Expected, KvError, KvQuery, Operation, PutRequest, QueryAnswer, Request, Response, TxnRequest,
};
use tetrarch_types::Timestamp;

const SECOND: u64 = 1_000_000;

/// Executes requests as one command, so many seconds behind the start.
fn run_all(node: &Node, seconds: u64, requests: impl IntoIterator<Item = Request>) -> Vec<Result<Answered, KvError>> {
    let (seq, now) = (node.executed().next().get(), NOW + seconds * SECOND);
    let one = transaction_until(1, seq, NOW + 1_800 * SECOND, &Command::new(requests));
    let executed = node.execute(&batch_at(seq, now, vec![one])).unwrap();
    result(&executed.replies[0].outcome).results.unwrap()
}

fn run(node: &Node, seconds: u64, request: Request) -> Result<Response, KvError> {
    run_all(node, seconds, [request]).pop().unwrap().map(|answered| answered.response)
}

/// A batch with a stamp and nothing else.
fn pass(node: &Node, seconds: u64) {
    node.execute(&batch_at(node.executed().next().get(), NOW + seconds * SECOND, Vec::new())).unwrap();
}

fn grant(id: u64, ttl: i64) -> Request {
    Request::LeaseGrant { id, ttl }
}

fn put(key: impl Into<Vec<u8>>, lease: u64) -> Request {
    Request::Put(PutRequest::new(key, "v").lease(lease))
}

fn lease(node: &Node, id: u64) -> Option<LeaseState> {
    match ask(node, &KvQuery::Lease { id, keys: true }).answer.unwrap() {
        QueryAnswer::Lease(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn lease_keys(node: &Node, id: u64) -> Vec<Vec<u8>> {
    lease(node, id).unwrap().keys
}

#[test]
fn grants_have_a_least_and_a_most_and_do_not_move_the_revision() {
    let node = fresh();
    for (id, asked, granted) in
        [(1, 0, 2), (2, -5, 2), (3, 1, 2), (4, 2, 2), (5, 60, 60), (6, 9_000_000_000, 9_000_000_000)]
    {
        assert_eq!(run(&node, 0, grant(id, asked)), Ok(Response::LeaseGranted { id, ttl: granted }));
        let expected = Timestamp::from_micros(NOW + granted * SECOND);
        assert_eq!(lease(&node, id), Some(LeaseState { ttl: granted, deadline: expected, keys: Vec::new() }));
    }
    assert_eq!(run(&node, 0, grant(7, 9_000_000_001)), Err(KvError::LeaseTtlTooLarge));
    assert_eq!(run(&node, 0, grant(5, 60)), Err(KvError::LeaseExists));
    assert_eq!(run(&node, 0, grant(0, 60)), Err(KvError::LeaseNotFound), "an id must be drawn before");
    assert_eq!(node.revision().unwrap(), 1);
    let QueryAnswer::Leases(list) = ask(&node, &KvQuery::Leases { from: 3 }).answer.unwrap() else { panic!() };
    assert_eq!((list.next(), list.more), (None, false));
    let listed: Vec<_> = list.leases.iter().map(|lease| (lease.id, lease.ttl)).collect();
    assert_eq!(listed, [(3, 2), (4, 2), (5, 60), (6, 9_000_000_000)]);
}

#[test]
fn a_revoke_deletes_its_keys_in_order_in_one_revision() {
    let node = fresh();
    run_all(&node, 0, [grant(1, 60), put("b", 1), put("a", 1), Request::put("c", "free")]);
    assert_eq!(lease_keys(&node, 1), [b"a", b"b"]);
    let revoked = run_all(&node, 0, [Request::LeaseRevoke { id: 1 }]).pop().unwrap();
    assert_eq!(revoked, Ok(Answered { revision: 5, response: Response::LeaseRevoked }));
    let query = KvQuery::Story { from: Place { revision: 5, event: 0 }, detail: Detail::Events };
    let QueryAnswer::Story(story) = ask(&node, &query).answer.unwrap() else { panic!() };
    let told: Vec<_> =
        story.revisions[0].events.iter().map(|event| (event.key.as_slice(), event.put.is_some())).collect();
    assert_eq!(told, [(&b"a"[..], false), (b"b", false)]);
    assert_eq!(find(&node, &KvQuery::prefix("", 0)).count, 1);
    assert_eq!(run(&node, 0, Request::LeaseRevoke { id: 1 }), Err(KvError::LeaseNotFound));
    run_all(&node, 0, [grant(2, 60), Request::LeaseRevoke { id: 2 }]);
    assert_eq!(node.revision().unwrap(), 5, "a lease without keys");
}

#[test]
fn a_put_moves_a_key_from_lease_to_lease() {
    let node = fresh();
    run_all(&node, 0, [grant(1, 60), grant(2, 60), put("k", 1), put("l", 1), put("k", 2)]);
    assert_eq!((lease_keys(&node, 1), lease_keys(&node, 2)), (vec![b"l".to_vec()], vec![b"k".to_vec()]));
    run(&node, 0, Request::LeaseRevoke { id: 1 }).unwrap();
    assert!(support::get(&node, "k").is_some() && support::get(&node, "l").is_none());
    run(&node, 0, Request::put("k", "free")).unwrap();
    assert!(lease_keys(&node, 2).is_empty());
    run(&node, 0, Request::LeaseRevoke { id: 2 }).unwrap();
    assert_eq!(support::get(&node, "k").unwrap(), "free");
    assert_eq!(run(&node, 0, put("k", 1)), Err(KvError::LeaseNotFound));
    run_all(&node, 0, [grant(3, 60), put("k", 3), Request::delete("k"), Request::put("k", "again")]);
    run(&node, 0, Request::LeaseRevoke { id: 3 }).unwrap();
    assert_eq!(support::get(&node, "k").unwrap(), "again", "a key that was deleted hangs on nothing");
}

#[test]
fn a_lease_ends_by_agreed_time_alone_and_a_keepalive_moves_its_end() {
    let node = fresh();
    run_all(&node, 0, [grant(1, 10), put("k", 1)]);
    let kept = |id, ttl| Ok(Response::LeaseKept { id, ttl });
    assert_eq!(run(&node, 9, Request::LeaseKeepAlive { id: 1 }), kept(1, 10));
    assert_eq!(lease(&node, 1).unwrap().deadline, Timestamp::from_micros(NOW + 19 * SECOND));
    assert_eq!(run(&node, 9, Request::LeaseKeepAlive { id: 2 }), kept(2, 0), "no such lease, and no error");
    pass(&node, 18);
    assert!(support::get(&node, "k").is_some());
    node.execute(&support::noop(node.executed().next().get())).unwrap();
    assert!(support::get(&node, "k").is_some(), "a gap filler moves nothing");
    pass(&node, 19);
    assert_eq!((support::get(&node, "k"), lease(&node, 1)), (None, None));
    assert_eq!(node.revision().unwrap(), 3);
    assert_eq!(run(&node, 5, Request::LeaseKeepAlive { id: 1 }), kept(1, 0), "time never goes back");
}

#[test]
fn leases_end_before_the_commands_of_their_batch() {
    let node = fresh();
    run_all(&node, 0, [grant(1, 5), put("lock", 1), grant(2, 60)]);
    let take = |id| {
        Request::Txn(TxnRequest {
            compares: vec![Expected::Absent.compare("lock")],
            success: vec![Operation::Put(PutRequest::new("lock", "mine").lease(id))],
            failure: vec![],
        })
    };
    let succeeded = |response: Result<Response, KvError>| matches!(response, Ok(Response::Txn(txn)) if txn.succeeded);
    assert!(!succeeded(run(&node, 4, take(2))));
    assert!(succeeded(run(&node, 5, take(2))), "at the very deadline");
    assert_eq!(node.revision().unwrap(), 4, "the end of the lease, and the put, each have a revision");
}

#[test]
fn leases_end_by_deadline_and_then_by_id_each_in_its_own_revision() {
    let node = fresh();
    let granted = [(3, 5), (1, 5), (2, 4)].into_iter();
    run_all(&node, 0, granted.flat_map(|(id, ttl)| [grant(id, ttl), put(format!("k{id}"), id)]));
    pass(&node, 6);
    let query = KvQuery::Story { from: Place { revision: 5, event: 0 }, detail: Detail::Events };
    let QueryAnswer::Story(story) = ask(&node, &query).answer.unwrap() else { panic!() };
    let told: Vec<_> = story.revisions.iter().map(|told| told.events[0].key.clone()).collect();
    assert_eq!(told, [b"k2", b"k1", b"k3"]);
}

#[test]
fn a_batch_ends_a_bounded_number_of_leases() {
    let node = fresh();
    let ids: Vec<u64> = (1..=300).collect();
    for some in ids.chunks(64) {
        run_all(&node, 0, some.iter().flat_map(|id| [grant(*id, 5), put(format!("k{id}"), *id)]));
    }
    let left = || match ask(&node, &KvQuery::Leases { from: 0 }).answer.unwrap() {
        QueryAnswer::Leases(list) => list.leases.len(),
        other => panic!("{other:?}"),
    };
    pass(&node, 5);
    assert_eq!(left(), 300 - MAX_ENDED_LEASES);
    let late = run(&node, 5, Request::LeaseKeepAlive { id: 300 });
    assert_eq!(late, Ok(Response::LeaseKept { id: 300, ttl: 0 }), "its deadline has passed all the same");
    assert_eq!(left(), 300 - 2 * MAX_ENDED_LEASES);
    pass(&node, 5);
    assert_eq!((left(), find(&node, &KvQuery::prefix("", 0)).count), (0, 0));
}

#[test]
fn leases_with_much_on_them_end_one_after_the_other() {
    let node = fresh();
    for id in 1..=3 {
        run(&node, 0, grant(id, 5)).unwrap();
        for part in 0..9 {
            let value = vec![0; 1_000_000];
            run(&node, 0, Request::Put(PutRequest::new(format!("{id}/{part}"), value).lease(id))).unwrap();
        }
    }
    let left = || {
        find(
            &node,
            &KvQuery::Range(tetrarch_kv::RangeRequest { count_only: true, ..tetrarch_kv::RangeRequest::prefix("") }),
        )
        .count
    };
    for expected in [18, 9, 0] {
        pass(&node, 5);
        assert_eq!(left(), expected);
    }
}

#[test]
fn as_much_hangs_on_a_lease_as_can_end_with_it() {
    let node = fresh();
    run_all(&node, 0, [grant(1, 600), grant(2, 600), grant(3, 600)]);
    for start in (0..MAX_REVISION_KEYS).step_by(128) {
        let puts = (start..start + 128).map(|number| put(format!("k{number}"), 1));
        assert!(run_all(&node, 0, puts).iter().all(Result::is_ok));
    }
    let revision = node.revision().unwrap();
    assert_eq!(run(&node, 0, put("one more", 1)), Err(KvError::LeaseFull));
    assert!(run(&node, 0, put("k0", 1)).is_ok(), "what hangs there already may be put");
    assert_eq!(run(&node, 0, put("k0", 2)).map(|_| ()), Ok(()));
    assert_eq!(run(&node, 0, put("one more", 1)).map(|_| ()), Ok(()), "there is room again");
    assert_eq!(node.revision().unwrap(), revision + 3);
    run(&node, 0, Request::LeaseRevoke { id: 1 }).unwrap();
    assert_eq!(find(&node, &KvQuery::prefix("", 0)).count, 1);

    let long = |number: usize| format!("{number:04096}");
    let fitting = MAX_REVISION_KEY_BYTES / 4_096;
    for number in 0..fitting {
        run(&node, 0, put(long(number), 3)).unwrap();
    }
    assert_eq!(run(&node, 0, put(long(fitting), 3)), Err(KvError::LeaseFull));
    run(&node, 0, Request::LeaseRevoke { id: 3 }).unwrap();

    let large = |number: usize| Request::Put(PutRequest::new(format!("l{number}"), vec![0; 1_000_000]).lease(2));
    let fitting = MAX_LEASE_BYTES / 1_000_002;
    for number in 0..fitting {
        run(&node, 0, large(number)).unwrap();
    }
    assert_eq!(run(&node, 0, large(fitting)), Err(KvError::LeaseFull));
    run(&node, 0, Request::LeaseRevoke { id: 2 }).unwrap();
    assert_eq!(find(&node, &KvQuery::prefix("", 0)).count, 0);
}

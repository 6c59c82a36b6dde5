//! What one batch may read and change: a thousand commands of a few bytes each neither fill a replica's memory nor keep it from everything else,
//! and small requests never suffer from them.

use std::sync::Arc;

use crate::support::counting::Counting;
use crate::support::{INTERVAL, NOW, Node, at, batch, find, fresh, fresh_store, open, result, rows, transaction};
use tetrarch_kv::store::bounds::{BATCH_WORK, MAX_REQUESTS};
use tetrarch_kv::{
    Command, CommandResult, Compare, Comparison, Context, KvError, KvMachine, KvQuery, Operation, Overlay, PutRequest,
    RangeRequest, Request, StateMachine, Target, TxnRequest,
};
use tetrarch_storage::{MemoryStore, Table};
use tetrarch_types::SeqNum;

const MIB: usize = 1024 * 1024;

/// Carries out the commands in one batch; the results of each.
fn together(node: &Node, commands: impl IntoIterator<Item = Command>) -> Vec<Vec<Result<u64, KvError>>> {
    let seq = node.executed().next().get();
    let commands = (1..).zip(commands);
    let transactions = commands.map(|(nonce, command)| transaction(1, seq * 10_000 + nonce, &command)).collect();
    let executed = node.execute(&batch(seq, transactions)).unwrap();
    executed.replies.iter().map(|reply| revisions(result(&reply.outcome))).collect()
}

fn revisions(result: CommandResult) -> Vec<Result<u64, KvError>> {
    result.results.unwrap().into_iter().map(|result| result.map(|answered| answered.revision)).collect()
}

fn one(node: &Node, request: Request) -> Result<u64, KvError> {
    together(node, [request.into()]).remove(0).remove(0)
}

fn fill(node: &Node, keys: usize, value: &[u8]) {
    let numbers: Vec<usize> = (0..keys).collect();
    for some in numbers.chunks(if value.len() > 1_000 { 1 } else { MAX_REQUESTS }) {
        together(node, [Command::new(some.iter().map(|number| Request::put(format!("k{number:06}"), value)))]);
    }
}

fn count() -> Request {
    Request::Range(RangeRequest { count_only: true, ..RangeRequest::prefix("k") })
}

/// Puts a key anew with the value that it has: a few bytes that move a large record into the history.
fn again(key: &str) -> Request {
    Request::Put(PutRequest { ignore_value: true, ..PutRequest::new(key, "") })
}

/// What a small caller asks for: a lock's transaction, a get and a put, in company of its like.
fn small() -> Command {
    let free = Compare::new("lock", Comparison::Equal, Target::Version(0));
    let (mine, theirs) = (PutRequest::new("lock", "me"), RangeRequest::one("lock"));
    let txn = TxnRequest {
        compares: vec![free],
        success: vec![Operation::Put(mine)],
        failure: vec![Operation::Range(theirs)],
    };
    let requests = [Request::Txn(txn), Request::get("lock"), Request::put("other", vec![1; 500])];
    Command::new((0..MAX_REQUESTS).map(|number| requests[number % 3].clone()))
}

fn history(store: &MemoryStore) -> usize {
    rows(store, Table::new("kv.events")).iter().map(|(_, row)| row.len()).sum()
}

/// 20 commands of fifteen puts: a thousand of them fit into a batch as well, and nothing that is cleared in the same batch makes up for it
/// where there is a past of small rows.
#[test]
fn what_a_batch_moves_to_the_history_is_bounded() {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    (0..350).for_each(|_| assert!(one(&node, Request::put("past", "")).is_ok()));
    one(&node, Request::put("k", vec![7; MIB])).unwrap();
    let results = together(&node, (0..20).map(|_| Command::new((0..15).map(|_| again("k")))));
    let moved = results.iter().flatten().filter(|result| result.is_ok()).count();
    assert!((30..=64).contains(&moved), "{moved} megabytes");
    assert!(history(&store) < BATCH_WORK + 2 * MIB, "{} bytes", history(&store));
    let last = results.last().unwrap();
    assert!(last.iter().all(|result| *result == Err(KvError::Crowded)), "{last:?}");
    assert!(one(&node, again("k")).is_ok(), "there is room in the next batch");
}

#[test]
fn what_a_batch_reads_is_bounded_and_small_requests_never_suffer() {
    let node = fresh();
    fill(&node, 10_000, b"");
    let mut commands: Vec<Command> = (0..12).map(|_| count().into()).collect();
    commands.push(small());
    commands.push(count().into());
    let results = together(&node, commands);
    let counted = results.iter().filter(|results| results[0].is_ok() && results.len() == 1).count();
    assert_eq!(counted, 6, "each of them looks at ten thousand keys of a kilobyte or so");
    assert_eq!(results[6..12].concat(), vec![Err(KvError::Crowded); 6]);
    assert!(results[12].iter().all(Result::is_ok), "{:?}", results[12]);
    assert_eq!(results[13], [Err(KvError::Crowded)], "still");
    assert!(one(&node, count()).is_ok(), "the next batch begins anew");
}

#[test]
fn leases_that_end_in_one_batch_are_bounded() {
    let node = fresh();
    for lease in 1..=6 {
        one(&node, Request::LeaseGrant { id: lease, ttl: 600 }).unwrap();
        for key in 0..14 {
            one(&node, Request::Put(PutRequest::new(format!("{lease}/{key}"), vec![1; MIB]).lease(lease))).unwrap();
        }
    }
    let results = together(&node, (1..=6).map(|id| Request::LeaseRevoke { id }.into())).concat();
    assert_eq!(results[4..], [Err(KvError::Crowded), Err(KvError::Crowded)]);
    assert!(results[..4].iter().all(Result::is_ok), "{results:?}");
    assert_eq!(find(&node, &KvQuery::prefix("", 1)).count, 28, "who is refused keeps all");
    assert!(one(&node, Request::LeaseRevoke { id: 5 }).is_ok());
}

/// The bytes that a machine reads to carry out these commands in one batch, and their results.
fn reading(store: &MemoryStore, commands: &[Command]) -> (usize, Vec<Vec<Result<u64, KvError>>>) {
    let counting = Counting::over(store);
    let tables = [KvMachine.tables(), &[Table::new("kv.history")]].concat();
    let mut state = Overlay::new(&counting, &tables);
    let results = commands.iter().zip(0..).map(|(command, index)| {
        let context = Context { seq: SeqNum::new(INTERVAL), index, time: at(NOW) };
        let result = KvMachine.execute(&context, &command.encode(), &mut state);
        revisions(CommandResult::decode(&result).unwrap())
    });
    let results = results.collect();
    assert_eq!(state.failure(), None);
    (counting.bytes.get(), results)
}

/// A request's share is known to be too small only when the record has been read.
#[test]
fn what_is_read_in_vain_is_bounded() {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    fill(&node, 16, &vec![7; MIB]);
    let greedy = || Command::new((0..MAX_REQUESTS).map(|_| count()));
    let (bytes, results) = reading(&store, &[greedy()]);
    assert!(bytes < 80 * MIB, "{bytes} bytes for 32 refusals");
    assert_eq!(results[0], vec![Err(KvError::TooMuch); MAX_REQUESTS]);
    let commands: Vec<Command> = (0..40).map(|_| greedy()).chain([small()]).collect();
    let (bytes, results) = reading(&store, &commands);
    assert!(bytes < 256 * MIB, "{bytes} bytes");
    assert_eq!(results[39], vec![Err(KvError::Crowded); MAX_REQUESTS]);
    assert!(results[40].iter().all(Result::is_ok), "{:?}", results[40]);
}

/// A key's past may be in a row of a megabyte, with that of two hundred others, of which each takes the whole row to be read.
#[test]
fn going_through_the_past_is_bounded() {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    fill(&node, 100, b"");
    one(&node, Request::put("large", vec![7; MIB])).unwrap();
    let then = find(&node, &KvQuery::prefix("", 1)).count + 1;
    let keys = (0..100).map(|number| Request::put(format!("k{number:06}"), ""));
    together(&node, [Command::new(keys.chain([again("large")]))]);
    let past =
        || Command::from(Request::Range(RangeRequest { count_only: true, ..RangeRequest::prefix("k").at(then) }));
    let (bytes, results) = reading(&store, &(0..20).map(|_| past()).collect::<Vec<_>>());
    assert_eq!(results[0], [Err(KvError::TooMuch)], "a hundred rows of a megabyte are too much for one");
    assert_eq!(results[19], [Err(KvError::Crowded)]);
    assert!(bytes < 2 * BATCH_WORK, "{bytes} bytes");
}

/// What a transaction's puts need is looked for before anything runs: that is reading too.
#[test]
fn what_puts_need_is_read_within_bounds() {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    fill(&node, 60, &vec![7; MIB]);
    let puts = (0..60).map(|number| format!("k{number:06}")).chain(["nothing".to_owned()]);
    let puts = puts.map(|key| Operation::Put(PutRequest { ignore_lease: true, ..PutRequest::new(key, "") }));
    let txn = Request::Txn(TxnRequest { success: puts.collect(), ..TxnRequest::default() });
    let (bytes, results) = reading(&store, &[txn.into()]);
    assert_eq!(results[0], [Err(KvError::TooMuch)]);
    assert!(bytes < 20 * MIB, "{bytes} bytes");
}

#[test]
fn who_finds_no_room_for_an_answer_may_ask_again() {
    let node = fresh();
    one(&node, Request::put("k", vec![7; MIB])).unwrap();
    let commands = (0..20).map(|_| Command::from(Request::get("k"))).chain([Request::put("other", "").into()]);
    let seq = node.executed().next().get();
    let transactions = (1..).zip(commands).map(|(nonce, command)| transaction(2, nonce, &command)).collect();
    let executed = node.execute(&batch(seq, transactions)).unwrap();
    let results: Vec<_> = executed.replies.iter().map(|reply| result(&reply.outcome).results).collect();
    assert!(results[..16].iter().all(Result::is_ok));
    assert_eq!(results[16..20], vec![Err(KvError::Crowded); 4]);
    assert!(results[20].is_ok(), "a small answer always fits");
}

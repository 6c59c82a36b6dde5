//! Pages of a range: the same records as a query that counts them all, and no more reading than a page needs.

use std::sync::Arc;

use crate::support::counting::Counting;
use crate::support::{Node, batch, find, fresh_store, open, transaction};
use tetrarch_kv::store::{Revisions, Sort, SortOrder, SortTarget};
use tetrarch_kv::{Command, KvMachine, KvQuery, QueryResult, RangeRequest, Request, Selection, StateMachine};
use tetrarch_storage::MemoryStore;

/// What a query finds, and the rows and bytes that it reads.
fn counted(store: &MemoryStore, query: &KvQuery) -> (Selection, usize, usize) {
    let counting = Counting::over(store);
    let answer = KvMachine.query(&query.encode(), &counting).unwrap();
    let found = QueryResult::decode(&answer).unwrap().selection().unwrap();
    (found, counting.rows.get(), counting.bytes.get())
}

const MIB: usize = 1024 * 1024;

/// Rows that a scan brings at once, and the one of the store itself that every query reads.
const AT_ONCE: usize = 16;
const BESIDE: usize = 1;

fn run(node: &Node, request: Request) {
    let seq = node.executed().next().get();
    node.execute(&batch(seq, vec![transaction(1, seq, &Command::from(request))])).unwrap();
}

/// A store with so many keys, each of so many bytes.
fn filled(keys: usize, bytes: usize) -> Arc<MemoryStore> {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    for key in 0..keys {
        run(&node, Request::put(format!("k{key:03}"), vec![7; bytes]));
    }
    store
}

/// All pages from this one on, each of which may read so many rows.
fn read_through(store: &MemoryStore, mut query: KvQuery, most: usize) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    loop {
        let (page, rows, bytes) = counted(store, &query);
        assert!(rows <= most, "{rows} rows for {} records", page.records.len());
        assert!(bytes < AT_ONCE * MIB, "{bytes} bytes");
        assert_eq!(page.count_is_exact, !page.more);
        keys.extend(page.records.into_iter().map(|(key, _)| key));
        if !page.more {
            return keys;
        }
        query = query.after(keys.last().unwrap());
    }
}

#[test]
fn a_page_reads_no_more_than_it_answers() {
    let store = filled(60, 700_000);
    let (all, rows, _) = counted(&store, &KvQuery::prefix("k", 0));
    assert!(rows >= 60, "{rows} rows: a query that counts reads them all");
    assert_eq!((all.count, all.count_is_exact, all.more), (60, true, true));
    let keys = read_through(&store, KvQuery::Page(RangeRequest::prefix("k")), AT_ONCE + BESIDE);
    assert_eq!(keys.len(), 60);
    assert!(keys.is_sorted());
    let few = read_through(&store, KvQuery::Page(RangeRequest::prefix("k").limit(3)), AT_ONCE + BESIDE);
    assert_eq!(few, keys, "a limit is that of each page");
}

#[test]
fn a_page_of_the_past_reads_no_more_than_it_answers() {
    let store = filled(40, 300_000);
    let node = open(Arc::clone(&store));
    let then = node.revision().unwrap();
    run(&node, Request::delete_prefix("k"));
    // A key of the past takes a few rows, and a page has few of them.
    let query = KvQuery::Page(RangeRequest::prefix("k").at(then));
    let keys = read_through(&store, query, AT_ONCE);
    assert_eq!(keys.len(), 40);
}

/// Every way of asking that there is, with some limits, filters and revisions.
fn requests() -> Vec<RangeRequest> {
    let targets = [SortTarget::Key, SortTarget::Version, SortTarget::Create, SortTarget::Mod, SortTarget::Value];
    let orders = [SortOrder::None, SortOrder::Ascend, SortOrder::Descend];
    let mut all = Vec::new();
    for (target, order) in targets.into_iter().flat_map(|target| orders.map(|order| (target, order))) {
        for (limit, revision, min) in [(0, 0, 0), (3, 0, 0), (3, 0, 5), (0, 7, 3), (2, 9, 0), (100, 0, 8)] {
            let plain = RangeRequest {
                limit,
                revision,
                sort: Sort { order, target },
                mod_revisions: Revisions { min, max: 0 },
                ..RangeRequest::prefix("")
            };
            all.push(RangeRequest { keys_only: true, ..plain.clone() });
            all.push(RangeRequest { count_only: true, ..plain.clone() });
            all.push(plain);
        }
    }
    all
}

#[test]
fn a_page_has_the_records_of_a_query_that_counts() {
    let store = fresh_store();
    let node = open(Arc::clone(&store));
    for (key, value) in [("b", "5"), ("a", "9"), ("c", "1"), ("b", "6"), ("e", "4"), ("d", "7"), ("a", "2"), ("f", "3")]
    {
        run(&node, Request::put(key, value));
    }
    run(&node, Request::delete("e"));
    for request in requests() {
        let counted = find(&node, &KvQuery::Range(request.clone()));
        let page = find(&node, &KvQuery::Page(request.clone()));
        assert_eq!((page.records, page.more), (counted.records, counted.more), "{request:?}");
        assert!(page.count <= counted.count);
        assert!(!page.count_is_exact || page.count == counted.count, "{request:?}");
        assert!(page.count_is_exact || page.more, "{request:?}");
    }
}

//! The story behind a revision: pages, chains, and what becomes of it by compaction.

use crate::support::{
    self, Node, ask, batch, fresh, fresh_store, only, open, put as put_transaction, rows, transaction,
};
use tetrarch_crypto::{Digest, Domain};
use tetrarch_kv::store::bounds::{CLEARED_PER_BATCH, MAX_KEPT_BYTES, MAX_KEPT_REVISIONS};
use tetrarch_kv::store::{Detail, Place, Previous, RevisionTold, Story, chain};
use tetrarch_kv::{
    Command, DeleteRangeRequest, KeyRange, KvError, KvQuery, Operation, PutRequest, QueryAnswer, RangeRequest, Request,
    TxnRequest,
};
use tetrarch_storage::Table;
use tetrarch_types::encode;

fn run(node: &Node, requests: impl IntoIterator<Item = Request>) {
    let seq = node.executed().next().get();
    let executed = node.execute(&batch(seq, vec![transaction(1, seq, &Command::new(requests))])).unwrap();
    assert!(only(&executed).results.unwrap().iter().all(Result::is_ok));
}

fn story(node: &Node, from: Place, detail: Detail) -> Result<Story, KvError> {
    ask(node, &KvQuery::Story { from, detail }).answer.map(|answer| match answer {
        QueryAnswer::Story(story) => story,
        other => panic!("{other:?}"),
    })
}

const fn at(revision: u64) -> Place {
    Place { revision, event: 0 }
}

fn puts(keys: impl IntoIterator<Item = String>, value: &[u8]) -> Request {
    let put = |key| Operation::Put(PutRequest::new(key, value));
    Request::Txn(TxnRequest { success: keys.into_iter().map(put).collect(), ..TxnRequest::default() })
}

/// The whole story, page by page, with the events of each revision put together.
fn whole(node: &Node, detail: Detail) -> (Digest, Vec<RevisionTold>, usize) {
    let mut all: Vec<RevisionTold> = Vec::new();
    let (mut next, mut pages, mut before) = (at(2), 0, None);
    while next.revision <= node.revision().unwrap() {
        let page = story(node, next, detail).unwrap();
        assert!(page.next > next, "each page tells something");
        before = before.or(Some(page.before));
        for told in page.revisions {
            match all.last_mut().filter(|last| last.revision == told.revision) {
                Some(last) => last.events.extend(told.events),
                None => all.push(told),
            }
        }
        next = page.next;
        pages += 1;
    }
    (before.unwrap(), all, pages)
}

/// Anyone with a hash function can follow the chain.
#[test]
fn the_chain_is_as_it_is_specified() {
    let node = fresh();
    run(&node, [Request::put("k", "1"), Request::put("k", "2"), Request::delete("k")]);
    let (before, told, _) = whole(&node, Detail::Previous);
    assert_eq!(before, Digest::of(Domain::KvChain, &[]));
    let [first, second] = [0, 1].map(|which| told[which].events[0].put.clone().unwrap());
    let [one, two] = [&first, &second].map(|record| Digest::of(Domain::KvRecord, &[&encode(record)]));
    let event = |put: &[u8], previous: &[u8]| Digest::of(Domain::KvEvent, &[b"k", put, previous]);
    let events = [event(one.as_bytes(), b""), event(two.as_bytes(), one.as_bytes()), event(b"", two.as_bytes())];
    let mut chain = before;
    for ((revision, event), told) in (2_u64..).zip(events).zip(&told) {
        chain = Digest::of(Domain::KvChain, &[chain.as_bytes(), &revision.to_be_bytes(), event.as_bytes()]);
        assert_eq!((told.revision, told.chain), (revision, chain));
    }
    assert_eq!(told[2].events[0].previous, Previous::Record(second));
    assert_eq!(told[2].events[0].put, None);
}

#[test]
fn a_story_that_was_dropped_altered_or_reordered_has_another_chain() {
    let node = fresh();
    run(&node, [puts(["a".to_owned(), "b".to_owned()], b"1"), Request::put("a", "2")]);
    let (before, told, _) = whole(&node, Detail::Events);
    let digests: Vec<_> = told[0].events.iter().map(tetrarch_kv::store::EventTold::digest).collect();
    assert_eq!(chain::next(&before, 2, &digests), told[0].chain);
    let reordered = [digests[1], digests[0]];
    for other in
        [chain::next(&before, 2, &digests[..1]), chain::next(&before, 2, &reordered), chain::next(&before, 3, &digests)]
    {
        assert_ne!(other, told[0].chain);
    }
    for alter in [
        |event: &mut tetrarch_kv::store::EventTold| event.put.as_mut().unwrap().value.push(0),
        |event: &mut tetrarch_kv::store::EventTold| event.put.as_mut().unwrap().lease = 1,
        |event: &mut tetrarch_kv::store::EventTold| event.put.as_mut().unwrap().version = 9,
        |event: &mut tetrarch_kv::store::EventTold| event.put = None,
        |event: &mut tetrarch_kv::store::EventTold| event.previous = Previous::Nothing,
        |event: &mut tetrarch_kv::store::EventTold| event.key.push(0),
    ] {
        let mut event = told[1].events[0].clone();
        alter(&mut event);
        assert_ne!(event.digest(), told[1].events[0].digest());
    }
}

#[test]
fn chains_alone_and_events_without_what_was_before_say_the_same() {
    let node = fresh();
    run(&node, [Request::put("k", "1"), Request::put("k", "2"), puts(["a".to_owned(), "b".to_owned()], b"")]);
    let (before, chains, _) = whole(&node, Detail::Chain);
    let (_, events, _) = whole(&node, Detail::Events);
    let (_, previous, _) = whole(&node, Detail::Previous);
    assert!(chains.iter().all(|told| told.events.is_empty()));
    assert_eq!(chains.iter().map(|told| told.count).collect::<Vec<_>>(), [1, 1, 2]);
    for told in [&events, &previous] {
        let mut chain = before;
        for (told, expected) in told.iter().zip(&chains) {
            let digests: Vec<_> = told.events.iter().map(tetrarch_kv::store::EventTold::digest).collect();
            chain = chain::next(&chain, told.revision, &digests);
            assert_eq!((told.chain, expected.chain), (chain, chain));
        }
    }
    assert!(matches!(events[1].events[0].previous, Previous::Digest(_)));
    assert!(matches!(previous[1].events[0].previous, Previous::Record(_)));
}

#[test]
fn a_long_story_comes_in_pages_and_a_large_revision_in_parts() {
    let node = fresh();
    for round in 0..3 {
        for key in 0..3_u8 {
            run(&node, [Request::put(format!("k{key}"), vec![round; 900_000])]);
        }
    }
    // One revision of more than any answer: it keeps three values.
    let keeping = |key| Operation::Put(PutRequest { ignore_value: true, ..PutRequest::new(format!("k{key}"), "") });
    run(&node, [Request::Txn(TxnRequest { success: (0..3).map(keeping).collect(), ..TxnRequest::default() })]);
    for detail in [Detail::Events, Detail::Previous] {
        let (mut chain, told, pages) = whole(&node, detail);
        assert!(pages > 6, "{pages}");
        assert_eq!(told.len(), 10);
        for told in &told {
            assert_eq!(told.events.len(), told.count as usize);
            let digests: Vec<_> = told.events.iter().map(tetrarch_kv::store::EventTold::digest).collect();
            chain = chain::next(&chain, told.revision, &digests);
            assert_eq!(told.chain, chain);
        }
    }
    assert_eq!(whole(&node, Detail::Chain).2, 1);
}

#[test]
fn what_was_there_before_is_left_out_only_of_a_pages_first_event() {
    let node = fresh();
    let keys = ["a", "b", "c", "d"];
    for size in [600_000, 1_000_000] {
        keys.iter().for_each(|key| run(&node, [Request::put(*key, vec![1; size])]));
    }
    run(&node, [Request::DeleteRange(DeleteRangeRequest { range: KeyRange::between("a", "z"), prev_kv: false })]);
    let (mut next, mut left_out) = (at(2), 0);
    while next.revision <= node.revision().unwrap() {
        let page = story(&node, next, Detail::Previous).unwrap();
        let events: Vec<_> = page.revisions.iter().flat_map(|told| &told.events).collect();
        let is_left_out = |event: &&tetrarch_kv::store::EventTold| matches!(event.previous, Previous::Digest(_));
        assert!(!events.iter().skip(1).copied().any(|event| is_left_out(&event)), "{next:?}");
        left_out += events.iter().copied().filter(is_left_out).count();
        next = page.next;
    }
    assert_eq!(left_out, 0, "a put of a megabyte and 600 kB before it fit into one page");
    run(&node, [Request::put("a", vec![1; 1_000_000])]);
    run(&node, [Request::put("a", vec![2; 1_000_000])]);
    let page = story(&node, at(12), Detail::Previous).unwrap();
    assert!(matches!(page.revisions[0].events[0].previous, Previous::Digest(_)), "two of a megabyte do not");
}

#[test]
fn a_story_to_come_is_empty_and_a_compacted_one_refused() {
    let node = fresh();
    run(&node, [Request::put("k", "1"), Request::put("k", "2"), Request::put("k", "3")]);
    let next = story(&node, at(5), Detail::Events).unwrap();
    let QueryAnswer::Hash { revision: 4, chain } = ask(&node, &KvQuery::Hash { revision: 0 }).answer.unwrap() else {
        panic!()
    };
    assert_eq!(next, Story { before: chain, revisions: Vec::new(), next: at(5) });
    assert_eq!(story(&node, at(100), Detail::Events).unwrap().next, at(100), "it begins no earlier");
    run(&node, [Request::Compact { revision: 3 }]);
    node.execute(&batch(node.executed().next().get(), Vec::new())).unwrap();
    assert_eq!(story(&node, at(2), Detail::Events), Err(KvError::Compacted));
    let told = story(&node, at(3), Detail::Previous).unwrap().revisions;
    assert_eq!(told[0].events[0].put.as_ref().unwrap().value, b"2", "a watch may begin at the compacted revision");
    assert!(matches!(told[0].events[0].previous, Previous::Digest(_)), "what was before it is gone");
    let hash = |revision| ask(&node, &KvQuery::Hash { revision }).answer;
    assert_eq!((hash(2), hash(5)), (Err(KvError::Compacted), Err(KvError::FutureRevision)));
    assert!(hash(3).is_ok());
}

const HISTORY: Table = Table::new("kv.history");
const EVENTS: Table = Table::new("kv.events");

/// More events than a row has, however small they are.
const ROW_EVENTS: usize = 512;

#[test]
fn compaction_gives_rows_back_a_bounded_number_with_each_batch() {
    let store = fresh_store();
    let node = open(store.clone());
    let revisions = 3 * CLEARED_PER_BATCH as u64;
    for seq in 1..=revisions / 128 {
        let requests = (0..128).map(|number| Request::put("k", format!("{seq} {number}")));
        node.execute(&batch(seq, vec![transaction(1, seq, &Command::new(requests))])).unwrap();
    }
    let kept = || (rows(&*store, HISTORY).len(), rows(&*store, EVENTS).len());
    let all = kept();
    assert_eq!(all.0 as u64, revisions - 1);
    assert!((3..50).contains(&all.1), "events share rows: {}", all.1);
    let seq = node.executed().next().get();
    let compact = Request::Compact { revision: revisions + 1 };
    node.execute(&batch(seq, vec![transaction(1, seq, &Command::new([compact]))])).unwrap();
    assert_eq!(kept(), all, "at first it is only refused");
    let mut batches = 0;
    while kept().1 > 1 {
        let before = kept();
        let seq = node.executed().next().get();
        node.execute(&batch(seq, Vec::new())).unwrap();
        let cleared = before.0 - kept().0 + before.1 - kept().1;
        assert!(cleared <= CLEARED_PER_BATCH + ROW_EVENTS, "{cleared}");
        batches += 1;
        assert!(batches < 10);
    }
    assert!((3..).contains(&batches), "{batches}");
    assert!(kept().0 <= ROW_EVENTS, "the last row's stay");
    assert_eq!(support::get(&node, "k").unwrap(), format!("{} 127", revisions / 128));
}

/// Its events do not fit one row, and some share theirs with other revisions.
#[test]
fn a_large_revision_is_read_and_given_up_like_any_other() {
    let store = fresh_store();
    let node = open(store.clone());
    let keys: Vec<String> = (0..60).map(|number| format!("k{number:02}")).collect();
    run(&node, keys.iter().map(|key| Request::put(key.as_str(), format!("{key} {}", "v".repeat(1_000)))));
    let full = node.revision().unwrap();
    run(&node, [Request::DeleteRange(DeleteRangeRequest { range: KeyRange::between("k", "l"), prev_kv: false })]);
    run(&node, keys.iter().map(|key| Request::put(key.as_str(), "again")));
    assert!(rows(&*store, EVENTS).len() >= 4, "the deletion alone takes three and a part of another");
    let range = RangeRequest { range: KeyRange::between("k", "l"), ..RangeRequest::one("k") };
    let read = |revision| ask(&node, &KvQuery::Range(range.clone().at(revision))).selection();
    let then = read(full).unwrap().records;
    assert_eq!(then.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect::<Vec<_>>(), keys);
    assert!(then.iter().all(|(key, record)| record.value.starts_with(key) && record.value.len() == 1_004));
    assert_eq!(read(full + 1).unwrap().records, Vec::new());
    assert_eq!(read(full + 1 + 60).unwrap(), read(0).unwrap());
    run(&node, [Request::Compact { revision: full + 61 }]);
    node.execute(&batch(node.executed().next().get(), Vec::new())).unwrap();
    assert_eq!(rows(&*store, EVENTS).len(), 1);
    assert!(rows(&*store, HISTORY).len() < 16, "what shares the last row with what is needed");
    assert_eq!(read(full), Err(KvError::Compacted));
}

#[test]
fn what_is_kept_is_bounded_in_revisions() {
    let store = fresh_store();
    let node = open(store.clone());
    let last = MAX_KEPT_REVISIONS + 2_000;
    for seq in 1..=last / 128 {
        let requests = (0..128).map(|_| Request::put("k", ""));
        node.execute(&batch(seq, vec![transaction(1, seq, &Command::new(requests))])).unwrap();
    }
    let revision = node.revision().unwrap();
    let compacted = ask(&node, &KvQuery::get("k")).compacted;
    assert_eq!(compacted, revision - MAX_KEPT_REVISIONS);
    assert!(rows(&*store, HISTORY).len() as u64 <= MAX_KEPT_REVISIONS + ROW_EVENTS as u64);
    assert!(story(&node, at(compacted), Detail::Chain).is_ok());
    assert_eq!(story(&node, at(compacted - 1), Detail::Chain), Err(KvError::Compacted));
}

#[test]
fn what_is_kept_is_bounded_in_bytes() {
    let store = fresh_store();
    let node = open(store.clone());
    let bytes = |table| rows(&*store, table).iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() as u64;
    for seq in 1..=140 {
        node.execute(&batch(seq, vec![put_transaction(1, seq, "k", &"v".repeat(1_000_000))])).unwrap();
        let kept = bytes(HISTORY) + bytes(EVENTS);
        assert!(kept <= MAX_KEPT_BYTES + 1_100_000, "{kept}");
    }
    let compacted = ask(&node, &KvQuery::get("missing")).compacted;
    assert!((5..20).contains(&compacted), "{compacted}");
    let read = |revision| ask(&node, &KvQuery::Range(RangeRequest::one("k").at(revision))).selection();
    assert_eq!(read(compacted - 1), Err(KvError::Compacted));
    assert_eq!(read(compacted).unwrap().records[0].1.mod_revision, compacted);
}

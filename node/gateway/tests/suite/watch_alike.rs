//! The same watches on a gateway and on a real etcd: the same responses.

use crate::support::pair::Pair;
use std::time::Instant;

use crate::support::watching::{PATIENCE, Watching, by_watch, create, events};
use tetrarch_chance::Rng;
use tetrarch_gateway::messages::kv::{CompactionRequest, DeleteRangeRequest, PutRequest};
use tetrarch_gateway::messages::txn::{Operation, RequestOp, TxnRequest};
use tetrarch_gateway::messages::watch::{FilterType, WatchCreateRequest, WatchResponse};

/// A stream to each.
struct Both {
    pair: Pair,
    ours: Watching,
    theirs: Watching,
}

impl Both {
    /// None where a program is missing; it has said so then.
    async fn start() -> Option<Self> {
        let pair = Pair::start().await?;
        let (ours, theirs) = pair.watching().await;
        Some(Self { pair, ours, theirs })
    }

    async fn again(&mut self) {
        (self.ours, self.theirs) = self.pair.watching().await;
    }

    async fn create(&mut self, message: WatchCreateRequest) {
        let ours = self.ours.create(message.clone()).await;
        let theirs = self.theirs.create(message.clone()).await;
        assert_eq!(ours, theirs, "{message:?}: the gateway's is on the left");
    }

    async fn cancel(&mut self, id: i64) {
        self.ours.cancel(id).await;
        self.theirs.cancel(id).await;
        self.agree().await;
    }

    async fn progress(&mut self) {
        self.ours.progress().await;
        self.theirs.progress().await;
        self.agree().await;
    }

    /// Refuses any difference in what both say until they are quiet. How many responses there were.
    async fn agree(&mut self) -> usize {
        let (ours, theirs) = self.until_alike((Vec::new(), Vec::new()), by_watch).await;
        assert_eq!(ours, theirs, "the gateway's is on the left");
        ours.values().map(Vec::len).sum()
    }

    /// What both have said and say until they are quiet; on a busy machine one may take longer than the other.
    async fn until_alike<T: PartialEq>(
        &mut self,
        (mut ours, mut theirs): (Vec<WatchResponse>, Vec<WatchResponse>),
        compared: impl Fn(Vec<WatchResponse>) -> T,
    ) -> (T, T) {
        let began = Instant::now();
        loop {
            ours.extend(self.ours.all().await);
            theirs.extend(self.theirs.all().await);
            let (left, right) = (compared(ours.clone()), compared(theirs.clone()));
            if left == right || began.elapsed() > PATIENCE {
                return (left, right);
            }
        }
    }

    async fn put(&self, key: &str, value: &str) {
        self.pair.put(PutRequest { key: key.into(), value: value.into(), ..Default::default() }).await;
    }

    async fn delete(&self, key: &str, end: &str) {
        self.pair.delete(DeleteRangeRequest { key: key.into(), range_end: end.into(), prev_kv: false }).await;
    }

    async fn compact(&self, revision: i64) {
        self.pair.compact(CompactionRequest { revision, physical: false }).await;
    }

    /// Several keys at one revision.
    async fn put_all(&self, keys: &[&str]) {
        let put =
            |key: &&str| Operation::Put(PutRequest { key: (*key).into(), value: b"t".into(), ..Default::default() });
        let success = keys.iter().map(put).map(|operation| RequestOp { request: Some(operation) }).collect();
        self.pair.txn(TxnRequest { success, ..Default::default() }).await.unwrap();
    }
}

#[tokio::test]
async fn watches_are_made_and_cancelled() {
    let Some(mut both) = Both::start().await else { return };
    both.put("k", "before").await;
    both.create(create("k", "", 0)).await;
    both.create(WatchCreateRequest { watch_id: 7, ..create("k", "m", 0) }).await;
    both.create(WatchCreateRequest { watch_id: 7, ..create("k", "", 0) }).await;
    both.create(create("k", "a", 0)).await;
    both.create(create("k", "k", 0)).await;
    both.create(create("", "", 0)).await;
    both.create(create("", "\0", 0)).await;
    both.create(WatchCreateRequest { watch_id: -5, ..create("l", "", 0) }).await;
    both.create(WatchCreateRequest { watch_id: 3, ..create("none", "", 0) }).await;
    both.create(create("l", "\0", 0)).await;
    both.create(create("k", "", 0)).await;
    both.put("k", "1").await;
    both.put("l", "2").await;
    both.put_all(&["a", "k", "l", "z"]).await;
    both.delete("k", "m").await;
    assert!(both.agree().await > 15);
    for id in [7, 7, 99, 0] {
        both.cancel(id).await;
    }
    both.create(WatchCreateRequest { watch_id: 7, ..create("k", "", 0) }).await;
    both.create(create("k", "", 0)).await;
    both.put("k", "3").await;
    both.agree().await;
    both.progress().await;
}

#[tokio::test]
async fn starts_in_the_past_and_in_the_future() {
    let Some(mut both) = Both::start().await else { return };
    for (key, value) in [("k", "1"), ("l", "2"), ("k", "3"), ("m", "4"), ("k", "5")] {
        both.put(key, value).await;
    }
    both.delete("k", "").await;
    for start in [1, 2, 3, 4, 6, 7, 8, 9, 11] {
        both.create(create("k", "", start)).await;
        both.agree().await;
    }
    // What one of them is told of the past may come before the next one is made: the gateway does not wait for a tenth of a second, as etcd does.
    both.create(WatchCreateRequest { prev_kv: true, ..create("a", "\0", 1) }).await;
    both.agree().await;
    both.create(WatchCreateRequest { prev_kv: true, ..create("none", "", 1) }).await;
    both.agree().await;
    for value in ["1", "2", "3", "4", "5", "6"] {
        both.put("k", value).await;
    }
    both.agree().await;
    both.progress().await;
}

#[tokio::test]
async fn a_compacted_start_and_what_was_before_it() {
    let Some(mut both) = Both::start().await else { return };
    for value in ["1", "2", "3", "4", "5"] {
        both.put("k", value).await;
    }
    both.compact(4).await;
    for start in [-1, 1, 2, 3] {
        both.create(create("k", "", start)).await;
        both.agree().await;
    }
    for start in [4, 5] {
        both.create(WatchCreateRequest { prev_kv: true, ..create("k", "", start) }).await;
        both.agree().await;
    }
    both.create(WatchCreateRequest { watch_id: 50, ..create("k", "", 2) }).await;
    both.agree().await;
    both.create(WatchCreateRequest { watch_id: 50, ..create("k", "", 5) }).await;
    both.cancel(50).await;
    both.create(WatchCreateRequest { watch_id: 50, ..create("k", "", 5) }).await;
    both.agree().await;
    // A watch in step does not care.
    both.put("k", "6").await;
    // Whoever is told of it only behind the compaction is not told what was there before.
    both.agree().await;
    both.compact(7).await;
    both.put("k", "7").await;
    both.agree().await;
    both.again().await;
    both.compact(8).await;
    // The one is compacted for long, the other has only just happened.
    for start in [1, 7] {
        both.create(create("k", "", start)).await;
        both.agree().await;
    }
}

#[tokio::test]
async fn a_start_at_1_when_2_is_compacted() {
    let Some(mut both) = Both::start().await else { return };
    both.create(create("k", "", -3)).await;
    both.agree().await;
    both.put("k", "1").await;
    both.put("k", "2").await;
    both.create(create("k", "", -3)).await;
    both.agree().await;
    both.compact(2).await;
    both.create(create("k", "", 1)).await;
    both.agree().await;
    both.create(create("k", "", 2)).await;
    both.agree().await;
}

#[tokio::test]
async fn filters_and_what_was_before() {
    let Some(mut both) = Both::start().await else { return };
    let filters = |filters: &[i32]| WatchCreateRequest { filters: filters.to_vec(), ..create("a", "z", 0) };
    let (no_put, no_delete) = (FilterType::Noput.into(), FilterType::Nodelete.into());
    for message in [filters(&[no_put]), filters(&[no_delete]), filters(&[no_put, no_delete]), filters(&[9, no_put])] {
        both.create(message.clone()).await;
        both.create(WatchCreateRequest { prev_kv: true, ..message }).await;
    }
    both.create(WatchCreateRequest { prev_kv: true, ..create("a", "\0", 0) }).await;
    both.put("a", "1").await;
    both.put("a", "2").await;
    both.put_all(&["a", "b"]).await;
    both.delete("a", "c").await;
    both.put("a", "3").await;
    both.agree().await;
}

#[tokio::test]
async fn large_responses_come_in_fragments_if_asked_for() {
    let Some(mut both) = Both::start().await else { return };
    for key in ["a", "b", "c", "d", "e"] {
        both.put(key, &key.repeat(900_000)).await;
    }
    both.create(WatchCreateRequest { fragment: true, prev_kv: true, ..create("a", "\0", 0) }).await;
    both.create(WatchCreateRequest { prev_kv: true, ..create("a", "\0", 0) }).await;
    both.delete("a", "z").await;
    assert!(both.agree().await > 3);
}

#[tokio::test]
async fn random_changes_are_told_to_several_watches_as_etcd_tells_them() {
    for seed in 0..3 {
        let Some(mut both) = Both::start().await else { return };
        let mut chance = Rng::new(seed);
        let (mut changes, mut told) = (0, (Vec::new(), Vec::new()));
        for _ in 0..120 {
            let key = |chance: &mut Rng| chance.one_of(["a", "b", "ba", "c", "d"]);
            let end = |chance: &mut Rng| chance.one_of(["", "", "\0", "c", "e"]);
            let (one, two) = (key(&mut chance), key(&mut chance));
            changes += 1;
            match chance.below(9) {
                0 => {
                    let start = i64::try_from(chance.below(changes + 4)).unwrap();
                    let filters = if chance.chance(3_000) { vec![i32::from(chance.chance(5_000))] } else { Vec::new() };
                    let prev_kv = chance.chance(5_000);
                    let message = create(one, end(&mut chance), start);
                    let message = WatchCreateRequest { prev_kv, filters, ..message };
                    // Requests of a stream and calls beside it have no order.
                    told.0.extend(both.ours.until_created(message.clone()).await);
                    told.1.extend(both.theirs.until_created(message).await);
                }
                1 | 2 => both.delete(one, end(&mut chance)).await,
                3 if one != two => both.put_all(&[one, two]).await,
                _ => both.put(one, "v").await,
            }
        }
        let (ours, theirs) = both.until_alike(told, events).await;
        assert!(ours.values().map(Vec::len).sum::<usize>() > 100, "seed {seed}");
        assert_eq!(ours, theirs, "seed {seed}: the gateway's is on the left");
    }
}

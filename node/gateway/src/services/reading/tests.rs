//! Ranges whose answers do not fit, on a cluster that answers little at a time; and one that does not answer.

use std::future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Command, CommandResult, KeyRange, KeyRecord, QueryAnswer, QueryResult};
use tetrarch_kv_client::{ClusterStatus, Standing, Told};
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum, Timestamp};

use super::*;
use crate::address::Address;

/// The revision that is read first.
const FIRST_REVISION: u64 = 11;

/// Ten keys, `a` to `j`, of which a query reads and answers so many; none at all if that is 0.
struct Little {
    page: usize,
    queries: AtomicUsize,
    /// How often a page is asked for too late: the store has gone on by a revision, and compacted what was before.
    late: usize,
    revision: AtomicU64,
}

impl Little {
    fn new(page: usize, late: usize) -> Self {
        Self { page, late, queries: AtomicUsize::new(0), revision: AtomicU64::new(FIRST_REVISION) }
    }

    /// Whether a page is asked for too late.
    fn is_late(&self) -> bool {
        let goes_on = |revision| (revision < FIRST_REVISION + self.late as u64).then_some(revision + 1);
        self.revision.fetch_update(Ordering::SeqCst, Ordering::SeqCst, goes_on).is_ok()
    }

    fn answer(&self, request: &RangeRequest) -> Selection {
        assert!(request.limit <= 10, "only what is left of the limit is asked for");
        let keys = (b'a'..=b'j').map(|key| vec![key]).filter(|key| *key >= request.range.key);
        let left: Vec<Vec<u8>> = keys.collect();
        let limit = if request.limit == 0 { usize::MAX } else { usize::try_from(request.limit).unwrap() };
        let taken = left.iter().take(self.page.min(limit)).cloned();
        let record = KeyRecord { value: Vec::new(), create_revision: 2, mod_revision: 2, version: 1, lease: 0 };
        let records: Vec<_> =
            if request.count_only { Vec::new() } else { taken.map(|key| (key, record.clone())).collect() };
        let fits = left.len() <= self.page;
        let more = !request.count_only && records.len() < left.len();
        Selection { count: left.len().min(self.page) as u64, count_is_exact: fits, more, records }
    }
}

impl Backend for Little {
    async fn order(&self, _: &Command) -> Result<CommandResult, BackendError> {
        Err(BackendError::Busy)
    }

    async fn query(&self, query: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        if self.page == 0 {
            future::pending::<()>().await;
        }
        self.queries.fetch_add(1, Ordering::SeqCst);
        let request = match query {
            KvQuery::Page(request) => request,
            KvQuery::Range(request) if request.revision == 0 => request,
            other => panic!("what is behind a page is not counted for each page: {other:?}"),
        };
        let revision = self.revision.load(Ordering::SeqCst);
        assert!([0, revision].contains(&request.revision), "all pages are of the first one's revision");
        if request.revision != 0 && self.is_late() {
            return Ok(QueryResult {
                revision: revision + 1,
                compacted: revision + 1,
                answer: Err(KvError::Compacted),
            });
        }
        Ok(QueryResult { revision, compacted: 0, answer: Ok(QueryAnswer::Range(self.answer(request))) })
    }

    async fn tell(&self, _: ReplicaId, _: &KvQuery, _: Option<SeqNum>) -> Result<Told, BackendError> {
        Err(BackendError::Busy)
    }

    fn membership(&self) -> Membership {
        Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), Vec::new())
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        Err(BackendError::Busy)
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn leader_seen(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO
    }
}

async fn read(page: usize, request: RangeRequest) -> Result<(usize, Selection), Refusal> {
    read_of(Little::new(page, 0), request).await
}

fn gateway(cluster: Little) -> Gateway<Little> {
    let listening = SocketAddr::from(([127, 0, 0, 1], 2379));
    Gateway::new(cluster, Address { advertised: Vec::new(), listening, scheme: "http" })
}

async fn read_of(cluster: Little, request: RangeRequest) -> Result<(usize, Selection), Refusal> {
    let gateway = gateway(cluster);
    let read = range(&gateway, request, false).await?;
    Ok((gateway.backend().queries.load(Ordering::SeqCst), read.selection))
}

fn all() -> RangeRequest {
    RangeRequest::of(KeyRange::prefix(""))
}

#[tokio::test]
async fn pages_are_put_together() {
    let (queries, selection) = read(4, all()).await.unwrap();
    let keys: Vec<u8> = selection.records.iter().map(|(key, _)| key[0]).collect();
    assert_eq!((queries, keys.as_slice(), selection.count, selection.more), (3, b"abcdefghij".as_slice(), 10, false));
}

#[tokio::test]
async fn a_limit_holds_over_pages_and_the_count_does_not_depend_on_it() {
    let (queries, selection) = read(4, all().limit(6)).await.unwrap();
    assert_eq!((selection.records.len(), selection.count, selection.more), (6, 10, true));
    assert_eq!(queries, 2 + 3, "two of records, three of names");
}

#[tokio::test]
async fn what_one_query_cannot_count_is_counted_in_pages() {
    let counting = RangeRequest { count_only: true, ..all() };
    let (_, selection) = read(3, counting.clone()).await.unwrap();
    assert_eq!((selection.records.len(), selection.count, selection.more), (0, 10, false));
    let (queries, selection) = read(10, counting).await.unwrap();
    assert_eq!((queries, selection.count), (1, 10));
}

#[tokio::test]
async fn a_range_without_a_revision_is_begun_anew_when_the_one_that_is_read_is_compacted() {
    let (queries, selection) = read_of(Little::new(4, 2), all()).await.unwrap();
    let keys: Vec<u8> = selection.records.iter().map(|(key, _)| key[0]).collect();
    assert_eq!((queries, keys.as_slice(), selection.count), (2 * 2 + 3, b"abcdefghij".as_slice(), 10));
    let (_, selection) = read_of(Little::new(4, 2), all().limit(2)).await.unwrap();
    assert_eq!((selection.records.len(), selection.count), (2, 10), "what is counted in pages too");
    let gateway = gateway(Little::new(4, 2));
    let read = range(&gateway, all(), true).await.unwrap();
    assert_eq!((read.revision, read.selection.count), (FIRST_REVISION + 2, 10), "it is of a later revision");
}

#[tokio::test]
async fn one_that_is_always_compacted_is_no_compacted_revision_of_the_callers() {
    let always = || Little::new(4, usize::MAX / 2);
    assert_eq!(read_of(always(), all()).await.unwrap_err(), Refusal::RangeOutrun);
    assert_eq!(tonic::Status::from(Refusal::RangeOutrun).code(), tonic::Code::Unavailable);
    let named = read_of(always(), all().at(FIRST_REVISION)).await.unwrap_err();
    assert_eq!(named, KvError::Compacted.into(), "the caller's own revision is");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_silent_for_too_long_is_not_waited_for() {
    let refused = read(0, all()).await.unwrap_err();
    assert_eq!(refused, Refusal::Backend(BackendError::TimedOut));
}

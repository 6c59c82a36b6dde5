//! Watches that look back, more of them than there are places in the history.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv::store::{Detail, EventTold, Place, Previous, RevisionTold, Story, chain};
use tetrarch_kv::{Command, CommandResult, KeyRecord, KvQuery, QueryAnswer, QueryResult};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, Standing, Told};
use tetrarch_types::{Membership, ReplicaId, SeqNum, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{Hub, Quiet, start_at};
use crate::limits::{HISTORIES_OF_HOST, READ_PATIENCE};
use crate::messages::watch::WatchResponse;

/// The last revision. Each put one key, and nothing happens any more.
const NEWEST: u64 = 300;

/// Revisions of one page.
const PAGE: usize = 16;

/// A store with a past.
struct Past(Story);

impl Past {
    fn new() -> Self {
        let (mut before, mut revisions) = (chain::start(), Vec::new());
        for revision in 2..=NEWEST {
            let put = KeyRecord {
                value: b"v".to_vec(),
                create_revision: revision,
                mod_revision: revision,
                version: 1,
                lease: 0,
            };
            let event = EventTold { key: vec![0], put: Some(put), previous: Previous::Nothing };
            before = chain::next(&before, revision, &[event.digest()]);
            revisions.push(RevisionTold { revision, chain: before, count: 1, events: vec![event] });
        }
        Self(Story { before: chain::start(), revisions, next: Place { revision: 0, event: 0 } })
    }

    fn page(&self, mut from: Place) -> Story {
        let behind = |told: &&RevisionTold| told.revision >= from.revision;
        let revisions: Vec<RevisionTold> = self.0.revisions.iter().filter(behind).take(PAGE).cloned().collect();
        let known = |told: &&RevisionTold| told.revision < from.revision;
        let before = self.0.revisions.iter().rfind(known).map_or(self.0.before, |told| told.chain);
        from.revision += revisions.len() as u64;
        Story { before, revisions, next: from }
    }
}

impl Backend for Past {
    async fn order(&self, _: &Command) -> Result<CommandResult, BackendError> {
        pending().await
    }

    async fn query(&self, _: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        let answer = Ok(QueryAnswer::Hash { revision: NEWEST, chain: chain::start() });
        Ok(QueryResult { revision: NEWEST, compacted: 0, answer })
    }

    async fn tell(&self, _: ReplicaId, query: &KvQuery, behind: Option<SeqNum>) -> Result<Told, BackendError> {
        let KvQuery::Story { from, detail: Detail::Events | Detail::Previous } = query else {
            return pending().await;
        };
        if behind.is_some() {
            pending::<()>().await;
        }
        let answer = Ok(QueryAnswer::Story(self.page(*from)));
        Ok(Told { executed: SeqNum::new(1), result: QueryResult { revision: NEWEST, compacted: 0, answer } })
    }

    fn membership(&self) -> Membership {
        Quiet::default().membership()
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        pending().await
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn leader_seen(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

/// What a watch is told.
type Responses = mpsc::Receiver<Result<WatchResponse, tonic::Status>>;

/// A watch from the first revision on.
fn look_back(hub: &Hub<Past>) -> Responses {
    let (out, told) = mpsc::channel(1);
    start_at(out, hub, 2, false);
    told
}

/// The revisions of the next response.
async fn next(told: &mut Responses) -> Vec<i64> {
    let response = told.recv().await.unwrap().unwrap();
    response.events.into_iter().map(|event| event.kv.unwrap().mod_revision).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_slowly_keeps_nobody_out_of_the_history() {
    let hub = Hub::new(Arc::new(Past::new()));
    let mut slow = Vec::new();
    for _ in 0..HISTORIES_OF_HOST {
        let mut told = look_back(&hub);
        slow.push(tokio::spawn(async move {
            let mut revisions = Vec::new();
            while revisions.last() != Some(&i64::try_from(NEWEST).unwrap()) {
                // Just before it would have to let go.
                sleep(READ_PATIENCE * 9 / 10).await;
                revisions.extend(next(&mut told).await);
            }
            revisions
        }));
    }
    sleep(READ_PATIENCE / 2).await;
    // Those that read take a few minutes for all of it.
    for _ in 0..2 * HISTORIES_OF_HOST {
        let mut told = look_back(&hub);
        let first = timeout(Duration::from_secs(30), next(&mut told)).await;
        assert_eq!(first.as_deref(), Ok(&[2][..]));
    }
    let all: Vec<i64> = (2..=NEWEST).map(|revision| i64::try_from(revision).unwrap()).collect();
    for slow in slow {
        assert_eq!(slow.await.unwrap(), all, "each is told all of it, once, and in order");
    }
}

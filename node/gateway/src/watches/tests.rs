//! Time passes for a watch.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_kv::store::chain;
use tetrarch_kv::{Command, CommandResult, KvQuery, QueryAnswer, QueryResult};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, Standing, Told};
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum, Timestamp};
use tokio::sync::{mpsc, watch};

use super::{Hub, Outlet, Wanted, Watch};
use crate::limits::PROGRESS_INTERVAL;
use crate::messages::watch::{WatchCreateRequest, WatchResponse};

/// A store in which nothing ever happens.
struct Quiet;

impl Backend for Quiet {
    async fn order(&self, _: &Command) -> Result<CommandResult, BackendError> {
        pending().await
    }

    async fn query(&self, _: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        let answer = Ok(QueryAnswer::Hash { revision: 1, chain: chain::start() });
        Ok(QueryResult { revision: 1, compacted: 0, answer })
    }

    async fn tell(&self, _: ReplicaId, _: &KvQuery, _: Option<SeqNum>) -> Result<Told, BackendError> {
        pending().await
    }

    fn membership(&self) -> Membership {
        let parameters = Parameters { checkpoint_interval: 1, window: 2 };
        Membership::new(Digest::ZERO, Epoch::ZERO, parameters, Vec::new())
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

/// The responses to one watch.
fn start(hub: &Hub<Quiet>, from: u64, notify_progress: bool) -> mpsc::Receiver<Result<WatchResponse, tonic::Status>> {
    let (out, told) = mpsc::channel(1);
    let (known, _) = watch::channel(0);
    let watch = Watch {
        outlet: Arc::new(Outlet::new(out)),
        reader: hub.read(from, false),
        id: 4,
        wanted: Wanted::of(&WatchCreateRequest::default()).unwrap(),
        fragments: false,
        notify_progress,
        made_at: 1,
        known,
    };
    tokio::spawn(watch.run());
    told
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_told_how_far_it_is_about_every_ten_minutes() {
    let hub = Hub::new(Arc::new(Quiet));
    let mut told = start(&hub, 2, true);
    let begun = tokio::time::Instant::now();
    for _ in 0..3 {
        let response = told.recv().await.unwrap().unwrap();
        let header = response.header.unwrap();
        assert_eq!((header.revision, response.watch_id, response.events.len()), (1, 4, 0));
    }
    let passed = begun.elapsed();
    assert!((3 * PROGRESS_INTERVAL..4 * PROGRESS_INTERVAL).contains(&passed), "{passed:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_did_not_ask_or_is_behind_is_not_told() {
    let hub = Hub::new(Arc::new(Quiet));
    for (from, asked) in [(2, false), (1, true)] {
        let mut told = start(&hub, from, asked);
        let within = tokio::time::timeout(Duration::from_secs(7_200), told.recv()).await;
        assert!(within.is_err(), "{from} {asked}");
    }
}

/// The replica that is asked for history may not have executed the compaction yet, and would tell it.
#[tokio::test(start_paused = true)]
async fn what_was_compacted_here_is_gone_whatever_replicas_still_have() {
    let hub = Hub::new(Arc::new(Quiet));
    hub.compacted(5);
    let response = start(&hub, 4, false).recv().await.unwrap().unwrap();
    assert!(response.canceled && response.compact_revision == 5, "{response:?}");
    let mut told = start(&hub, 5, false);
    assert!(tokio::time::timeout(Duration::from_secs(60), told.recv()).await.is_err(), "what is kept is asked for");
}

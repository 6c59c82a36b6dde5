//! Time passes for a watch.

mod past;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_crypto::{Digest, PublicKey};
use tetrarch_kv::store::chain;
use tetrarch_kv::{Command, CommandResult, KvError, KvQuery, QueryAnswer, QueryResult};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, Standing, Told};
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum, Timestamp};
use tokio::sync::{mpsc, watch};

use super::{Hub, Outlet, Wanted, Watch};
use crate::hosts;
use crate::limits::{HISTORIES_OF_HOST, PROGRESS_INTERVAL};
use crate::messages::watch::{WatchCreateRequest, WatchResponse};

/// A store in which nothing ever happens. What did may be compacted.
#[derive(Default)]
pub(crate) struct Quiet {
    compacted: u64,
}

impl Backend for Quiet {
    async fn order(&self, _: &Command) -> Result<CommandResult, BackendError> {
        pending().await
    }

    async fn query(&self, _: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        let revision = 1 + self.compacted;
        let answer = Ok(QueryAnswer::Hash { revision, chain: chain::start() });
        Ok(QueryResult { revision, compacted: self.compacted, answer })
    }

    async fn tell(&self, _: ReplicaId, _: &KvQuery, _: Option<SeqNum>) -> Result<Told, BackendError> {
        if self.compacted == 0 {
            pending::<()>().await;
        }
        let answer = Err(KvError::Compacted);
        let result = QueryResult { revision: 1 + self.compacted, compacted: self.compacted, answer };
        Ok(Told { executed: SeqNum::new(1), result })
    }

    fn membership(&self) -> Membership {
        let parameters = Parameters { checkpoint_interval: 1, window: 2 };
        Membership::new(Digest::ZERO, Epoch::ZERO, parameters, vec![PublicKey::from_bytes([2; 32])])
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
    start_at(out, hub, from, notify_progress);
    told
}

/// A watch that tells what it is told there.
fn start_at<B: Backend>(
    out: mpsc::Sender<Result<WatchResponse, tonic::Status>>,
    hub: &Hub<B>,
    from: u64,
    notify_progress: bool,
) {
    let (known, _) = watch::channel(0);
    let watch = Watch {
        outlet: Arc::new(Outlet::new(out)),
        reader: hub.read(from, false, hosts::own()),
        id: 4,
        wanted: Wanted::of(&WatchCreateRequest::default()).unwrap(),
        fragments: false,
        notify_progress,
        made_at: 1,
        known,
    };
    tokio::spawn(watch.run());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_told_how_far_it_is_about_every_ten_minutes() {
    let hub = Hub::new(Arc::new(Quiet::default()));
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
    let hub = Hub::new(Arc::new(Quiet::default()));
    for (from, asked) in [(2, false), (1, true)] {
        let mut told = start(&hub, from, asked);
        let within = tokio::time::timeout(Duration::from_secs(7_200), told.recv()).await;
        assert!(within.is_err(), "{from} {asked}");
    }
}

/// The replica that is asked for history may not have executed the compaction yet, and would tell it.
#[tokio::test(start_paused = true)]
async fn what_was_compacted_here_is_gone_whatever_replicas_still_have() {
    let hub = Hub::new(Arc::new(Quiet::default()));
    hub.compacted(5);
    let response = start(&hub, 4, false).recv().await.unwrap().unwrap();
    assert!(response.canceled && response.compact_revision == 5, "{response:?}");
    let mut told = start(&hub, 5, false);
    assert!(tokio::time::timeout(Duration::from_secs(60), told.recv()).await.is_err(), "what is kept is asked for");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_why_its_watch_ends_has_no_place_in_the_history() {
    let hub = Hub::new(Arc::new(Quiet { compacted: 5 }));
    let mut unread = Vec::new();
    for _ in 0..HISTORIES_OF_HOST {
        let (out, told) = mpsc::channel(1);
        out.try_send(Ok(WatchResponse::default())).unwrap();
        start_at(out, &hub, 2, false);
        unread.push(told);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut told = start(&hub, 2, false);
    let response = tokio::time::timeout(Duration::from_secs(60), told.recv()).await.unwrap().unwrap().unwrap();
    assert!(response.canceled && response.compact_revision == 5, "{response:?}");
}

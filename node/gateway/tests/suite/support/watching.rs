//! A client that watches.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_gateway::messages::ResponseHeader;
use tetrarch_gateway::messages::watch::{
    Event, WatchAction, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::calls::Caller;

/// What is not said within this is not said.
const QUIET: Duration = Duration::from_millis(400);

/// What must be said is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One stream of watches.
pub(crate) struct Watching {
    asks: mpsc::Sender<WatchRequest>,
    told: Told,
}

/// etcd opens its side of a stream with the first response only.
enum Told {
    Opening(JoinHandle<Result<Streaming<WatchResponse>, Status>>),
    Open(Box<Streaming<WatchResponse>>),
}

impl Told {
    async fn message(&mut self) -> Result<Option<WatchResponse>, Status> {
        if let Self::Opening(opening) = self {
            *self = Self::Open(Box::new(opening.await.unwrap()?));
        }
        let Self::Open(told) = self else { unreachable!() };
        told.message().await
    }
}

/// A watch of the keys of `[key, end)` from a revision on.
pub(crate) fn create(key: &str, end: &str, start_revision: i64) -> WatchCreateRequest {
    WatchCreateRequest { key: key.into(), range_end: end.into(), start_revision, ..Default::default() }
}

impl Watching {
    pub(crate) async fn to(caller: &Caller) -> Self {
        let (asks, asked) = mpsc::channel(64);
        let caller = caller.clone();
        let opening = async move { caller.stream("/etcdserverpb.Watch/Watch", ReceiverStream::new(asked)).await };
        Self { asks, told: Told::Opening(tokio::spawn(opening)) }
    }

    pub(crate) async fn ask(&self, action: WatchAction) {
        self.asks.send(WatchRequest { request_union: Some(action) }).await.unwrap();
    }

    pub(crate) async fn create(&mut self, message: WatchCreateRequest) -> WatchResponse {
        self.ask(WatchAction::Create(message)).await;
        self.next().await
    }

    pub(crate) async fn cancel(&self, watch_id: i64) {
        self.ask(WatchAction::Cancel(WatchCancelRequest { watch_id })).await;
    }

    pub(crate) async fn progress(&self) {
        self.ask(WatchAction::Progress(WatchProgressRequest {})).await;
    }

    /// The next response, without who gave it.
    pub(crate) async fn next(&mut self) -> WatchResponse {
        let told = tokio::time::timeout(PATIENCE, self.told.message()).await;
        anonymous(told.unwrap().unwrap().unwrap())
    }

    /// Why nothing more is said.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            let told = tokio::time::timeout(PATIENCE, self.told.message()).await;
            if let Err(status) = told.unwrap() {
                return status;
            }
        }
    }

    /// Makes a watch, and says all that is said until it is made.
    pub(crate) async fn until_created(&mut self, message: WatchCreateRequest) -> Vec<WatchResponse> {
        self.ask(WatchAction::Create(message)).await;
        let mut told = Vec::new();
        while !told.last().is_some_and(|last: &WatchResponse| last.created) {
            told.push(self.next().await);
        }
        told
    }

    /// All that is said until nothing is any more.
    pub(crate) async fn all(&mut self) -> Vec<WatchResponse> {
        let mut all = Vec::new();
        while let Ok(told) = tokio::time::timeout(QUIET, self.told.message()).await {
            all.push(anonymous(told.unwrap().unwrap()));
        }
        all
    }

    /// The events of so many revisions, each checked to come in a response of its own.
    pub(crate) async fn revisions(&mut self, count: usize) -> Vec<i64> {
        let mut revisions = Vec::new();
        while revisions.len() < count {
            let events = self.next().await.events;
            let of: Vec<i64> = events.iter().map(|event| event.kv.as_ref().unwrap().mod_revision).collect();
            assert!(!of.is_empty() && of.iter().all(|revision| *revision == of[0]), "{of:?}");
            revisions.push(of[0]);
        }
        revisions
    }
}

fn anonymous(mut response: WatchResponse) -> WatchResponse {
    let revision = response.header.unwrap().revision;
    response.header = Some(ResponseHeader { revision, ..ResponseHeader::default() });
    response
}

/// What each watch was told, in order: between watches there is none.
pub(crate) fn by_watch(all: Vec<WatchResponse>) -> BTreeMap<i64, Vec<WatchResponse>> {
    let mut by_watch: BTreeMap<i64, Vec<WatchResponse>> = BTreeMap::new();
    all.into_iter().for_each(|response| by_watch.entry(response.watch_id).or_default().push(response));
    by_watch
}

/// The events of each watch, however they came together.
pub(crate) fn events(all: Vec<WatchResponse>) -> BTreeMap<i64, Vec<Event>> {
    let flat = |responses: Vec<WatchResponse>| responses.into_iter().flat_map(|response| response.events).collect();
    by_watch(all).into_iter().map(|(id, responses)| (id, flat(responses))).collect()
}

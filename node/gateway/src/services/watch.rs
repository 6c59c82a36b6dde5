//! `etcdserverpb.Watch`: a stream of requests, and one of what happens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tetrarch_kv::store::bounds::MAX_KEY_BYTES;
use tetrarch_kv::{KvError, KvQuery};
use tetrarch_kv_client::{Backend, BackendError, Freshness};
use tetrarch_types::Host;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tonic::{Code, Status, Streaming};

use super::call::Replies;
use crate::gateway::Gateway;
use crate::hosts::Place;
use crate::limits::MAX_WATCHES;
use crate::messages::watch::{WatchAction, WatchCancelRequest, WatchCreateRequest, WatchRequest, WatchResponse};
use crate::refusal::Refusal;
use crate::translate::{signed, unsigned};
use crate::watches::{Outlet, Wanted, Watch, gone_response};

/// The id that belongs to no watch.
const NO_WATCH: i64 = -1;

/// etcd's words.
const EMPTY_RANGE: &str = "mvcc: watcher range is empty";
const DUPLICATE_ID: &str = "mvcc: duplicate watch ID provided on the WatchStream";

/// Answers until the client is gone; that it has nothing more to ask does not end its watches.
pub(super) async fn watch<B: Backend>(
    gateway: Arc<Gateway<B>>,
    requests: Streaming<WatchRequest>,
    host: Host,
) -> Result<Replies<WatchResponse>, Status> {
    let (out, answers) = mpsc::channel(1);
    let stream = Stream {
        gateway,
        host,
        outlet: Arc::new(Outlet::new(out)),
        watches: BTreeMap::new(),
        next_id: 0,
        progress: None,
        known: Arc::default(),
    };
    tokio::spawn(stream.run(requests));
    Ok(answers)
}

/// How far each watch of a stream is.
type Known = Arc<Mutex<BTreeMap<i64, watch::Receiver<u64>>>>;

struct Stream<B> {
    gateway: Arc<Gateway<B>>,
    host: Host,
    outlet: Arc<Outlet>,
    /// As in etcd, one whose start was compacted stays until it is cancelled.
    watches: BTreeMap<i64, Running>,
    next_id: i64,
    progress: Option<(Arc<Notify>, Running)>,
    known: Known,
}

/// A task that ends with this.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why there is no watch.
struct Refused(String);

impl<B: Backend> Stream<B> {
    async fn run(mut self, mut requests: Streaming<WatchRequest>) {
        let outlet = self.outlet.clone();
        loop {
            let message = tokio::select! {
                message = requests.message() => message,
                () = outlet.closed() => return,
            };
            let handled = match message {
                Ok(Some(message)) => tokio::select! {
                    handled = self.handle(message) => handled,
                    () = outlet.closed() => return,
                },
                Ok(None) => return outlet.closed().await,
                Err(status) => Err(status),
            };
            if let Err(status) = handled {
                // What is told of a watch comes before the end, or not at all.
                self.watches.clear();
                return outlet.end(status).await;
            }
        }
    }

    async fn handle(&mut self, message: WatchRequest) -> Result<(), Status> {
        match message.request_union {
            Some(WatchAction::Create(create)) => self.create(create).await,
            Some(WatchAction::Cancel(cancel)) => self.cancel(cancel).await,
            Some(WatchAction::Progress(_)) => {
                self.progress();
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn create(&mut self, create: WatchCreateRequest) -> Result<(), Status> {
        let revision = self.gateway.newest().await.map_err(passing)?;
        let created =
            WatchResponse { header: Some(self.gateway.header(revision)), created: true, ..Default::default() };
        match self.place(&create) {
            Err(Refused(cancel_reason)) => {
                self.send(WatchResponse { watch_id: NO_WATCH, canceled: true, cancel_reason, ..created }).await;
            }
            Ok((watch_id, wanted, place)) => {
                let gone = self.gone_before_all(create.start_revision).await?;
                self.send(WatchResponse { watch_id, ..created }).await;
                let task = match gone {
                    Some(compacted) => {
                        self.send(gone_response(self.gateway.header(0), watch_id, compacted)).await;
                        tokio::spawn(async {})
                    }
                    None => self.start(watch_id, wanted, &create, revision, place),
                };
                self.watches.insert(watch_id, Running(task));
            }
        }
        Ok(())
    }

    /// The compacted revision, if a start before the first revision with a story is compacted. What is negative etcd always holds to be.
    async fn gone_before_all(&self, start: i64) -> Result<Option<i64>, Status> {
        if start == 0 || start > 1 {
            return Ok(None);
        }
        let query = KvQuery::Hash { revision: 0 };
        let result = self.gateway.query(&query, Freshness::Serializable).await.map_err(passing)?;
        Ok(match signed(result.compacted) {
            0 if start < 0 => Some(-1),
            compacted => Some(compacted).filter(|compacted| *compacted > start),
        })
    }

    /// Finds an id, and a place among those that may be.
    fn place(&mut self, create: &WatchCreateRequest) -> Result<(i64, Wanted, Place), Refused> {
        if create.key.len().max(create.range_end.len()) > MAX_KEY_BYTES + 1 {
            return Err(Refused(format!("etcdserver: {}", KvError::KeyTooLong)));
        }
        let wanted = Wanted::of(create).ok_or_else(|| Refused(EMPTY_RANGE.to_owned()))?;
        let watch_id = match create.watch_id {
            0 => self.free_id(),
            chosen if self.watches.contains_key(&chosen) => return Err(Refused(DUPLICATE_ID.to_owned())),
            chosen => chosen,
        };
        let place = self.gateway.watches.places.take(self.host);
        // Those that ended and were not cancelled have given their places back, but are still here.
        let place = place.filter(|_| self.watches.len() < MAX_WATCHES);
        let place = place.ok_or_else(|| Refused("etcdserver: too many watches".to_owned()))?;
        Ok((watch_id, wanted, place))
    }

    fn free_id(&mut self) -> i64 {
        while self.watches.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    fn start(
        &mut self,
        id: i64,
        wanted: Wanted,
        create: &WatchCreateRequest,
        revision: u64,
        place: Place,
    ) -> JoinHandle<()> {
        let from = if create.start_revision == 0 { revision + 1 } else { unsigned(create.start_revision) };
        let (sender, known) = watch::channel(from.saturating_sub(1));
        let watch = Watch {
            outlet: self.outlet.clone(),
            reader: self.gateway.watches.read(from, wanted.previous, self.host),
            id,
            wanted,
            fragments: create.fragment,
            notify_progress: create.progress_notify,
            made_at: revision,
            known: sender,
        };
        lock(&self.known).insert(id, known);
        tokio::spawn(async move {
            watch.run().await;
            drop(place);
        })
    }

    /// Behind the response to a cancellation nothing comes of the watch.
    async fn cancel(&mut self, cancel: WatchCancelRequest) -> Result<(), Status> {
        let watch_id = cancel.watch_id;
        let Some(mut watch) = self.watches.remove(&watch_id) else { return Ok(()) };
        watch.0.abort();
        drop((&mut watch.0).await);
        let known = lock(&self.known).remove(&watch_id).map_or(0, |known| *known.borrow());
        // Where nobody says what is latest this watch still ends, and the others of its stream do not.
        let revision = self.gateway.newest().await.unwrap_or(known);
        let header = Some(self.gateway.header(revision));
        self.send(WatchResponse { header, watch_id, canceled: true, ..WatchResponse::default() }).await;
        Ok(())
    }

    /// Asks the stream's task for progress; what is asked for while it has not begun to look yet is one.
    fn progress(&mut self) {
        let (gateway, outlet, known) = (&self.gateway, &self.outlet, &self.known);
        let (asked, _) = self.progress.get_or_insert_with(|| {
            let asked = Arc::new(Notify::new());
            let task = tell_progress(gateway.clone(), outlet.clone(), known.clone(), asked.clone());
            (asked, Running(tokio::spawn(task)))
        });
        asked.notify_one();
    }

    /// A client that is gone is noticed elsewhere.
    async fn send(&self, response: WatchResponse) {
        let _ = self.outlet.send(response).await;
    }
}

/// Why the cluster does not say where a watch begins, as it ends the stream: all watches of it, for good, unless clients take the end for an outage. Go's
/// client, for one, begins anew behind that only.
fn passing(refusal: Refusal) -> Status {
    let told = Status::from(refusal);
    if told.code() == Code::Unavailable {
        return told;
    }
    tracing::warn!(code = ?told.code(), text = told.message(), "a watch cannot begin, and its stream ends");
    Refusal::from(BackendError::Unavailable(told.message().to_owned())).into()
}

/// Says a revision up to which every watch of a stream was told everything: the store's when it was asked for, or a later one.
async fn tell_progress<B: Backend>(gateway: Arc<Gateway<B>>, outlet: Arc<Outlet>, known: Known, asked: Arc<Notify>) {
    loop {
        asked.notified().await;
        // Where the cluster does not answer there is no progress to tell.
        let Ok(revision) = gateway.newest().await else { continue };
        let all: Vec<watch::Receiver<u64>> = lock(&known).values().cloned().collect();
        for mut one in all {
            // One that has ended is told nothing any more.
            drop(one.wait_for(|known| *known >= revision).await);
        }
        let header = Some(gateway.header(revision));
        let response = WatchResponse { header, watch_id: NO_WATCH, ..WatchResponse::default() };
        if outlet.send(response).await.is_err() {
            return;
        }
    }
}

fn lock(known: &Known) -> std::sync::MutexGuard<'_, BTreeMap<i64, watch::Receiver<u64>>> {
    // What it guards is whole at any time.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

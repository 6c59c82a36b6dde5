//! What all services share.

use std::future::Future;
use std::sync::Arc;

use tetrarch_kv::{Answered, KvError, KvQuery, QueryAnswer, QueryResult, Request, Response};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, watch};
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::limits::{CALL_TIMEOUT, MAX_MESSAGE_BYTES, QUERIES_UNDER_WAY, SNAPSHOTS_UNDER_WAY};
use crate::messages::ResponseHeader;
use crate::metrics::Metrics;
use crate::orderer::{Orderer, Pending};
use crate::refusal::Refusal;
use crate::translate;
use crate::watches::Hub;

/// The way from a service to the cluster.
#[derive(Debug)]
pub(crate) struct Gateway<B> {
    backend: Arc<B>,
    orderer: Orderer,
    queries: Semaphore,
    pub(crate) watches: Hub<B>,
    pub(crate) metrics: Arc<Metrics>,
    /// Places for snapshots.
    pub(crate) snapshots: Arc<Semaphore>,
    /// Where clients reach this gateway.
    pub(crate) address: Address,
}

impl<B: Backend> Gateway<B> {
    pub(crate) fn new(backend: B, address: Address) -> Self {
        let backend = Arc::new(backend);
        let metrics = Arc::new(Metrics::new());
        let orderer = Orderer::start(backend.clone(), metrics.clone());
        let watches = Hub::new(backend.clone());
        let (queries, snapshots) = (Semaphore::new(QUERIES_UNDER_WAY), Arc::new(Semaphore::new(SNAPSHOTS_UNDER_WAY)));
        Self { backend, orderer, queries, watches, metrics, snapshots, address }
    }

    pub(crate) fn backend(&self) -> &B {
        &self.backend
    }

    /// A response's header.
    pub(crate) fn header(&self, revision: u64) -> ResponseHeader {
        translate::header(self.backend.standing(), revision)
    }

    /// Orders a request, and waits for its result.
    pub(crate) async fn order(&self, request: Request) -> Result<Answered, Refusal> {
        in_time(async { self.orderer.submit(request).await?.result().await }).await
    }

    /// Orders a request, whose result somebody else waits for.
    pub(crate) async fn submit(&self, request: Request) -> Result<Pending, Refusal> {
        in_time(self.orderer.submit(request)).await
    }

    /// Gives up what was before a revision; gives the store's revision then.
    pub(crate) async fn compact(&self, revision: u64) -> Result<u64, Refusal> {
        // Watches in step are not to lose what is compacted as soon as it happened.
        self.watches.reach(revision).await;
        let answered = self.order(Request::Compact { revision }).await?;
        let Answered { revision: now, response: Response::Compacted } = answered else {
            return Err(of_another_request());
        };
        self.watches.compacted(revision);
        Ok(now)
    }

    /// Asks a query; [`BackendError::Disagree`] is for the caller to make something of.
    pub(crate) async fn query(&self, query: &KvQuery, freshness: Freshness) -> Result<QueryResult, Refusal> {
        in_time(async {
            let _turn = self.queries.acquire().await.map_err(|_| BackendError::Busy)?;
            Ok(self.backend.query(query, freshness).await?)
        })
        .await
    }

    /// Asks a query with one right kind of answer; with the store's revision and its compacted one.
    pub(crate) async fn look<T>(
        &self,
        query: &KvQuery,
        kind: impl Fn(QueryAnswer) -> Option<T>,
    ) -> Result<Looked<T>, Refusal> {
        let result = self.query(query, Freshness::Linearizable).await?;
        let answer = kind(result.answer?).ok_or_else(|| unreadable("an answer to another query"))?;
        Ok(Looked { revision: result.revision, compacted: result.compacted, answer })
    }

    /// The store's revision: no earlier than all that was answered to anyone before.
    pub(crate) async fn newest(&self) -> Result<u64, Refusal> {
        in_time(async { Ok(watch::newest(&*self.backend).await?) }).await
    }

    pub(crate) async fn status(&self) -> Result<ClusterStatus, Refusal> {
        in_time(async { Ok(self.backend.status().await?) }).await
    }
}

/// An answer, and where the store stood.
pub(crate) struct Looked<T> {
    pub(crate) revision: u64,
    pub(crate) compacted: u64,
    pub(crate) answer: T,
}

/// etcd's bound for a request, whatever becomes of it.
pub(crate) fn check_size(message: &impl prost::Message) -> Result<(), Refusal> {
    if message.encoded_len() > MAX_MESSAGE_BYTES { Err(KvError::RequestTooLarge.into()) } else { Ok(()) }
}

pub(crate) fn of_another_request() -> Refusal {
    unreadable("a response to another request")
}

pub(crate) fn unreadable(what: &str) -> Refusal {
    BackendError::Unreadable(what.to_owned()).into()
}

/// Waits for the cluster as long as a call may.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    tokio::time::timeout(CALL_TIMEOUT, work).await.unwrap_or(Err(BackendError::TimedOut.into()))
}

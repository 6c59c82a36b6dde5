//! Asking replicas, all at once and again, until someone has heard enough.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tetrarch_transport::Connector;
use tetrarch_types::{Membership, ReplicaId, Request, Response};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::Trouble;

/// Someone who listens to replicas' answers and decides when it is enough.
pub(crate) trait Listener {
    /// What it decides.
    type Verdict;

    /// Takes an answer. It may come from a liar, and more than one may come from the same replica.
    fn hear(&mut self, from: ReplicaId, answer: Result<Response, Trouble>);

    /// Whether the replica need not be asked again.
    fn is_settled(&self, replica: ReplicaId) -> bool;

    /// The decision, once there is one.
    fn verdict(&self) -> Option<Self::Verdict>;
}

/// How many intervals one transmission may take before it counts as lost. Later ones run beside it.
const PATIENCE: u32 = 8;

/// The longest wait between two transmissions, in intervals.
const LONGEST_WAIT: u32 = 4;

/// A replica's answer that is waited for.
type Asked = Pin<Box<dyn Future<Output = (ReplicaId, Result<Response, Trouble>)> + Send>>;

/// One question to every replica, sent again to those that are not settled. Dropping it drops what is in flight. All of it is one task's work:
/// where an answer is heard, it is counted.
pub(crate) struct Survey {
    connector: Arc<Connector>,
    replicas: Vec<ReplicaId>,
    request: Bytes,
    interval: Duration,
    wait: Duration,
    in_flight: FuturesUnordered<Asked>,
}

impl Survey {
    /// The replica that is asked `first` is asked a moment before the others.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        membership: &Membership,
        first: ReplicaId,
        request: &Request,
        interval: Duration,
    ) -> Self {
        let others = membership.ids().filter(|replica| *replica != first);
        Self {
            connector: Arc::clone(connector),
            replicas: std::iter::once(first).chain(others).collect(),
            request: Connector::encode(request),
            interval,
            wait: interval,
            in_flight: FuturesUnordered::new(),
        }
    }

    /// Asks until the listener decides or the time has come. It can be called again to go on.
    pub(crate) async fn run<L: Listener>(&mut self, listener: &mut L, until: Instant) -> Option<L::Verdict> {
        while Instant::now() < until {
            self.ask_unsettled(listener);
            let pause = Instant::now().checked_add(self.wait).map_or(until, |pause| pause.min(until));
            if let Some(verdict) = self.listen(listener, pause).await {
                return Some(verdict);
            }
            self.wait = self.wait.saturating_mul(2).min(self.interval.saturating_mul(LONGEST_WAIT));
        }
        None
    }

    /// Asks every replica once and hears each of them out, until the time has come.
    pub(crate) async fn once<L: Listener>(&mut self, listener: &mut L, until: Instant) {
        self.ask_unsettled(listener);
        while let Ok(Some((from, answer))) = timeout_at(until, self.in_flight.next()).await {
            listener.hear(from, answer);
        }
    }

    fn ask_unsettled<L: Listener>(&mut self, listener: &L) {
        for replica in self.replicas.iter().copied().filter(|replica| !listener.is_settled(*replica)) {
            let (connector, request) = (Arc::clone(&self.connector), self.request.clone());
            let patience = self.interval.saturating_mul(PATIENCE);
            self.in_flight.push(Box::pin(async move { (replica, ask(&connector, replica, request, patience).await) }));
        }
    }

    /// Listens until a decision or until `pause`. When nobody is left to listen to, it still waits: those who failed at once are
    /// asked again after the interval, not in a busy loop.
    async fn listen<L: Listener>(&mut self, listener: &mut L, pause: Instant) -> Option<L::Verdict> {
        loop {
            match timeout_at(pause, self.in_flight.next()).await {
                Ok(Some((from, answer))) => {
                    listener.hear(from, answer);
                    if let Some(verdict) = listener.verdict() {
                        return Some(verdict);
                    }
                }
                Ok(None) => {
                    sleep_until(pause).await;
                    return None;
                }
                Err(_) => return None,
            }
        }
    }
}

/// One transmission to one replica.
pub(crate) async fn ask(
    connector: &Connector,
    replica: ReplicaId,
    request: Bytes,
    patience: Duration,
) -> Result<Response, Trouble> {
    let answer = match timeout(patience, connector.request(replica, request)).await {
        Ok(answer) => answer.map_err(Trouble::from),
        Err(_) => Err(Trouble::Silent),
    };
    answer.inspect_err(|trouble| tracing::debug!(%replica, %trouble, "a replica does not answer"))
}

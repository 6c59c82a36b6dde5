//! Lets requests of many callers travel as one command.
//!
//! While commands are under way requests gather, and so do those of callers that were answered together. So a busy gateway bundles many, and an
//! idle one makes nobody wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv::store::bounds::MAX_REQUESTS;
use tetrarch_kv::{Answered, KvError, Request};
use tetrarch_kv_client::{Backend, BackendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::bundle::{Bundle, Entry, Part};
use crate::callers::Callers;
use crate::limits::{CALL_TIMEOUT, COMMANDS_UNDER_WAY, GATHERING, WAITING_BYTES, WAITING_REQUESTS};
use crate::metrics::Metrics;
use crate::refusal::Refusal;

/// Whoever waits for a result, and the room that the request takes until then.
struct Waiter {
    result: oneshot::Sender<Result<Answered, Refusal>>,
    _room: OwnedSemaphorePermit,
}

/// A handle; the task behind it ends when the last is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Orderer {
    queue: mpsc::Sender<Entry<Waiter>>,
    room: Arc<Semaphore>,
}

/// A request's result, to come.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<Result<Answered, Refusal>>);

impl Orderer {
    /// Starts bundling for a backend, on the runtime that this is called in.
    pub(crate) fn start<B: Backend>(backend: Arc<B>, metrics: Arc<Metrics>) -> Self {
        let (queue, requests) = mpsc::channel(WAITING_REQUESTS);
        tokio::spawn(run(backend, metrics, requests));
        Self { queue, room: Arc::new(Semaphore::new(WAITING_BYTES)) }
    }

    /// Puts a request into the queue, when there is room for its bytes and a place.
    ///
    /// # Errors
    /// What is wrong with it for its own sake.
    pub(crate) async fn submit(&self, request: Request) -> Result<Pending, Refusal> {
        let (result, pending) = oneshot::channel();
        let entry = Entry::new(request)?;
        let bytes = u32::try_from(entry.bytes()).map_err(|_| KvError::RequestTooLarge)?;
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| BackendError::Busy)?;
        let entry = entry.of(Waiter { result, _room: room });
        // When nobody takes requests any more, the waiter is gone too, and says so.
        let _ = self.queue.send(entry).await;
        Ok(Pending(pending))
    }
}

impl Pending {
    /// Waits for the result.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn result(self) -> Result<Answered, Refusal> {
        self.0.await.unwrap_or_else(|_| Err(BackendError::Unavailable("the gateway is ending".to_owned()).into()))
    }
}

async fn run<B: Backend>(backend: Arc<B>, metrics: Arc<Metrics>, requests: mpsc::Receiver<Entry<Waiter>>) {
    let slots = Arc::new(Semaphore::new(COMMANDS_UNDER_WAY));
    let callers = Arc::new(Callers::new());
    let mut door = Door { requests, callers: callers.clone(), waiting: VecDeque::new() };
    while door.first().await {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let beside_others = slots.available_permits() + 1 < COMMANDS_UNDER_WAY;
        door.gather(if beside_others { GATHERING } else { Duration::ZERO }).await;
        door.waiting.retain(|entry| !entry.waiter.result.is_closed());
        let bundle = Bundle::take(&mut door.waiting);
        if bundle.len() > 0 {
            tokio::spawn(carry(backend.clone(), metrics.clone(), callers.clone(), bundle, slot));
        }
    }
}

/// Where requests wait to be bundled.
struct Door {
    requests: mpsc::Receiver<Entry<Waiter>>,
    callers: Arc<Callers>,
    waiting: VecDeque<Entry<Waiter>>,
}

impl Door {
    /// Waits until there is a request; false if none will come any more.
    async fn first(&mut self) -> bool {
        if self.waiting.is_empty() {
            let Some(first) = self.requests.recv().await else { return false };
            self.admit(first);
        }
        true
    }

    /// Takes what has come, what comes for so long, and what is about to come of those who were just answered.
    async fn gather(&mut self, pause: Duration) {
        let pause = Instant::now() + pause;
        while self.waiting.len() < MAX_REQUESTS {
            let Some(next) = self.next(pause).await else { return };
            self.admit(next);
        }
    }

    async fn next(&mut self, pause: Instant) -> Option<Entry<Waiter>> {
        if let Ok(next) = self.requests.try_recv() {
            return Some(next);
        }
        let until = self.callers.wait(self.waiting.len()).map_or(pause, |away| away.max(pause));
        if until <= Instant::now() {
            // A timer that is due already would still take its millisecond.
            return None;
        }
        timeout_at(until, self.requests.recv()).await.ok().flatten()
    }

    fn admit(&mut self, entry: Entry<Waiter>) {
        self.callers.note_asked();
        self.waiting.push_back(entry);
    }
}

/// Has a bundle ordered, and those again alone that suffered from their neighbours.
async fn carry<B: Backend>(
    backend: Arc<B>,
    metrics: Arc<Metrics>,
    callers: Arc<Callers>,
    bundle: Bundle<Waiter>,
    _slot: OwnedSemaphorePermit,
) {
    let mut bundles = VecDeque::from([bundle]);
    while let Some(bundle) = bundles.pop_front() {
        let _counted = metrics.command(bundle.len());
        let ordered = timeout(CALL_TIMEOUT, backend.order(bundle.command())).await;
        match ordered.unwrap_or(Err(BackendError::TimedOut)) {
            Ok(result) => match bundle.settle(result) {
                Ok(parts) => {
                    callers.note_answered(parts.len());
                    parts.into_iter().for_each(|part| deliver(part, &mut bundles));
                }
                Err(bundle) => fail(bundle, &BackendError::Unreadable("results of another command".to_owned())),
            },
            Err(error) => fail(bundle, &error),
        }
    }
}

/// A caller that went away needs no result.
fn deliver(part: Part<Waiter>, again: &mut VecDeque<Bundle<Waiter>>) {
    match part {
        Part::Settled(waiter, result) => drop(waiter.result.send(result.map_err(KvError::into))),
        Part::Again(bundle) => again.push_back(bundle),
    }
}

fn fail(bundle: Bundle<Waiter>, error: &BackendError) {
    tracing::warn!(requests = bundle.len(), %error, "a command has no result");
    for waiter in bundle.into_waiters() {
        drop(waiter.result.send(Err(error.clone().into())));
    }
}

#[cfg(test)]
mod tests;

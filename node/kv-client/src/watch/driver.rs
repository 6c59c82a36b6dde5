//! A follower at work.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv::store::Detail;
use tetrarch_kv::{Command, KvQuery, RangeRequest, Request};
use tetrarch_types::{ReplicaId, View};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::ask::{Ask, News};
use super::follower::Follower;
use super::happened::Happened;
use super::limits::{ANSWER_TIMEOUT, FIRST_PAUSE, HANDED_BYTES, IDLE_PAUSE, LONGEST_PAUSE, PARKED_TIMEOUT};
use super::patience::Patience;
use crate::backend::{Backend, BackendError, Freshness, Told};
use crate::rest::rest;

/// What happens from a revision on, as it comes to be believed; it ends when this is dropped.
///
/// Nobody has to hurry: what is not taken is not asked for, up to a few megabytes. But what is taken too late may be compacted by then.
#[derive(Debug)]
pub struct Watch {
    happened: mpsc::Receiver<Result<Vec<Happened>, Compacted>>,
    /// What was handed over and is not taken yet.
    handed: VecDeque<Happened>,
    task: JoinHandle<()>,
}

/// What was to come next is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revisions before {revision} are compacted")]
pub struct Compacted {
    /// A watch may begin here again.
    pub revision: u64,
}

impl Watch {
    /// Watches from a revision on, which may be one to come: nothing earlier is given then. With what was there before each change, if
    /// asked for and not compacted. Has to be called in a runtime.
    ///
    /// To begin with what comes next, begin behind [`newest`].
    pub fn from<B: Backend>(backend: Arc<B>, revision: u64, with_previous: bool) -> Self {
        let membership = backend.membership();
        let detail = if with_previous { Detail::Previous } else { Detail::Events };
        // Not the primary, which has more to do than the others.
        let teller = membership.primary(View::new(backend.standing().view.wrapping_add(1)));
        let follower = Follower::new(&membership, revision, detail, teller);
        let (out, happened) = mpsc::channel(1);
        let task = tokio::spawn(Driver::new(backend, follower, membership.ids().collect()).run(out));
        Self { happened, handed: VecDeque::new(), task }
    }

    /// Waits for the next revision.
    ///
    /// # Errors
    /// [`Compacted`] if it is gone: nothing else comes then.
    pub async fn next(&mut self) -> Result<Happened, Compacted> {
        loop {
            if let Some(next) = self.handed.pop_front() {
                return Ok(next);
            }
            self.handed = self.receive().await?.into();
        }
    }

    /// Waits for the next revisions, all that came to be believed together: at least one.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub async fn some(&mut self) -> Result<Vec<Happened>, Compacted> {
        if self.handed.is_empty() {
            return self.receive().await;
        }
        Ok(std::mem::take(&mut self.handed).into())
    }

    async fn receive(&mut self) -> Result<Vec<Happened>, Compacted> {
        match self.happened.recv().await {
            Some(next) => next,
            // The task ends only behind an error that was taken, or with the runtime.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The store's revision: no earlier than all that was answered to anyone before.
///
/// # Errors
/// If the cluster does not answer.
pub async fn newest<B: Backend>(backend: &B) -> Result<u64, BackendError> {
    match backend.query(&KvQuery::Hash { revision: 0 }, Freshness::Linearizable).await {
        Ok(result) => Ok(result.revision),
        // Replicas that execute much are seldom found at one revision.
        Err(BackendError::Disagree) => {
            let read = Request::Range(RangeRequest { count_only: true, ..RangeRequest::one([0]) });
            let ordered = backend.order(&Command::from(read)).await?.results;
            let answered = ordered.ok().and_then(|results| results.into_iter().next()?.ok());
            let revision = answered.map(|answered| answered.revision);
            revision.ok_or_else(|| BackendError::Unreadable("a read of one key was refused".to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// An answer that came, and to what.
struct Heard {
    replica: ReplicaId,
    number: u64,
    ask: Ask,
    told: Result<Told, BackendError>,
}

/// A question that is under way.
struct UnderWay {
    number: u64,
    ask: Ask,
    task: AbortHandle,
}

/// One replica, and the rest that it is given.
struct Line {
    replica: ReplicaId,
    under_way: Option<UnderWay>,
    pause: Duration,
}

struct Driver<B> {
    backend: Arc<B>,
    follower: Follower,
    lines: Vec<Line>,
    asking: JoinSet<Heard>,
    number: u64,
    patience: Patience,
}

impl<B: Backend> Driver<B> {
    fn new(backend: Arc<B>, follower: Follower, replicas: Vec<ReplicaId>) -> Self {
        let line = |replica| Line { replica, under_way: None, pause: Duration::ZERO };
        let lines = replicas.into_iter().map(line).collect();
        Self { backend, follower, lines, asking: JoinSet::new(), number: 0, patience: Patience::default() }
    }

    /// Ends when nobody takes anything any more, or nothing more can be taken.
    async fn run(mut self, out: mpsc::Sender<Result<Vec<Happened>, Compacted>>) {
        loop {
            while let Some(some) = self.take_some() {
                let handed = Instant::now();
                if out.send(Ok(some)).await.is_err() {
                    return;
                }
                self.patience.stand_still(handed.elapsed());
            }
            if let Some(revision) = self.follower.compacted() {
                drop(out.send(Err(Compacted { revision })).await);
                return;
            }
            self.ask_all();
            let overdue = self.patience.until(self.follower.believed(), self.follower.known());
            tokio::select! {
                Some(heard) = self.asking.join_next() => {
                    if let Ok(heard) = heard {
                        self.hear(heard);
                    }
                }
                () = at(overdue) => {
                    self.follower.change_teller();
                    self.patience.lost();
                }
                () = out.closed() => return,
            }
        }
    }

    /// What is believed, as much as is handed over together.
    fn take_some(&mut self) -> Option<Vec<Happened>> {
        let (mut some, mut bytes) = (Vec::new(), 0);
        while bytes < HANDED_BYTES
            && let Some(happened) = self.follower.take()
        {
            bytes += happened.bytes();
            some.push(happened);
        }
        (!some.is_empty()).then_some(some)
    }

    /// Asks each replica what is to be asked of it.
    fn ask_all(&mut self) {
        for line in &mut self.lines {
            let Some(ask) = self.follower.ask(line.replica) else { continue };
            if let Some(earlier) = &line.under_way {
                if !ask.replaces(&earlier.ask) {
                    continue;
                }
                earlier.task.abort();
            }
            self.number += 1;
            let (backend, replica, number, pause) = (self.backend.clone(), line.replica, self.number, line.pause);
            let asked = ask.clone();
            let task = self.asking.spawn(async move {
                rest(pause).await;
                let told = tell(&*backend, replica, &asked).await;
                Heard { replica, number, ask: asked, told }
            });
            line.under_way = Some(UnderWay { number, ask, task });
        }
    }

    /// An answer to a question that was replaced comes too late.
    fn hear(&mut self, heard: Heard) {
        let Heard { replica, number, ask, told } = heard;
        let line = self.lines.iter_mut().find(|line| line.replica == replica);
        let Some(line) = line.filter(|line| line.under_way.as_ref().is_some_and(|it| it.number == number)) else {
            return;
        };
        line.under_way = None;
        let news = match told {
            Ok(told) => self.follower.hear(replica, &ask, told),
            Err(error) => {
                tracing::debug!(%replica, %error, "a replica does not tell what happened");
                self.follower.fail(replica);
                News::Nonsense
            }
        };
        line.pause = match news {
            News::Something => Duration::ZERO,
            News::Nothing => IDLE_PAUSE,
            News::Nonsense => pause(self.follower.strikes(replica)),
        };
    }
}

async fn tell<B: Backend>(backend: &B, replica: ReplicaId, ask: &Ask) -> Result<Told, BackendError> {
    let limit = if ask.behind.is_some() { PARKED_TIMEOUT } else { ANSWER_TIMEOUT };
    timeout(limit, backend.tell(replica, &ask.query, ask.behind)).await.unwrap_or(Err(BackendError::TimedOut))
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The rest after so many answers in a row that were none.
fn pause(strikes: u32) -> Duration {
    let doubled = 1_u32.checked_shl(strikes.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

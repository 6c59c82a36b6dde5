//! One question to every replica, asked again of those that do not answer.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_client::Trouble;
use tetrarch_types::{Query, ReplicaId, Response};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::Shared;
use crate::rest::rest;

/// How long one transmission may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(4);

/// The wait before a replica is asked something else, so that one that answers at once, and nothing new, keeps nobody busy.
const BREATH: Duration = Duration::from_millis(2);

/// The wait before a replica that did not answer is asked again. It doubles, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What each replica says; those that fail are asked again until this is dropped. Nothing that one of them does holds up another.
pub(super) struct Survey {
    asking: JoinSet<(ReplicaId, Result<Response, Trouble>, Duration)>,
    shared: Arc<Shared>,
    question: Query,
}

impl Survey {
    /// Asks every replica the same.
    pub(super) fn start(shared: &Arc<Shared>, question: Query) -> Self {
        let mut survey = Self { asking: JoinSet::new(), shared: shared.clone(), question };
        let replicas: Vec<ReplicaId> = shared.membership().ids().collect();
        replicas.into_iter().for_each(|replica| survey.ask(replica, Duration::ZERO));
        survey
    }

    /// Asks a replica, after a pause.
    fn ask(&mut self, replica: ReplicaId, pause: Duration) {
        let (shared, query) = (self.shared.clone(), self.question.clone());
        self.asking.spawn(async move {
            rest(pause).await;
            (replica, shared.client.ask(replica, query, PATIENCE).await, pause)
        });
    }

    /// Asks a replica something else, because what it answered is not enough.
    pub(super) fn ask_again(&mut self, replica: ReplicaId, query: Query) {
        let shared = self.shared.clone();
        self.asking.spawn(async move {
            sleep(BREATH).await;
            (replica, shared.client.ask(replica, query, PATIENCE).await, Duration::ZERO)
        });
    }

    /// The next answer, or why a replica gives none: it is asked again. None when the time has come.
    pub(super) async fn next(&mut self, until: Instant) -> Option<(ReplicaId, Result<Response, Trouble>)> {
        loop {
            match timeout_at(until, self.asking.join_next()).await {
                Ok(Some(Ok((replica, answer, pause)))) => {
                    let is_answered = matches!(answer, Ok(Response::Answer(_) | Response::Status(_)));
                    if !is_answered {
                        self.ask(replica, pause.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE));
                    }
                    return Some((replica, answer));
                }
                Ok(Some(Err(_))) => {}
                Ok(None) => {
                    tokio::time::sleep_until(until).await;
                    return None;
                }
                Err(_) => return None,
            }
        }
    }
}

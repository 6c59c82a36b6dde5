//! Clients' connections coming in.

use std::{sync::Arc, time::Duration};

use quinn::{Endpoint, Incoming as Attempt, ServerConfig};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    ClientLimits, Incoming,
    admission::{Admission, Place, Verdict},
    connection::Session,
    counters::Counters,
};
use crate::{close::describe, quic};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Lets clients in, within the limits.
pub(crate) struct Door {
    pub(crate) server: ServerConfig,
    pub(crate) limits: ClientLimits,
    pub(crate) admission: Arc<Admission>,
    pub(crate) inbound: mpsc::Sender<Incoming>,
    pub(crate) counters: Arc<Counters>,
}

impl Door {
    /// Runs until the endpoint is closed or the task is aborted.
    pub(crate) async fn run(self, endpoint: Endpoint) {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                attempt = endpoint.accept() => match attempt {
                    Some(attempt) => self.answer(attempt, &mut sessions),
                    None => return,
                },
                Some(_ended) = sessions.join_next() => {}
            }
        }
    }

    fn answer(&self, attempt: Attempt, sessions: &mut JoinSet<()>) {
        match self.admission.judge(attempt.remote_address(), attempt.remote_address_validated()) {
            Verdict::Enter(place) => {
                sessions.spawn(self.host(attempt, place));
            }
            Verdict::Prove => {
                self.counters.retried();
                let _sent = attempt.retry();
            }
            Verdict::Refuse => {
                self.counters.refused();
                tracing::debug!(client = %attempt.remote_address(), "a client is refused: too many connections");
                attempt.refuse();
            }
        }
    }

    /// A handshake that failed keeps its place for a while: failing is no way to have more of them. One that succeeds has it until QUIC has
    /// forgotten the connection.
    fn host(&self, attempt: Attempt, place: Place) -> impl Future<Output = ()> + Send + use<> {
        let (limits, inbound, counters) = (self.limits, self.inbound.clone(), self.counters.clone());
        let host = place.host();
        let entry = quic::accepting(&self.server, quic::listener(limits.idle_timeout), place);
        async move {
            let client = attempt.remote_address();
            match timeout(HANDSHAKE, async { attempt.accept_with(entry.clone())?.await }).await {
                Ok(Ok(connection)) => {
                    drop(entry);
                    counters.accepted();
                    Session { connection, host, limits, inbound, counters }.run().await;
                }
                Ok(Err(error)) => {
                    tracing::debug!(%client, reason = %describe(&error), "a client's handshake failed");
                    sleep(limits.idle_timeout).await;
                }
                Err(_elapsed) => tracing::debug!(%client, "a client's handshake took too long"),
            }
        }
    }
}

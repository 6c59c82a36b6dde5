//! The way to one replica: connected when somebody wants something, and again after it was lost.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use quinn::Endpoint;
use tetrarch_types::{ReplicaId, Response};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::session::{Session, SessionEnd};
use crate::{RequestError, backoff::Backoff, lock::locked, way::Way};

/// The first and the longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// One replica.
#[derive(Debug)]
pub(crate) struct Link {
    replica: ReplicaId,
    way: Way,
    connect_timeout: Duration,
    state: watch::Sender<State>,
    backoff: Mutex<Backoff>,
    last_failure: Mutex<Option<String>>,
}

#[derive(Clone, Debug)]
enum State {
    /// Not connected, and nobody wants it.
    Idle,
    /// A task is connecting.
    Dialling,
    /// Connected, or lost without anybody having noticed.
    Up(Arc<Session>),
    /// The connector is closed.
    Closed,
}

impl Link {
    pub(crate) fn new(replica: ReplicaId, way: Way, connect_timeout: Duration) -> Self {
        let (state, _) = watch::channel(State::Idle);
        let backoff = Mutex::new(Backoff::new(PAUSE.0, PAUSE.1));
        Self { replica, way, connect_timeout, state, backoff, last_failure: Mutex::default() }
    }

    /// The way to the same replica from another socket, not connected yet.
    pub(crate) fn over_socket(&self, endpoint: Endpoint) -> Self {
        Self::new(self.replica, self.way.over_socket(endpoint), self.connect_timeout)
    }

    /// Sends a request on the connection there is, or on a new one.
    pub(crate) async fn request(self: &Arc<Self>, body: Bytes) -> Result<Response, RequestError> {
        let session = self.session().await?;
        session.request(body).await.map_err(|end| self.lost(end))
    }

    /// Ends the connection and makes no other.
    pub(crate) fn close(&self) {
        if let State::Up(session) = self.state.send_replace(State::Closed) {
            session.close();
        }
    }

    async fn session(self: &Arc<Self>) -> Result<Arc<Session>, RequestError> {
        let mut state = self.state.subscribe();
        self.dial_if_needed();
        let settled = state.wait_for(|state| matches!(state, State::Up(_) | State::Closed));
        match timeout(self.connect_timeout, settled).await {
            Ok(Ok(state)) => match &*state {
                State::Up(session) => Ok(session.clone()),
                _ => Err(RequestError::ConnectorClosed),
            },
            Ok(Err(_)) => Err(RequestError::ConnectorClosed),
            Err(_elapsed) => Err(self.unreachable()),
        }
    }

    fn dial_if_needed(self: &Arc<Self>) {
        let mut pause = None;
        self.state.send_if_modified(|state| {
            pause = match state {
                State::Idle => Some(Duration::ZERO),
                State::Up(session) if !session.is_open() => Some(self.pause_after(session)),
                _ => None,
            };
            if pause.is_some() {
                *state = State::Dialling;
            }
            pause.is_some()
        });
        if let Some(pause) = pause {
            tokio::spawn(self.clone().dial(pause));
        }
    }

    /// A connection that was of use is made again at once; one that the replica closed without an answer is not.
    fn pause_after(&self, session: &Session) -> Duration {
        let mut backoff = locked(&self.backoff);
        if session.has_served() {
            backoff.reset();
            return Duration::ZERO;
        }
        backoff.pause()
    }

    /// Connects, for as long as anybody waits for it.
    async fn dial(self: Arc<Self>, mut pause: Duration) {
        loop {
            sleep(pause).await;
            match self.attempt().await {
                Ok(session) => return self.connected(session),
                Err(reason) => {
                    tracing::debug!(replica = %self.replica, address = %self.way.address(), %reason, "cannot reach the replica");
                    *locked(&self.last_failure) = Some(reason);
                }
            }
            pause = locked(&self.backoff).pause();
            if self.state.receiver_count() == 0 {
                // The pause belongs to this attempt: whoever comes meanwhile waits for its rest.
                sleep(std::mem::take(&mut pause)).await;
                if self.is_given_up() {
                    return;
                }
            }
        }
    }

    /// Stops dialling if nobody waits. Whoever subscribes later finds the state idle and dials anew.
    fn is_given_up(&self) -> bool {
        self.state.send_if_modified(|state| {
            let nobody_waits = self.state.receiver_count() == 0;
            if nobody_waits && matches!(state, State::Dialling) {
                *state = State::Idle;
            }
            nobody_waits
        })
    }

    async fn attempt(&self) -> Result<Arc<Session>, String> {
        Session::start(self.way.connect().await?).await
    }

    fn connected(&self, session: Arc<Session>) {
        *locked(&self.last_failure) = None;
        let taken = self.state.send_if_modified(|state| {
            let is_dialling = matches!(state, State::Dialling);
            if is_dialling {
                *state = State::Up(session.clone());
            }
            is_dialling
        });
        if !taken {
            session.close();
        }
    }

    fn unreachable(&self) -> RequestError {
        let silence = || format!("no answer within {:?}", self.connect_timeout);
        let reason = locked(&self.last_failure).clone().unwrap_or_else(silence);
        RequestError::Unreachable { replica: self.replica, address: self.way.address(), reason }
    }

    fn lost(&self, end: SessionEnd) -> RequestError {
        let (replica, address) = (self.replica, self.way.address());
        match end {
            _ if matches!(*self.state.borrow(), State::Closed) => RequestError::ConnectorClosed,
            SessionEnd::Closed(reason) => RequestError::Closed { replica, address, reason },
            SessionEnd::Malformed(reason) => RequestError::Malformed { replica, address, reason },
        }
    }
}

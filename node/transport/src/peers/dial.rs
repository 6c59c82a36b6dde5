//! The outgoing connection to one peer: dialled until it is there, written to while it lasts.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use quinn::Connection;
use tetrarch_types::{Lane, ReplicaId};
use tokio::time::{Instant, sleep};

use super::{counters::Counters, link::Link};
use crate::{
    backoff::Backoff,
    close::{CloseCode, describe},
    frame::{coalesce, lane_byte},
    way::Way,
};

/// The first and the longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// The pause before an attempt that the peer's own coming called for.
const SHORT_PAUSE: Duration = Duration::from_millis(5);
/// In this time after the start of an attempt the peer's coming says nothing new: two replicas that start together dial each other.
const EARLY: Duration = Duration::from_millis(250);
/// A connection that lasted this long was a good one: the pauses start over.
const GOOD: Duration = Duration::from_secs(1);

/// Dials one peer.
pub(crate) struct Dialer {
    pub(crate) to: ReplicaId,
    pub(crate) way: Way,
    pub(crate) link: Arc<Link>,
    pub(crate) counters: Arc<Counters>,
}

impl Dialer {
    /// Runs until it is aborted.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::new(PAUSE.0, PAUSE.1);
        let mut connected_before = false;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    if std::mem::replace(&mut connected_before, true) {
                        self.counters.reconnected();
                    }
                    if self.serve(&connection).await > GOOD {
                        backoff.reset();
                    }
                }
                Err(reason) => {
                    tracing::debug!(peer = %self.to, address = %self.way.address(), %reason, "cannot reach the peer")
                }
            }
            self.pause(&mut backoff).await;
        }
    }

    async fn pause(&self, backoff: &mut Backoff) {
        tokio::select! {
            () = sleep(backoff.pause()) => {}
            () = self.link.heard.notified() => {
                backoff.reset();
                sleep(SHORT_PAUSE).await;
            }
        }
    }

    async fn connect(&self) -> Result<Connection, String> {
        tokio::select! {
            attempt = self.way.connect() => attempt,
            () = self.heard_late() => Err("it started in the meantime".to_owned()),
        }
    }

    /// The peer dialled this replica well after the attempt began: it started just now, the packets so far are lost, and QUIC would
    /// wait before it sends them again.
    async fn heard_late(&self) {
        sleep(EARLY).await;
        self.link.heard.notified().await;
        self.link.heard.notify_one();
    }

    /// Writes until the connection ends. Returns how long it lasted.
    async fn serve(&self, connection: &Connection) -> Duration {
        let since = Instant::now();
        self.link.connected.store(true, Relaxed);
        let _down = Down(&self.link);
        tracing::info!(peer = %self.to, address = %self.way.address(), round_trip = ?connection.rtt(), "connected to the peer");
        let written =
            async { tokio::try_join!(self.write(connection, Lane::Votes), self.write(connection, Lane::Bulk)) };
        let reason = tokio::select! {
            ended = written => ended.map_or_else(|error| error, |_| String::new()),
            error = connection.closed() => describe(&error),
        };
        let reason = connection.close_reason().map_or(reason, |error| describe(&error));
        CloseCode::Goodbye.close(connection, "the connection can no longer be written to");
        tracing::info!(peer = %self.to, address = %self.way.address(), %reason, "lost the peer");
        since.elapsed()
    }

    async fn write(&self, connection: &Connection, lane: Lane) -> Result<Infallible, String> {
        let mut stream = connection.open_uni().await.map_err(|error| describe(&error))?;
        stream.set_priority(i32::from(lane == Lane::Votes)).map_err(|error| error.to_string())?;
        stream.write_all(&[lane_byte(lane)]).await.map_err(|error| error.to_string())?;
        loop {
            let frames = self.link.queue(lane).take().await;
            self.counters.sent(&frames);
            stream.write_all_chunks(&mut coalesce(frames)).await.map_err(|error| error.to_string())?;
        }
    }
}

/// Marks the peer as not connected, even when the task is aborted.
struct Down<'a>(&'a Link);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.connected.store(false, Relaxed);
    }
}

//! One watch at work.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv_client::Backend;
use tetrarch_kv_client::watch::{Compacted, Happened};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, timeout};

use super::fragments::fragments;
use super::outlet::{Gone, Outlet, Turn};
use super::reader::Reader;
use super::wanted::Wanted;
use crate::limits::{MAX_BUNDLED_BYTES, MAX_BUNDLED_REVISIONS, PROGRESS_INTERVAL, READ_PATIENCE};
use crate::messages::ResponseHeader;
use crate::messages::watch::{Event, WatchResponse};
use crate::translate::signed;

/// What one watch of a client tells it.
pub(crate) struct Watch<B> {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) reader: Reader<B>,
    pub(crate) id: i64,
    pub(crate) wanted: Wanted,
    /// Whether large responses come in fragments.
    pub(crate) fragments: bool,
    /// Whether it is told now and then how far it is.
    pub(crate) notify_progress: bool,
    /// The revision when it was made: what happened before may come together, many revisions in one response.
    pub(crate) made_at: u64,
    /// Up to where all that it wants was sent.
    pub(crate) known: watch::Sender<u64>,
}

/// Why it ends.
enum End {
    Gone,
    Compacted(Compacted),
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Compacted> for End {
    fn from(compacted: Compacted) -> Self {
        Self::Compacted(compacted)
    }
}

impl<B: Backend> Watch<B> {
    /// Tells until the client is gone, or what comes next is.
    pub(crate) async fn run(mut self) {
        if let Err(End::Compacted(compacted)) = self.tell_all().await {
            self.reader.let_go();
            let response = gone_response(self.reader.header(0), self.id, signed(compacted.revision));
            // A client that is gone needs no reason.
            let _ = self.outlet.send(response).await;
        }
    }

    async fn tell_all(&mut self) -> Result<(), End> {
        let first = Instant::now() + PROGRESS_INTERVAL + jitter(self.id);
        let mut ticks = interval_at(first, PROGRESS_INTERVAL);
        let mut is_quiet = true;
        loop {
            let happened = tokio::select! {
                happened = self.reader.next() => happened?,
                _ = ticks.tick(), if self.notify_progress => {
                    if std::mem::replace(&mut is_quiet, true) {
                        self.tell_progress().await?;
                    }
                    continue;
                }
            };
            let revision = happened.revision;
            let is_told = if revision <= self.made_at {
                self.tell_past(happened).await?
            } else if self.wanted.is_touched(&happened) {
                self.tell(happened).await?;
                true
            } else {
                false
            };
            is_quiet &= !is_told;
            if revision >= self.made_at {
                self.reader.pass_over(|happened| self.wanted.is_touched(happened));
            }
            self.known.send_replace(self.reader.place() - 1);
        }
    }

    /// Only a watch that knows all there is is told how far it is.
    async fn tell_progress(&mut self) -> Result<(), Gone> {
        let Some(known) = self.reader.knows_all() else { return Ok(()) };
        self.reader.let_go();
        let header = Some(self.reader.header(known));
        self.outlet.send(WatchResponse { header, watch_id: self.id, ..WatchResponse::default() }).await
    }

    /// One revision, one response.
    async fn tell(&mut self, happened: Arc<Happened>) -> Result<(), End> {
        let revision = happened.revision;
        let outlet = self.outlet.clone();
        if let Ok(turn) = timeout(READ_PATIENCE, outlet.turn()).await {
            self.send(turn?, revision, self.wanted.events(&happened)).await?;
            return Ok(());
        }
        // Nothing is held for a client that does not read.
        drop(happened);
        self.reader.go_back(revision);
        let turn = outlet.turn().await?;
        let happened = self.reader.next().await?;
        Ok(self.send(turn, revision, self.wanted.events(&happened)).await?)
    }

    /// What happened before the watch was made, as much as may come together. True if there was anything to tell.
    async fn tell_past(&mut self, first: Arc<Happened>) -> Result<bool, End> {
        let from = first.revision;
        let mut events = self.gather(first).await?;
        if events.is_empty() {
            return Ok(false);
        }
        let outlet = self.outlet.clone();
        let turn = match timeout(READ_PATIENCE, outlet.turn()).await {
            Ok(turn) => turn?,
            Err(_) => {
                drop(std::mem::take(&mut events));
                self.reader.go_back(from);
                let turn = outlet.turn().await?;
                let first = self.reader.next().await?;
                events = self.gather(first).await?;
                turn
            }
        };
        self.send(turn, self.reader.place() - 1, events).await?;
        Ok(true)
    }

    /// Adds the revisions that follow, up to when the watch was made.
    async fn gather(&mut self, first: Arc<Happened>) -> Result<Vec<Event>, Compacted> {
        let (mut bytes, mut revisions) = (first.bytes(), 1);
        let mut events = self.wanted.events(&first);
        drop(first);
        while self.reader.place() <= self.made_at && revisions < MAX_BUNDLED_REVISIONS && bytes < MAX_BUNDLED_BYTES {
            let happened = self.reader.next().await?;
            if self.wanted.is_touched(&happened) {
                bytes += happened.bytes();
                revisions += 1;
                events.extend(self.wanted.events(&happened));
            }
        }
        Ok(events)
    }

    /// Where the client does not read on, what was begun waits for it, but keeps no place in the history; where it reads slowly, it keeps none from others.
    async fn send(&mut self, mut turn: Turn<'_>, revision: u64, events: Vec<Event>) -> Result<(), Gone> {
        let header = Some(self.reader.header(revision));
        let response = WatchResponse { header, watch_id: self.id, events, ..WatchResponse::default() };
        let responses = if self.fragments { fragments(response) } else { vec![response] };
        for response in responses {
            self.reader.give_way();
            match timeout(READ_PATIENCE, turn.room()).await {
                Ok(room) => room?,
                Err(_) => self.reader.let_go(),
            }
            turn.send(response).await?;
        }
        Ok(())
    }
}

/// Says that what comes next is compacted. etcd's header has no revision then.
pub(crate) fn gone_response(header: ResponseHeader, watch_id: i64, compact_revision: i64) -> WatchResponse {
    WatchResponse { header: Some(header), watch_id, canceled: true, compact_revision, ..WatchResponse::default() }
}

/// Watches that were made together need not be told together: up to a tenth of the interval.
fn jitter(id: i64) -> Duration {
    PROGRESS_INTERVAL / 1_000 * u32::try_from(id.rem_euclid(100)).unwrap_or_default()
}

//! The way to one client.

use tokio::sync::{Mutex, MutexGuard, mpsc};
use tonic::Status;

use crate::messages::watch::WatchResponse;

/// Takes one response at a time, and the next when the client has read on.
#[derive(Debug)]
pub(crate) struct Outlet {
    turn: Mutex<()>,
    out: mpsc::Sender<Result<WatchResponse, Status>>,
}

/// The right to send: there is room for one response, and nobody else sends until this is dropped.
pub(crate) struct Turn<'o> {
    _turn: MutexGuard<'o, ()>,
    room: Option<mpsc::OwnedPermit<Result<WatchResponse, Status>>>,
    outlet: &'o Outlet,
}

/// The client is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Outlet {
    pub(crate) fn new(out: mpsc::Sender<Result<WatchResponse, Status>>) -> Self {
        Self { turn: Mutex::new(()), out }
    }

    /// Waits for the turn, and for room.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Gone> {
        let turn = self.turn.lock().await;
        let room = self.out.clone().reserve_owned().await.map_err(|_| Gone)?;
        Ok(Turn { _turn: turn, room: Some(room), outlet: self })
    }

    /// Sends one response.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) async fn send(&self, response: WatchResponse) -> Result<(), Gone> {
        self.turn().await?.send(response).await
    }

    /// Says why there is nothing more.
    pub(crate) async fn end(&self, status: Status) {
        if let Ok(turn) = self.turn().await {
            drop(turn.room.map(|room| room.send(Err(status))));
        }
    }

    /// Waits until the client is gone.
    pub(crate) async fn closed(&self) {
        self.out.closed().await;
    }
}

impl Turn<'_> {
    /// Waits for room for one response: there is some for the first, and for others when the client has read on. May be dropped while it waits.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) async fn room(&mut self) -> Result<(), Gone> {
        if self.room.is_none() {
            self.room = Some(self.outlet.out.clone().reserve_owned().await.map_err(|_| Gone)?);
        }
        Ok(())
    }

    /// Sends a response, when there is room.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) async fn send(&mut self, response: WatchResponse) -> Result<(), Gone> {
        self.room().await?;
        drop(self.room.take().map(|room| room.send(Ok(response))));
        Ok(())
    }
}

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
    /// Sends a response: the first at once, others when the client has read on.
    ///
    /// # Errors
    /// If the client is gone.
    pub(crate) async fn send(&mut self, response: WatchResponse) -> Result<(), Gone> {
        match self.room.take() {
            Some(room) => drop(room.send(Ok(response))),
            None => self.outlet.out.send(Ok(response)).await.map_err(|_| Gone)?,
        }
        Ok(())
    }
}

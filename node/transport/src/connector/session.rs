//! One connection with a replica, shared by all requests to it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use quinn::{Connection, RecvStream, SendStream};
use tetrarch_types::{Response, limits::MAX_CLIENT_FRAME_BYTES};
use tokio::sync::{mpsc, oneshot};

use crate::{
    close::{CloseCode, describe},
    frame::{StreamEnd, coalesce, decode_frame, length_bytes},
    listener::connection::{ID_BYTES, numbered},
    lock::locked,
    reader::{FrameReader, PATIENCE},
};

/// Requests that wait to be written. More wait with their callers.
const WRITE_AHEAD: usize = 64;
/// Pieces that make one write.
const WRITE_PIECES: usize = 128;

/// A live connection.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    next_id: AtomicU64,
    /// Who waits for which response; `None` once no more can come.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Response>>>>,
    outgoing: mpsc::Sender<[Bytes; 2]>,
    end: OnceLock<SessionEnd>,
    served: AtomicBool,
}

/// Why a session gives no more responses.
#[derive(Clone, Debug)]
pub(crate) enum SessionEnd {
    /// The connection ended.
    Closed(String),
    /// The replica sent what is no response.
    Malformed(String),
}

impl Session {
    /// Takes a connection into service.
    pub(crate) async fn start(connection: Connection) -> Result<Arc<Self>, String> {
        let (send, recv) = connection.open_bi().await.map_err(|error| describe(&error))?;
        let (outgoing, queue) = mpsc::channel(WRITE_AHEAD);
        let session = Arc::new(Self {
            connection,
            next_id: AtomicU64::new(0),
            waiting: Mutex::new(Some(HashMap::new())),
            outgoing,
            end: OnceLock::new(),
            served: AtomicBool::new(false),
        });
        tokio::spawn(session.clone().run(send, recv, queue));
        Ok(session)
    }

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        self.end.get().is_none() && self.connection.close_reason().is_none()
    }

    /// Whether it ever gave a response.
    pub(crate) fn has_served(&self) -> bool {
        self.served.load(Relaxed)
    }

    /// Ends it.
    pub(crate) fn close(&self) {
        CloseCode::Goodbye.close(&self.connection, "the client is done");
    }

    /// Sends one request and waits for its response. When the future is dropped, the response is ignored.
    pub(crate) async fn request(&self, body: Bytes) -> Result<Response, SessionEnd> {
        let id = self.next_id.fetch_add(1, Relaxed);
        let (sender, response) = oneshot::channel();
        let _registered = self.register(id, sender).ok_or_else(|| self.end())?;
        self.outgoing.send([header(id, &body), body]).await.map_err(|_| self.end())?;
        response.await.map_err(|_| self.end())
    }

    fn register(&self, id: u64, sender: oneshot::Sender<Response>) -> Option<Registered<'_>> {
        locked(&self.waiting).as_mut()?.insert(id, sender);
        Some(Registered { session: self, id })
    }

    fn end(&self) -> SessionEnd {
        let unknown = || SessionEnd::Closed("the connection was lost".to_owned());
        self.end.get().cloned().unwrap_or_else(unknown)
    }

    async fn run(self: Arc<Self>, send: SendStream, recv: RecvStream, queue: mpsc::Receiver<[Bytes; 2]>) {
        let end = tokio::select! {
            read = self.read(recv) => read.err().unwrap_or_else(|| StreamEnd::Gone("the replica ended the stream".to_owned())),
            written = write(send, queue) => StreamEnd::Gone(written),
            error = self.connection.closed() => StreamEnd::Gone(describe(&error)),
        };
        let end = match (end, self.connection.close_reason()) {
            (StreamEnd::Violation(violation), _) => SessionEnd::Malformed(violation),
            (StreamEnd::Slow(_) | StreamEnd::Gone(_), Some(error)) => SessionEnd::Closed(describe(&error)),
            (StreamEnd::Slow(reason) | StreamEnd::Gone(reason), None) => SessionEnd::Closed(reason),
        };
        if let SessionEnd::Malformed(violation) = &end {
            CloseCode::Malformed.close(&self.connection, violation);
        }
        let _first = self.end.set(end);
        self.close();
        locked(&self.waiting).take();
    }

    async fn read(&self, recv: RecvStream) -> Result<(), StreamEnd> {
        let mut frames = FrameReader::new(recv, ID_BYTES + MAX_CLIENT_FRAME_BYTES, PATIENCE);
        while let Some(frame) = frames.next().await? {
            let (id, body) = numbered(frame)?;
            let response = decode_frame::<Response>(body, MAX_CLIENT_FRAME_BYTES).await?;
            let waiter = locked(&self.waiting).as_mut().and_then(|waiting| waiting.remove(&id));
            let Some(waiter) = waiter else { continue };
            self.served.store(true, Relaxed);
            let _abandoned = waiter.send(response);
        }
        Ok(())
    }
}

/// A caller that waits. It is forgotten when it no longer does.
struct Registered<'a> {
    session: &'a Session,
    id: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = locked(&self.session.waiting).as_mut() {
            waiting.remove(&self.id);
        }
    }
}

/// The length of a frame and its number.
fn header(id: u64, body: &Bytes) -> Bytes {
    let length = length_bytes(ID_BYTES + body.len());
    Bytes::from([length.as_slice(), &id.to_le_bytes()].concat())
}

async fn write(mut stream: SendStream, mut queue: mpsc::Receiver<[Bytes; 2]>) -> String {
    let mut frames = Vec::new();
    while queue.recv_many(&mut frames, WRITE_PIECES).await > 0 {
        let pieces = frames.drain(..).flatten().collect();
        if let Err(error) = stream.write_all_chunks(&mut coalesce(pieces)).await {
            return error.to_string();
        }
    }
    "the client is done".to_owned()
}

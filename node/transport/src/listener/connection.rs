//! One client's connection.

use std::{sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes};
use quinn::{Connection, RecvStream, SendStream};
use tetrarch_types::{Host, Request, limits::MAX_CLIENT_FRAME_BYTES};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{ClientLimits, Incoming, Responder, counters::Counters, outbox::Outbox};
use crate::{
    close::CloseCode,
    frame::{StreamEnd, decode_frame},
    reader::FrameReader,
};

/// The bytes of a request's number in front of it, chosen by the client and repeated in the response.
pub(crate) const ID_BYTES: usize = 8;

/// How long a client may take until it opens its stream.
const OPENING: Duration = Duration::from_secs(10);

/// A client that is connected.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// Where it connected from, which is what its place among the connections is counted by. QUIC lets a client move on, with packets from any
    /// address, and shows only later that answers reach it there: who asked is not to be read from them.
    pub(crate) host: Host,
    pub(crate) limits: ClientLimits,
    pub(crate) inbound: mpsc::Sender<Incoming>,
    pub(crate) counters: Arc<Counters>,
}

impl Session {
    /// Serves the client until it is gone.
    pub(crate) async fn run(self) {
        let (send, recv) = match timeout(OPENING, self.connection.accept_bi()).await {
            Ok(Ok(streams)) => streams,
            Ok(Err(_gone)) => return,
            Err(_elapsed) => return CloseCode::Silent.close(&self.connection, "nothing was asked"),
        };
        match self.serve(send, recv).await {
            StreamEnd::Gone(reason) => CloseCode::Goodbye.close(&self.connection, &reason),
            StreamEnd::Slow(reason) => {
                tracing::debug!(client = %self.connection.remote_address(), %reason, "a client does not end its request");
                self.counters.slow();
                CloseCode::Slow.close(&self.connection, &reason);
            }
            StreamEnd::Violation(violation) => {
                tracing::debug!(client = %self.connection.remote_address(), %violation, "a client's connection is closed");
                self.counters.malformed();
                CloseCode::Malformed.close(&self.connection, &violation);
            }
        }
    }

    async fn serve(&self, send: SendStream, recv: RecvStream) -> StreamEnd {
        let outbox = Arc::new(Outbox::new(self.connection.clone(), &self.limits, self.counters.clone()));
        tokio::select! {
            read = self.read(recv, &outbox) => read.err().unwrap_or_else(|| StreamEnd::Gone("the client is done".to_owned())),
            reason = outbox.write(send) => StreamEnd::Gone(reason),
            error = self.connection.closed() => StreamEnd::Gone(error.to_string()),
        }
    }

    /// Reads requests. A request has its place before it is read; with none free, reading pauses and QUIC holds the client back.
    async fn read(&self, recv: RecvStream, outbox: &Arc<Outbox>) -> Result<(), StreamEnd> {
        let places =
            Arc::new(Semaphore::new(self.limits.requests_in_flight_per_connection.clamp(1, Semaphore::MAX_PERMITS)));
        let mut frames = FrameReader::new(recv, ID_BYTES + MAX_CLIENT_FRAME_BYTES, self.limits.idle_timeout);
        loop {
            let place = places.clone().acquire_owned().await.map_err(|error| StreamEnd::Gone(error.to_string()))?;
            let Some(frame) = frames.next().await? else { return Ok(()) };
            let (id, body) = numbered(frame)?;
            let request = decode_frame::<Request>(body, MAX_CLIENT_FRAME_BYTES).await?;
            self.counters.request();
            let responder = Responder { id, host: self.host, place, outbox: outbox.clone() };
            let incoming = Incoming { request, responder };
            self.inbound.send(incoming).await.map_err(|_| StreamEnd::Gone("the replica shuts down".to_owned()))?;
        }
    }
}

/// Takes the number off the front of a frame.
pub(crate) fn numbered(mut frame: Bytes) -> Result<(u64, Bytes), StreamEnd> {
    if frame.len() < ID_BYTES {
        return Err(StreamEnd::Violation("a frame is too short for its number".to_owned()));
    }
    Ok((frame.get_u64_le(), frame))
}

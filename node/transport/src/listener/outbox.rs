//! Responses on their way to one client.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use quinn::{Connection, SendStream};
use tetrarch_types::{Refusal, Response, encode, limits::MAX_CLIENT_FRAME_BYTES};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit},
    time::timeout,
};

use super::{ClientLimits, counters::Counters};
use crate::{
    close::CloseCode,
    frame::{coalesce, frame},
    lock::locked,
};

/// The queue of a connection's responses. A client that does not take them is cut off.
#[derive(Debug)]
pub(crate) struct Outbox {
    connection: Connection,
    most_bytes: usize,
    /// How long QUIC may take nothing of what is being written.
    patience: Duration,
    waiting: Mutex<Waiting>,
    filled: Notify,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<(Bytes, OwnedSemaphorePermit)>,
    /// Of these frames and of what is being written: a client that reads nothing holds both.
    bytes: usize,
    cut_off: bool,
}

impl Outbox {
    pub(crate) fn new(connection: Connection, limits: &ClientLimits, counters: Arc<Counters>) -> Self {
        let (most_bytes, patience) = (limits.response_bytes_per_connection, limits.idle_timeout);
        Self { connection, most_bytes, patience, waiting: Mutex::default(), filled: Notify::new(), counters }
    }

    /// Whether the client is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.connection.close_reason().is_some()
    }

    /// Queues a response. The request's place is free again once it is being written. One response is always taken, however large.
    pub(crate) fn push(&self, id: u64, response: &Response, place: OwnedSemaphorePermit) {
        if self.is_closed() {
            return;
        }
        let frame = response_frame(id, response);
        let mut waiting = locked(&self.waiting);
        if waiting.cut_off {
            return;
        }
        if waiting.bytes > 0 && waiting.bytes.saturating_add(frame.len()) > self.most_bytes {
            *waiting = Waiting { cut_off: true, ..Waiting::default() };
            drop(waiting);
            return self.cut_off();
        }
        waiting.bytes = waiting.bytes.saturating_add(frame.len());
        waiting.frames.push_back((frame, place));
        drop(waiting);
        self.filled.notify_one();
    }

    fn cut_off(&self) {
        tracing::debug!(client = %self.connection.remote_address(), "a client does not take its responses");
        self.counters.slow();
        CloseCode::Slow.close(&self.connection, "responses were not taken");
    }

    /// Writes responses until the stream fails; says why.
    pub(crate) async fn write(&self, mut stream: SendStream) -> String {
        loop {
            let frames = self.take().await;
            self.counters.responses(frames.len());
            if let Err(reason) = self.write_frames(&mut stream, &mut coalesce(frames)).await {
                return reason;
            }
        }
    }

    async fn write_frames(&self, stream: &mut SendStream, mut chunks: &mut [Bytes]) -> Result<(), String> {
        while !chunks.is_empty() {
            // Keep-alives are no sign that the client reads. Without an end it would hold what is written here.
            let Ok(written) = timeout(self.patience, stream.write_chunks(chunks)).await else {
                self.cut_off();
                return Err("responses were not taken".to_owned());
            };
            let written = written.map_err(|error| error.to_string())?;
            self.written(written.bytes);
            chunks = chunks.get_mut(written.chunks..).unwrap_or_default();
        }
        Ok(())
    }

    fn written(&self, bytes: usize) {
        let mut waiting = locked(&self.waiting);
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
    }

    async fn take(&self) -> Vec<Bytes> {
        loop {
            let frames = self.take_now();
            if !frames.is_empty() {
                return frames.into_iter().map(|(frame, _place)| frame).collect();
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self) -> VecDeque<(Bytes, OwnedSemaphorePermit)> {
        std::mem::take(&mut locked(&self.waiting).frames)
    }
}

fn response_frame(id: u64, response: &Response) -> Bytes {
    let encoded = encode(response);
    if encoded.len() <= MAX_CLIENT_FRAME_BYTES {
        return frame(&[&id.to_le_bytes(), &encoded]);
    }
    tracing::error!(bytes = encoded.len(), "a response is too large for its frame; the client is refused instead");
    let refusal = Refusal::TooLarge { actual: encoded.len() as u64, limit: MAX_CLIENT_FRAME_BYTES as u64 };
    frame(&[&id.to_le_bytes(), &encode(&Response::Refused(refusal))])
}

//! Reading from one peer. Each lane has a task of its own, so that a channel that is full stops its lane only.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::Relaxed},
};

use quinn::{Connection, RecvStream};
use tetrarch_types::{Lane, Message, ReplicaId};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Inbound, Received, counters::Counters};
use crate::{
    frame::{LENGTH_BYTES, StreamEnd, decode_frame, lane_byte, lane_limit, lane_of},
    reader::{FrameReader, PATIENCE},
};

/// Reads until the connection ends. The error says what the peer did that it must not.
pub(crate) async fn receive(
    connection: &Connection,
    from: ReplicaId,
    inbound: &Inbound,
    counters: &Arc<Counters>,
) -> Result<(), String> {
    let lanes_seen = Arc::new(AtomicU8::new(0));
    let mut lanes = JoinSet::new();
    loop {
        tokio::select! {
            stream = connection.accept_uni() => {
                let Ok(stream) = stream else { return Ok(()) };
                let source = Source { from, inbound: inbound.clone(), counters: counters.clone(), seen: lanes_seen.clone() };
                lanes.spawn(source.read(stream));
            }
            Some(Ok(end)) = lanes.join_next() => match end {
                StreamEnd::Violation(violation) if connection.close_reason().is_none() => return Err(violation),
                StreamEnd::Slow(reason) => {
                    tracing::debug!(peer = %from, %reason, "the peer's connection is too slow");
                    return Ok(());
                }
                StreamEnd::Violation(_) | StreamEnd::Gone(_) => return Ok(()),
            },
        }
    }
}

struct Source {
    from: ReplicaId,
    inbound: Inbound,
    counters: Arc<Counters>,
    seen: Arc<AtomicU8>,
}

impl Source {
    async fn read(self, stream: RecvStream) -> StreamEnd {
        match self.read_lane(stream).await {
            Ok(()) => StreamEnd::Gone("the lane ended".to_owned()),
            Err(end) => end,
        }
    }

    async fn read_lane(&self, mut stream: RecvStream) -> Result<(), StreamEnd> {
        let Some(chunk) = stream.read_chunk(1, true).await? else { return Ok(()) };
        let lane = chunk.bytes.first().copied().and_then(lane_of);
        let lane = lane.ok_or_else(|| StreamEnd::Violation("a stream does not name its lane".to_owned()))?;
        self.claim(lane)?;
        let mut frames = FrameReader::new(stream, lane_limit(lane), PATIENCE);
        while let Some(frame) = frames.next().await? {
            let bytes = frame.len();
            let message = decode_frame::<Message>(frame, lane_limit(lane)).await?;
            self.pass_on(message, lane).await?;
            self.counters.received(bytes + LENGTH_BYTES);
        }
        Ok(())
    }

    fn claim(&self, lane: Lane) -> Result<(), StreamEnd> {
        let bit = 1 << (lane_byte(lane) == lane_byte(Lane::Bulk)) as u8;
        if self.seen.fetch_or(bit, Relaxed) & bit != 0 {
            return Err(StreamEnd::Violation("it opened a lane twice".to_owned()));
        }
        Ok(())
    }

    async fn pass_on(&self, message: Message, lane: Lane) -> Result<(), StreamEnd> {
        if message.lane() != lane {
            let kind = message.kind();
            return Err(StreamEnd::Violation(format!("a {kind:?} came on the lane {lane:?}")));
        }
        let channel: &mpsc::Sender<Received> = match lane {
            Lane::Votes => &self.inbound.votes,
            Lane::Bulk => &self.inbound.bulk,
        };
        let received = Received { from: self.from, message };
        channel.send(received).await.map_err(|_| StreamEnd::Gone("this node no longer takes messages".to_owned()))
    }
}

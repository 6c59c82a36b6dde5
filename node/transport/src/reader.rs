//! Reading frames from a stream: cut apart as bytes arrive, each within its time.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use quinn::{Chunk, RecvStream};
use tokio::time::{Instant, timeout_at};

use crate::frame::{LENGTH_BYTES, StreamEnd};

/// How long a frame of another replica may take, beside what [`SLOWEST`] gives it: far longer than QUIC takes to bring what was lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes a second: a frame gets the time that it takes at this pace. No cluster works over a link that is slower, since its votes would not pass; the
/// largest frame may take 17 minutes, the largest request two.
const SLOWEST: usize = 16 * 1024;

/// A buffer above this size is given back behind its frame.
const KEPT_BYTES: usize = 64 * 1024;

/// Cuts a stream into frames.
pub(crate) struct FrameReader {
    stream: RecvStream,
    patience: Duration,
    cutter: Cutter,
}

impl FrameReader {
    /// Reads frames of at most `limit` bytes. Each may take `patience`, and a second for every 16 KiB of it, from when it has begun and is waited for.
    pub(crate) fn new(stream: RecvStream, limit: usize, patience: Duration) -> Self {
        Self { stream, patience, cutter: Cutter { limit, buffer: BytesMut::new() } }
    }

    /// The next frame's bytes, without the length; `None` at the stream's end. Memory is taken as bytes arrive, not as a length
    /// announces them. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, StreamEnd> {
        let mut since = None;
        loop {
            if let Some(frame) = self.cutter.next()? {
                return Ok(Some(frame));
            }
            match self.more(&mut since).await? {
                Some(chunk) => self.cutter.buffer.extend_from_slice(&chunk.bytes),
                // A connection that is given up may end within a frame.
                None => return Ok(None),
            }
        }
    }

    /// What arrives next. Between frames it may take for ever. Within one it may not, since what is there of it stays in memory: keep-alives are no
    /// sign that it goes on.
    async fn more(&mut self, since: &mut Option<Instant>) -> Result<Option<Chunk>, StreamEnd> {
        let chunk = self.stream.read_chunk(usize::MAX, true);
        if self.cutter.buffer.is_empty() {
            return Ok(chunk.await?);
        }
        let since = *since.get_or_insert_with(Instant::now);
        let allowed = time_for(self.cutter.announced().unwrap_or(0), self.patience);
        let chunk = timeout_at(since + allowed, chunk).await;
        Ok(chunk.map_err(|_| StreamEnd::Slow(format!("a frame was not whole after {allowed:?}")))??)
    }
}

/// How long a frame of so many bytes may take.
fn time_for(bytes: usize, patience: Duration) -> Duration {
    patience.saturating_add(Duration::from_secs((bytes / SLOWEST) as u64))
}

/// What arrived and is not a whole frame yet.
struct Cutter {
    limit: usize,
    buffer: BytesMut,
}

impl Cutter {
    /// The length in front of the frame that has begun.
    fn announced(&self) -> Option<usize> {
        let length = self.buffer.first_chunk::<LENGTH_BYTES>()?;
        Some(usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX))
    }

    /// A whole frame, if one is there.
    fn next(&mut self) -> Result<Option<Bytes>, StreamEnd> {
        let Some(length) = self.announced() else { return Ok(None) };
        if length > self.limit {
            let limit = self.limit;
            return Err(StreamEnd::Violation(format!("a frame of {length} bytes is larger than the limit of {limit}")));
        }
        if self.buffer.len() - LENGTH_BYTES < length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        let frame = self.buffer.split_to(length).freeze();
        if length > KEPT_BYTES {
            // What is left shares the frame's memory, all of it, until more arrives: that may be never.
            self.buffer = BytesMut::from(self.buffer.as_ref());
        }
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::frame;

    fn cutter(bytes: &[u8]) -> Cutter {
        Cutter { limit: 1024 * 1024, buffer: BytesMut::from(bytes) }
    }

    #[test]
    fn frames_are_cut_apart_as_they_come() {
        let mut cutter = cutter(&frame(&[b"abc"])[..5]);
        assert_eq!((cutter.announced(), cutter.next().unwrap()), (Some(3), None));
        cutter.buffer.extend_from_slice(b"bcde");
        assert_eq!(cutter.next().unwrap(), Some(Bytes::from_static(b"abc")));
        assert_eq!((cutter.announced(), cutter.buffer.as_ref()), (None, b"de".as_slice()));
    }

    #[test]
    fn a_large_frame_leaves_no_large_buffer() {
        let mut cutter = cutter(&[&frame(&[&[7; 1_000_000]]), b"behind it".as_slice()].concat());
        assert_eq!(cutter.next().unwrap().unwrap().len(), 1_000_000);
        assert_eq!(cutter.buffer, b"behind it".as_slice());
        cutter.buffer.reserve(100);
        assert!(cutter.buffer.capacity() < KEPT_BYTES, "{} bytes", cutter.buffer.capacity());
    }

    #[test]
    fn a_frame_has_the_time_that_it_takes_on_a_slow_link() {
        assert_eq!(time_for(0, PATIENCE), PATIENCE);
        assert_eq!(time_for(2 * 1024 * 1024, PATIENCE), PATIENCE + Duration::from_secs(128));
    }
}

//! Frames on a stream: a length of four bytes, little-endian, and that many bytes.

use bytes::{Bytes, BytesMut};
use quinn::ReadError;
use serde::{Serialize, de::DeserializeOwned};
use tetrarch_types::{Lane, decode, limits};

/// The bytes of a frame's length.
pub(crate) const LENGTH_BYTES: usize = 4;

/// Encodings above this size are decoded beside the async tasks, which must not wait for milliseconds of work.
const LARGE_BYTES: usize = 256 * 1024;

/// Frames below this size are copied together before they are written. QUIC keeps what is written as a list and searches it
/// from the front.
const SMALL_BYTES: usize = 8 * 1024;

/// Why no more frames come from a stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamEnd {
    /// The other side did what this protocol does not allow.
    #[error("{0}")]
    Violation(String),
    /// A frame was begun and does not come to its end.
    #[error("{0}")]
    Slow(String),
    /// The connection or the stream is gone, or nobody takes what comes.
    #[error("{0}")]
    Gone(String),
}

impl From<ReadError> for StreamEnd {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(_) => Self::Violation("a stream was reset".to_owned()),
            other => Self::Gone(other.to_string()),
        }
    }
}

/// The bound of a lane.
pub(crate) const fn lane_limit(lane: Lane) -> usize {
    match lane {
        Lane::Votes => limits::MAX_VOTE_BYTES,
        Lane::Bulk => limits::MAX_BULK_BYTES,
    }
}

/// The first byte of a lane's stream.
pub(crate) const fn lane_byte(lane: Lane) -> u8 {
    match lane {
        Lane::Votes => b'v',
        Lane::Bulk => b'b',
    }
}

/// The lane that a stream's first byte names.
pub(crate) const fn lane_of(byte: u8) -> Option<Lane> {
    match byte {
        b'v' => Some(Lane::Votes),
        b'b' => Some(Lane::Bulk),
        _ => None,
    }
}

/// A frame of the parts' bytes, one behind the other.
pub(crate) fn frame(parts: &[&[u8]]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut bytes = BytesMut::with_capacity(LENGTH_BYTES + length);
    bytes.extend_from_slice(&length_bytes(length));
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes.freeze()
}

/// The length in front of a frame. One that does not fit is refused by whoever reads it, and checked before that by whoever
/// sends it.
pub(crate) fn length_bytes(length: usize) -> [u8; LENGTH_BYTES] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Copies runs of small pieces together.
pub(crate) fn coalesce(pieces: Vec<Bytes>) -> Vec<Bytes> {
    let mut whole = Vec::new();
    let mut run = BytesMut::new();
    for piece in pieces {
        if piece.len() < SMALL_BYTES {
            run.extend_from_slice(&piece);
            continue;
        }
        if !run.is_empty() {
            whole.push(run.split().freeze());
        }
        whole.push(piece);
    }
    if !run.is_empty() {
        whole.push(run.freeze());
    }
    whole
}

/// Decodes strictly; large encodings on a thread for blocking work.
pub(crate) async fn decode_frame<T>(bytes: Bytes, limit: usize) -> Result<T, StreamEnd>
where
    T: Serialize + DeserializeOwned + Send + 'static,
{
    let decoded = if bytes.len() <= LARGE_BYTES {
        decode(&bytes, limit)
    } else {
        let work = tokio::task::spawn_blocking(move || decode(&bytes, limit));
        work.await.map_err(|error| StreamEnd::Gone(error.to_string()))?
    };
    decoded.map_err(|error| StreamEnd::Violation(format!("a frame is refused: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_are_joined_and_large_ones_left() {
        let large = Bytes::from(vec![7; SMALL_BYTES]);
        let pieces = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b"), large.clone(), Bytes::from_static(b"c")];
        assert_eq!(coalesce(pieces), [Bytes::from_static(b"ab"), large, Bytes::from_static(b"c")]);
        assert!(coalesce(Vec::new()).is_empty());
    }

    #[test]
    fn a_frame_is_its_length_and_its_parts() {
        assert_eq!(frame(&[b"ab", b"c"]), Bytes::from_static(b"\x03\0\0\0abc"));
    }
}

//! What waits to be sent to one peer on one lane.

use std::{collections::VecDeque, sync::Mutex};

use bytes::Bytes;
use tetrarch_types::{Lane, limits};
use tokio::sync::Notify;

use crate::lock::locked;

/// How much is taken for one write. Taken frames can no longer be dropped for newer ones.
const WRITE_BYTES: usize = 1024 * 1024;

/// A bounded queue that forgets its oldest frames: the protocol sends again what still matters.
#[derive(Debug)]
pub(crate) struct LaneQueue {
    most_frames: usize,
    most_bytes: usize,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl LaneQueue {
    /// The bounds of a lane: for votes, both kinds of a full window; for bulk, two of the largest messages. Frames that go to many
    /// peers share their bytes.
    pub(crate) fn of(lane: Lane) -> Self {
        match lane {
            Lane::Votes => Self::new(16 * 1024, 4 * 1024 * 1024),
            Lane::Bulk => Self::new(1024, 2 * limits::MAX_BULK_BYTES + 64 * 1024),
        }
    }

    fn new(most_frames: usize, most_bytes: usize) -> Self {
        Self { most_frames, most_bytes, waiting: Mutex::default(), filled: Notify::new() }
    }

    /// Appends a frame. Returns how many older ones had to go for it.
    pub(crate) fn push(&self, frame: Bytes) -> u64 {
        let mut waiting = locked(&self.waiting);
        let mut dropped = 0;
        while waiting.frames.len() >= self.most_frames || waiting.bytes.saturating_add(frame.len()) > self.most_bytes {
            let Some(oldest) = waiting.pop() else { break };
            dropped += 1;
            drop(oldest);
        }
        waiting.bytes = waiting.bytes.saturating_add(frame.len());
        waiting.frames.push_back(frame);
        drop(waiting);
        self.filled.notify_one();
        dropped
    }

    /// Waits for frames and takes as many as make a good write, at least one. Takes nothing when the future is dropped.
    pub(crate) async fn take(&self) -> Vec<Bytes> {
        loop {
            let frames = self.take_now();
            if !frames.is_empty() {
                return frames;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self) -> Vec<Bytes> {
        let mut waiting = locked(&self.waiting);
        let mut taken = Vec::new();
        let mut bytes = 0;
        while bytes < WRITE_BYTES {
            let Some(frame) = waiting.pop() else { break };
            bytes += frame.len();
            taken.push(frame);
        }
        taken
    }
}

impl Waiting {
    fn pop(&mut self) -> Option<Bytes> {
        let oldest = self.frames.pop_front()?;
        self.bytes -= oldest.len();
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(length: usize) -> Bytes {
        Bytes::from(vec![0; length])
    }

    #[tokio::test]
    async fn the_oldest_frames_make_room() {
        let queue = LaneQueue::new(3, 100);
        assert_eq!([10, 20, 30].map(|length| queue.push(of(length))), [0, 0, 0]);
        assert_eq!(queue.push(of(40)), 1, "a fourth frame");
        assert_eq!(queue.push(of(60)), 2, "too many bytes beside 20, 30 and 40, and beside 30 and 40, not beside 40");
        let left: Vec<usize> = queue.take().await.iter().map(Bytes::len).collect();
        assert_eq!(left, [40, 60]);
    }

    #[tokio::test]
    async fn a_write_takes_about_what_it_should() {
        let queue = LaneQueue::of(Lane::Bulk);
        (0..5).for_each(|_| assert_eq!(queue.push(of(WRITE_BYTES / 2)), 0));
        let sizes = [queue.take().await.len(), queue.take().await.len(), queue.take().await.len()];
        assert_eq!(sizes, [2, 2, 1]);
    }
}

//! Votes that wait for the thread that checks them.

use tetrarch_transport::Received;
use tetrarch_types::ReplicaId;
use tokio::sync::mpsc::Receiver;

use crate::bounds;
use crate::counters::{Count, Counts};
use crate::sharing::Turns;

/// All peers' votes. They come through one channel; where more are there than make a chunk, peers take turns, and what one sends waits for no more than
/// its share of the next chunk, however much another one sent before.
pub(crate) struct Votes {
    channel: Receiver<Received>,
    waiting: Turns<ReplicaId, Received>,
    counts: Counts,
}

impl Votes {
    pub(crate) fn of(channel: Receiver<Received>, counts: Counts) -> Self {
        Self { channel, waiting: Turns::default(), counts }
    }

    /// The next chunk, once there are any. None when no more come.
    pub(super) fn next(&mut self) -> Option<Vec<Received>> {
        let mut came = Vec::new();
        if self.waiting.is_empty() {
            if self.channel.blocking_recv_many(&mut came, bounds::VOTES_CHANNEL) == 0 {
                return None;
            }
            if came.len() <= bounds::CHUNK_SIGNATURES {
                return Some(came);
            }
        } else {
            came.extend(std::iter::from_fn(|| self.channel.try_recv().ok()).take(bounds::VOTES_CHANNEL));
        }
        came.into_iter().for_each(|received| self.put(received));
        let chunk = std::iter::from_fn(|| self.waiting.pop()).map(|(_, received)| received);
        Some(chunk.take(bounds::CHUNK_SIGNATURES).collect())
    }

    fn put(&mut self, received: Received) {
        let from = received.from;
        if self.waiting.len_of(from) < bounds::PEER_VOTES {
            return self.waiting.push(from, received);
        }
        self.counts.add(Count::VotesDropped);
        tracing::debug!(peer = %from, "vote dropped: this peer sends faster than they can be verified");
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::{Digest, Signature};
    use tetrarch_types::{Commit, Message, SeqNum, Signed, View};
    use tokio::sync::mpsc::{self, Sender};

    use super::*;

    fn scene() -> (Sender<Received>, Votes) {
        let (sender, channel) = mpsc::channel(bounds::VOTES_CHANNEL);
        (sender, Votes::of(channel, Counts::new()))
    }

    fn vote(from: u16, seq: usize) -> Received {
        let commit = Commit { view: View::ZERO, seq: SeqNum::new(seq as u64), digest: Digest::ZERO };
        let from = ReplicaId::new(from);
        let signature = Signature::from_bytes([0; 64]);
        Received { from, message: Message::Commit(Signed { payload: commit, signer: from, signature }) }
    }

    fn flood(sender: &Sender<Received>, from: u16) {
        (0..).map(|seq| vote(from, seq)).take_while(|vote| sender.try_send(vote.clone()).is_ok()).for_each(drop);
    }

    #[test]
    fn what_one_sends_does_not_wait_for_all_that_another_one_sent() {
        let (sender, mut votes) = scene();
        (0..bounds::VOTES_CHANNEL - 2).for_each(|seq| sender.try_send(vote(1, seq)).unwrap());
        sender.try_send(vote(2, 7)).unwrap();
        sender.try_send(vote(2, 8)).unwrap();
        let chunk = votes.next().unwrap();
        assert_eq!(chunk.len(), bounds::CHUNK_SIGNATURES);
        assert_eq!(chunk[..5], [vote(1, 0), vote(2, 7), vote(1, 1), vote(2, 8), vote(1, 2)]);
        sender.try_send(vote(3, 9)).unwrap();
        assert!(votes.next().unwrap().contains(&vote(3, 9)), "whoever comes later is in the next chunk");
    }

    #[test]
    fn a_few_are_as_they_came() {
        let (sender, mut votes) = scene();
        let few = [vote(2, 1), vote(1, 1), vote(2, 2), vote(1, 2)];
        few.iter().for_each(|vote| sender.try_send(vote.clone()).unwrap());
        assert_eq!(votes.next().unwrap(), few);
        drop(sender);
        assert!(votes.next().is_none());
    }

    #[test]
    fn a_flood_is_dropped_at_its_senders_own_queue() {
        let (sender, mut votes) = scene();
        for _ in 0..3 {
            flood(&sender, 1);
            votes.next().unwrap();
        }
        assert_eq!(votes.waiting.len_of(ReplicaId::new(1)), bounds::PEER_VOTES - bounds::CHUNK_SIGNATURES);
        assert_eq!(
            votes.counts.snapshot()["votes_dropped"],
            2 * (bounds::VOTES_CHANNEL - bounds::CHUNK_SIGNATURES) as u64
        );
        drop(sender);
        let left = std::iter::from_fn(|| votes.next()).map(|chunk| chunk.len()).sum::<usize>();
        assert_eq!(left, bounds::PEER_VOTES - bounds::CHUNK_SIGNATURES);
    }
}

//! Whose votes are checked apart: one signature that does not hold costs the batch that it is in a search for it, and that is to be a
//! batch of the same sender's.

use std::collections::BTreeMap;

use tetrarch_transport::Received;
use tetrarch_types::{ReplicaId, Time};

use crate::bounds;

/// Peers whose signatures failed lately, and until when that matters. Only members get this far, so there are few.
#[derive(Default)]
pub(super) struct Distrust(BTreeMap<ReplicaId, Time>);

impl Distrust {
    /// A signature of this peer did not hold.
    pub(super) fn note(&mut self, peer: ReplicaId, now: Time) {
        self.0.insert(peer, now.after(bounds::DISTRUST));
    }

    /// One batch of all peers that are trusted, and behind it one of each that is not; each peer's messages in their order.
    pub(super) fn part(&mut self, chunk: Vec<Received>, now: Time) -> Vec<Vec<Received>> {
        self.0.retain(|_, until| *until > now);
        let mut batches: BTreeMap<Option<ReplicaId>, Vec<Received>> = BTreeMap::new();
        for received in chunk {
            let apart = Some(received.from).filter(|from| self.0.contains_key(from));
            batches.entry(apart).or_default().push(received);
        }
        batches.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::{Digest, Signature};
    use tetrarch_types::{Message, Prepare, SeqNum, Signed, View};

    use super::*;

    fn vote(from: u16, seq: u64) -> Received {
        let payload = Prepare { view: View::ZERO, seq: SeqNum::new(seq), digest: Digest::ZERO };
        let from = ReplicaId::new(from);
        let signature = Signature::from_bytes([0; 64]);
        Received { from, message: Message::Prepare(Signed { payload, signer: from, signature }) }
    }

    #[test]
    fn who_failed_is_checked_apart_behind_the_others_and_for_a_while() {
        let chunk = || vec![vote(1, 1), vote(2, 1), vote(1, 2), vote(3, 1), vote(2, 2)];
        let mut distrust = Distrust::default();
        assert_eq!(distrust.part(chunk(), Time::ZERO), [chunk()]);

        distrust.note(ReplicaId::new(1), Time::ZERO);
        let parted = [vec![vote(2, 1), vote(3, 1), vote(2, 2)], vec![vote(1, 1), vote(1, 2)]];
        assert_eq!(distrust.part(chunk(), Time::ZERO), parted);

        let later = Time::ZERO.after(bounds::DISTRUST);
        assert_eq!(distrust.part(chunk(), later), [chunk()]);
    }
}

//! Batches that a liar made up: a lie about a digest is worth little if nobody can have the batch.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Fetch, Message, ReplicaId, SeqNum, Supply, Timestamp};

/// Inventions that are remembered.
const REMEMBERED: usize = 64;

/// Answers that are owed at most.
const OWED: usize = 64;

/// What was made up, and who asked for it.
#[derive(Default)]
pub(crate) struct Inventions {
    batches: BTreeMap<Digest, Batch>,
    owed: Vec<(ReplicaId, Digest)>,
}

impl Inventions {
    /// An empty batch of its own for each number: it differs from the gap filler by its stamp, and needs no client.
    pub(crate) fn invent(&mut self, seq: SeqNum) -> Batch {
        let batch = Batch { timestamp: Timestamp::from_micros(seq.get().saturating_add(1)), transactions: Vec::new() };
        self.remember(batch.clone());
        batch
    }

    fn remember(&mut self, batch: Batch) {
        self.batches.insert(batch.digest(), batch);
        if self.batches.len() > REMEMBERED {
            self.batches.pop_first();
        }
    }

    /// Notes who asks for an invention.
    pub(crate) fn hear(&mut self, message: &Message) {
        if let Message::Fetch(signed) = message
            && let Fetch::Batch(digest) = signed.payload
            && self.batches.contains_key(&digest)
            && self.owed.len() < OWED
        {
            self.owed.push((signed.signer, digest));
        }
    }

    /// What is owed to a replica.
    pub(crate) fn answers(&mut self, to: ReplicaId) -> Vec<Supply> {
        let (due, rest) = std::mem::take(&mut self.owed).into_iter().partition(|(asker, _)| *asker == to);
        self.owed = rest;
        let due: Vec<(ReplicaId, Digest)> = due;
        let batches = due.into_iter().filter_map(|(_, digest)| self.batches.get(&digest).cloned());
        batches.map(|batch| Supply::Batch { batch, transactions: Vec::new() }).collect()
    }
}

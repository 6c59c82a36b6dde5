//! How much a replica holds: for the bounds that rules B-1 to B-3 put on it (`specs/memory.md`).

use crate::Replica;

/// Entries, unless it says bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Sequence numbers in agreement or decided and kept.
    pub slots: usize,
    /// Batches in these slots.
    pub batches: usize,
    /// Transactions that these batches name.
    pub named: usize,
    /// Bytes of the bodies that these batches hold.
    pub body_bytes: usize,
    /// The most bytes of bodies that one of these batches holds.
    pub largest_batch_bytes: usize,
    /// PREPAREs and COMMITs in these slots, certificates apart.
    pub votes: usize,
    /// Transactions that are noted to stand in a batch, to be in flight there, or to be missing there: of the three the most.
    pub noted: usize,
    /// Slots for which something is asked, whose agreement is measured, or whose recovered proposals have to come back: of the three the
    /// most.
    pub asked: usize,
    /// VIEW-CHANGEs.
    pub view_changes: usize,
    /// CHECKPOINTs.
    pub checkpoints: usize,
    /// Roots of its own checkpoints.
    pub roots: usize,
    /// Transactions in the pool.
    pub pool: usize,
    /// Their bytes.
    pub pool_bytes: usize,
    /// The most of them that one sender has.
    pub pool_of_sender: usize,
    /// Votes that explain what the others may hold of it.
    pub testimony: usize,
    /// Members of whom a status, an answer or a moment is kept: of each the most.
    pub peers: usize,
    /// Senders whose spent nonces are known.
    pub senders: usize,
}

impl Replica {
    /// How much it holds. Costs as much as there are slots and batches in them, and senders in the pool.
    pub fn sizes(&self) -> Sizes {
        let mut sizes = self.sizes_of_slots();
        sizes.noted = self.placed.len().max(self.in_flight.len()).max(self.awaited.len());
        sizes.asked = self.fetches.len().max(self.own_proposals.len()).max(self.turnaround.under_way());
        sizes.view_changes = self.view_changes.len();
        sizes.checkpoints = self.checkpoints.votes();
        sizes.roots = self.checkpoints.roots.len();
        (sizes.pool, sizes.pool_bytes, sizes.pool_of_sender) =
            (self.pool.len(), self.pool.bytes(), self.pool.of_sender_at_most());
        sizes.testimony = self.standing.testimony.len();
        sizes.peers = self.peers.len().max(self.passed_on.len()).max(self.standing.members_at_most());
        sizes.senders = self.spent.len();
        sizes
    }

    fn sizes_of_slots(&self) -> Sizes {
        let mut sizes = Sizes::default();
        for (_, slot) in self.log.iter() {
            sizes.slots += 1;
            sizes.votes += slot.prepares.len() + slot.commits.len();
            for content in slot.contents.values() {
                sizes.batches += 1;
                sizes.named += content.batch.transactions.len();
                sizes.body_bytes += content.bytes();
                sizes.largest_batch_bytes = sizes.largest_batch_bytes.max(content.bytes());
            }
        }
        sizes
    }
}

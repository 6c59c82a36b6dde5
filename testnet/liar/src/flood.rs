//! Many messages that look as if they mattered: votes around the place where the cluster is, statuses that ask for everything again,
//! questions that are expensive to answer, signatures that do not hold. At a rate that is high and bounded.
//!
//! No VIEW-CHANGE is among them, and no far view: rule V-8 would hold the replica to it for good, even when it is honest again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tetrarch_chance::Rng;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_server::Identity;
use tetrarch_types::{
    Checkpoint, Commit, Fetch, Message, Prepare, ReplicaId, SeqNum, Signable, Signed, Status, TransactionId,
};

/// The time between two bursts, and how many messages each peer gets with one: two thousand a second.
const PAUSE: Duration = Duration::from_millis(10);
const BURST: usize = 20;

/// Messages that are made ahead, and how long they serve: signing each anew would slow down the liar more than the others.
const STOCK: usize = 256;
const FRESH: Duration = Duration::from_secs(1);

/// How far around the place where the cluster is the votes go.
const REACH: u64 = 64;

/// A flood of messages.
pub(crate) struct Flood {
    identity: Identity,
    rng: Rng,
    /// Where its own node stands; it does not flood before it has said so.
    place: Option<Status>,
    stock: Vec<Arc<Message>>,
    next: usize,
    due: Instant,
    stale: Instant,
}

impl Flood {
    pub(crate) fn new(identity: Identity, rng: Rng) -> Self {
        let now = Instant::now();
        Self { identity, rng, place: None, stock: Vec::new(), next: 0, due: now, stale: now }
    }

    /// The node says where it stands.
    pub(crate) const fn stand_at(&mut self, place: Status) {
        self.place = Some(place);
    }

    /// When the next burst is due.
    pub(crate) const fn due(&self) -> Instant {
        self.due
    }

    /// The messages of one burst, each with its recipient; none before it is due. What was missed is not made up for.
    pub(crate) fn burst(&mut self, now: Instant) -> Vec<(ReplicaId, Arc<Message>)> {
        if now < self.due {
            return Vec::new();
        }
        self.due = now + PAUSE;
        let Some(place) = self.place else { return Vec::new() };
        if self.stale <= now {
            self.stock = (0..STOCK).map(|_| Arc::new(self.message(place))).collect();
            self.stale = now + FRESH;
        }
        let others: Vec<ReplicaId> = self.others().collect();
        (0..BURST).flat_map(|_| self.one_to_each(&others)).collect()
    }

    fn one_to_each(&mut self, others: &[ReplicaId]) -> Vec<(ReplicaId, Arc<Message>)> {
        self.next = self.next.wrapping_add(1);
        let Some(message) = self.stock.get(self.next % STOCK) else { return Vec::new() };
        others.iter().map(|to| (*to, Arc::clone(message))).collect()
    }

    fn others(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        let own = self.identity.id();
        self.identity.membership().ids().filter(move |id| *id != own)
    }

    fn message(&mut self, place: Status) -> Message {
        let Status { view, executed, stable, .. } = place;
        let seq = executed.plus(self.rng.below(REACH));
        let digest = self.digest();
        match self.rng.below(8) {
            0 | 1 => Message::Prepare(self.sign(Prepare { view, seq, digest })),
            2 | 3 => Message::Commit(self.sign(Commit { view, seq, digest })),
            4 => Message::Checkpoint(self.sign(Checkpoint { seq, state_root: digest })),
            5 => Message::Status(self.sign(behind(place))),
            6 => Message::Fetch(self.question(executed, stable)),
            // Signed for one number, sent for another: only whoever checks finds out.
            _ => {
                let honest = self.sign(Commit { view, seq, digest });
                Message::Commit(Signed { payload: Commit { seq: seq.next(), ..honest.payload }, ..honest })
            }
        }
    }

    fn question(&mut self, executed: SeqNum, stable: SeqNum) -> Signed<Fetch> {
        let fetch = match self.rng.below(3) {
            0 => Fetch::Committed { after: SeqNum::new(self.rng.below(executed.get() + 1)) },
            1 => Fetch::State { checkpoint: stable, parts: vec![Prefix::ROOT], rows_up_to: u32::MAX },
            _ => Fetch::Transactions((0..64).map(|_| TransactionId::new(self.digest())).collect()),
        };
        self.sign(fetch)
    }

    fn digest(&mut self) -> Digest {
        Digest::from_bytes(self.rng.bytes())
    }

    fn sign<T: Signable>(&self, payload: T) -> Signed<T> {
        Signed::new(payload, self.identity.id(), self.identity.membership().scope(), self.identity.key())
    }
}

/// A place far behind: whoever believes it sends all that is in between.
const fn behind(place: Status) -> Status {
    Status { executed: SeqNum::ZERO, stable: SeqNum::ZERO, ..place }
}

//! The one order of decided batches, and what follows from it for each transaction: worked out here a second time, naively.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use tetrarch_crypto::PublicKey;
use tetrarch_kv::Context;
use tetrarch_types::{CommittedBatch, SeqNum, Timestamp, Transaction};

/// How far ahead of agreed time a transaction may be valid (rule R-3).
const LONGEST_VALIDITY: Duration = Duration::from_secs(3_600);

/// Nonces that are kept apart below a sender's highest one, in words of [`WORD`] (rule R-2; decision 2).
const WINDOW_WORDS: u64 = 64;
const WORD: u64 = 64;

/// The batches that honest replicas handed to execution, the first that was seen for each number.
#[derive(Default)]
pub(super) struct Order(BTreeMap<SeqNum, Rc<CommittedBatch>>);

/// What becomes of a transaction whose nonce is not spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its command is carried out.
    Executed,
    /// It comes too late.
    Expired,
    /// It is valid for too long.
    ValidTooLong,
}

/// A transaction whose nonce was not spent when its turn came.
pub(super) struct Settled<'a> {
    /// Its place and time.
    pub(super) context: Context,
    pub(super) transaction: &'a Transaction,
    pub(super) fate: Fate,
}

impl Order {
    /// Learns of a batch. Whether all replicas have the same one is for another oracle to say.
    pub(super) fn learn(&mut self, batch: &Rc<CommittedBatch>) {
        self.0.entry(batch.seq).or_insert_with(|| batch.clone());
    }

    /// The batches in order.
    pub(super) fn batches(&self) -> impl Iterator<Item = &Rc<CommittedBatch>> {
        self.0.values()
    }

    /// The batches that begin, which gap fillers do not, each with its agreed time, in order.
    pub(super) fn begun(&self) -> impl Iterator<Item = (SeqNum, Timestamp)> {
        let mut time = Timestamp::ZERO;
        self.0.values().filter_map(move |batch| {
            time = agreed_time(time, batch);
            let is_filler = batch.transactions.is_empty() && batch.batch.timestamp == Timestamp::ZERO;
            (!is_filler).then_some((batch.seq, time))
        })
    }

    /// Every transaction whose nonce is not spent when its turn comes, in order.
    pub(super) fn settled(&self) -> impl Iterator<Item = Settled<'_>> {
        let (mut time, mut nonces) = (Timestamp::ZERO, BTreeMap::<PublicKey, Nonces>::new());
        self.0.values().flat_map(move |batch| {
            time = agreed_time(time, batch);
            let mut settled = Vec::new();
            for (index, transaction) in (0_u32..).zip(&batch.transactions) {
                if nonces.entry(transaction.body.sender).or_default().spend(transaction.body.nonce) {
                    let context = Context { seq: batch.seq, index, time };
                    settled.push(Settled { context, transaction, fate: fate(transaction, time) });
                }
            }
            settled
        })
    }
}

/// Agreed time after a batch (rule T-2). A gap filler has no stamp.
pub(super) fn agreed_time(before: Timestamp, batch: &CommittedBatch) -> Timestamp {
    before.max(batch.batch.timestamp)
}

/// What becomes of a transaction at this agreed time (rule R-3).
pub(super) fn fate(transaction: &Transaction, time: Timestamp) -> Fate {
    let until = transaction.body.valid_until;
    if until < time {
        Fate::Expired
    } else if until > time.plus(LONGEST_VALIDITY) {
        Fate::ValidTooLong
    } else {
        Fate::Executed
    }
}

/// A sender's spent nonces: all of them, and the number below which all others count as spent.
#[derive(Default)]
struct Nonces {
    spent: BTreeSet<u64>,
    lowest: u64,
}

impl Nonces {
    /// Whether the nonce could be spent, and is now.
    fn spend(&mut self, nonce: u64) -> bool {
        let is_fresh = nonce >= self.lowest && self.spent.insert(nonce);
        if is_fresh {
            self.lowest = self.lowest.max((nonce / WORD + 1).saturating_sub(WINDOW_WORDS) * WORD);
        }
        is_fresh
    }
}

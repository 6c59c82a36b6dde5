//! Memory and journal within their formula (`specs/memory.md`): whatever peers and clients send, an honest replica holds no more than
//! members, window, checkpoint interval, pool limits and views explain.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::PublicKey;
use tetrarch_replica::{Event, Record};
use tetrarch_types::{ReplicaId, SeqNum, View, limits};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// CHECKPOINTs kept of each member, and own roots.
const CHECKPOINTS_OF_MEMBER: u64 = 8;
const ROOTS: u64 = 64;

/// Records that one stable checkpoint writes, at most: itself, and what must live on about views and losses.
const RECORDS_OF_CHECKPOINT: u64 = 5;

/// Records of a view that are about no number: that it is moved to, started, entered.
const RECORDS_OF_VIEW: u64 = 3;

/// Records of losses and cures between two checkpoints.
const RECORDS_OF_LOSS: u64 = 4;

/// See the module.
#[derive(Default)]
pub(super) struct Bounds {
    /// The views that each replica moved to or entered, with its stable checkpoint when it did last.
    views: BTreeMap<ReplicaId, BTreeMap<View, SeqNum>>,
    stable: BTreeMap<ReplicaId, SeqNum>,
    /// Everyone who sent anything that may be decided.
    senders: BTreeSet<PublicKey>,
}

impl Bounds {
    fn be_in(&mut self, by: ReplicaId, view: View) {
        let stable = self.stable.get(&by).copied().unwrap_or_default();
        self.views.entry(by).or_default().insert(view, stable);
    }

    /// V: the views in which what a replica still holds may have been said. That is about numbers above its stable checkpoint, or in
    /// the journal up to a window below it; and a number is spoken about from a window below on.
    fn views_since(&self, by: ReplicaId, stable: SeqNum, window: u64) -> u64 {
        let from = SeqNum::new(stable.get().saturating_sub(2 * window));
        let of_replica = self.views.get(&by).into_iter().flatten();
        // The first view is one that nobody moved to; and the one that it was in then.
        2 + of_replica.filter(|(_, when)| **when >= from).count() as u64
    }
}

/// What is held, and how much of it may be.
type Bound = (&'static str, u64, u64);

impl Oracle for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::Observed { by, event: Event::ViewEntered { view, .. } | Event::ViewChangeStarted { view, .. } }
            | Sight::Recorded { by, record: Record::ViewChanging { view } } => self.be_in(*by, *view),
            Sight::Recorded { by, record: Record::Entered(it) } => self.be_in(*by, it.payload.view),
            Sight::Issued { transaction, .. } => {
                self.senders.insert(transaction.body.sender);
            }
            Sight::Held { by, sizes, journal, stable } => {
                self.stable.insert(*by, *stable);
                let views = self.views_since(*by, *stable, rules.window);
                let bounds = of_agreement(sizes, views, rules).into_iter().chain(of_the_rest(sizes, rules));
                let senders = ("senders", sizes.senders as u64, self.senders.len() as u64);
                let journal = ("journal entries", *journal, journal_bound(views, rules));
                for (what, held, bound) in bounds.chain([senders, journal]) {
                    ensure(held <= bound, || format!("replica {by} holds {held} {what}, and may hold {bound}"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What grows with the window: the slots of a window, and of another one while decided batches pass through.
fn of_agreement(held: &tetrarch_replica::Sizes, views: u64, rules: &Rules) -> [Bound; 9] {
    let (n, slots) = (rules.n() as u64, 2 * rules.window);
    let batches = slots * (2 * views + 1);
    let named = batches * limits::MAX_BATCH_TRANSACTIONS as u64;
    [
        ("slots", held.slots as u64, slots),
        ("batches", held.batches as u64, batches),
        ("transactions named", held.named as u64, named),
        ("bytes of bodies", held.body_bytes as u64, batches * limits::MAX_BATCH_BYTES as u64),
        ("bytes of bodies in a batch", held.largest_batch_bytes as u64, limits::MAX_BATCH_BYTES as u64),
        ("votes", held.votes as u64, 2 * n * slots),
        ("transactions noted", held.noted as u64, named),
        ("slots asked for", held.asked as u64, slots),
        ("votes explained", held.testimony as u64, 3 * slots * views),
    ]
}

/// What does not.
fn of_the_rest(held: &tetrarch_replica::Sizes, rules: &Rules) -> [Bound; 7] {
    let (n, pool) = (rules.n() as u64, rules.pool);
    [
        ("VIEW-CHANGEs", held.view_changes as u64, 2 * n),
        ("CHECKPOINTs", held.checkpoints as u64, CHECKPOINTS_OF_MEMBER * n),
        ("roots", held.roots as u64, ROOTS),
        // What peers relay has room of its own.
        ("transactions in its pool", held.pool as u64, 2 * pool.transactions as u64),
        ("bytes in its pool", held.pool_bytes as u64, 2 * pool.bytes as u64),
        ("transactions of one sender in its pool", held.pool_of_sender as u64, n * pool.per_sender as u64),
        ("peers", held.peers as u64, n),
    ]
}

/// Three records for each number and view (drafted, accepted, prepared), from a window below the stable checkpoint to a window above it; what is
/// written about views; and what each checkpoint of that span wrote.
fn journal_bound(views: u64, rules: &Rules) -> u64 {
    let checkpoints = 2 * rules.window / rules.checkpoint_interval.max(1) + 2;
    let of_numbers = 3 * 2 * rules.window * views;
    of_numbers + RECORDS_OF_VIEW * views + RECORDS_OF_CHECKPOINT * checkpoints + RECORDS_OF_LOSS
}

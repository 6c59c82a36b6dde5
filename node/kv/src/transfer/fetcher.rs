//! One transfer: the walk from the certified root down.

use std::time::Duration;

use tetrarch_crypto::state_tree::{Page, Prefix};
use tetrarch_crypto::{Digest, mutated};
use tetrarch_storage::StoreError;
use tetrarch_types::{CheckpointCertificate, Fetch, ReplicaId, SeqNum, StatePart, Time, TransferProgress};

use super::frontier::{Due, Frontier};
use super::peers::Peers;
use super::{Local, Placed};
use crate::tree::is_due;

/// Where nothing is here, this much is wanted as rows: most of a message.
const ROWS_WHERE_EMPTY: u32 = 256 * 1024;
/// Where something is here, this much: not much more than what differs. Less would cost more questions than it spares bytes.
const ROWS_WHERE_NOT: u32 = 16 * 1024;

/// How long a walk that ended elsewhere waits before it begins anew.
const PAUSE: Duration = Duration::from_secs(1);

/// What the fetcher wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// To whom.
    pub to: ReplicaId,
    /// A [`Fetch::State`].
    pub fetch: Fetch,
}

/// Fetches the state at a stable checkpoint, and what of it is in place already is not fetched.
///
/// Its host hands in what peers answer and calls [`on_deadline`](Self::on_deadline) when [`deadline`](Self::deadline) has come,
/// the first time at once; it sends what comes out, until [`is_complete`](Self::is_complete). Whatever happens, it may be dropped
/// and another one begun. Nobody else may write the state meanwhile.
#[derive(Debug)]
pub struct Transfer {
    target: CheckpointCertificate,
    peers: Peers,
    frontier: Frontier,
    stage: Stage,
    /// The last time told.
    now: Time,
    /// How far walks to this target have come that did not end it.
    permille: u16,
    rows: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be walked from the root, from this time on.
    Waiting(Time),
    /// Places are due.
    Walking,
    /// The root here is the target's.
    Complete,
}

impl Transfer {
    /// Will fetch the state that a verified certificate names from these peers. The certificate's votes are not looked at.
    pub fn new(target: CheckpointCertificate, peers: Vec<ReplicaId>, now: Time) -> Self {
        Self {
            target,
            peers: Peers::new(peers),
            frontier: Frontier::default(),
            stage: Stage::Waiting(now),
            now,
            permille: 0,
            rows: 0,
            bytes: 0,
        }
    }

    /// What is fetched.
    pub const fn target(&self) -> &CheckpointCertificate {
        &self.target
    }

    /// Fetches another checkpoint's state from now on (rule S-5): the walk begins anew, and what is in place stays. Who lied is
    /// not asked for this one either.
    pub fn retarget(&mut self, target: CheckpointCertificate, now: Time) {
        self.target = target;
        self.begin_anew(now);
        self.permille = 0;
    }

    /// What a peer sent for a checkpoint. Parts that were not asked of it, or of another checkpoint, are not looked at.
    ///
    /// # Errors
    /// If the state here cannot be read or written; the walk then begins anew.
    pub fn on_parts(
        &mut self,
        local: &dyn Local,
        now: Time,
        from: ReplicaId,
        checkpoint: SeqNum,
        parts: Vec<(Prefix, StatePart)>,
        out: &mut Vec<Ask>,
    ) -> Result<(), StoreError> {
        self.now = now;
        if checkpoint != self.target.seq {
            return Ok(());
        }
        let taken = self.take(local, from, parts);
        self.step(taken, local, now, out)
    }

    /// A peer says that it does not hold the state at a checkpoint.
    pub fn on_no_state(&mut self, now: Time, from: ReplicaId, checkpoint: SeqNum, out: &mut Vec<Ask>) {
        self.now = now;
        if checkpoint == self.target.seq {
            let back = self.peers.is_without(from, now);
            self.frontier.take_back(back);
            self.ask(now, out);
        }
    }

    /// Begins, gives up on requests that wait too long, and asks.
    ///
    /// # Errors
    /// If the state here cannot be read or written; the walk then begins anew.
    pub fn on_deadline(&mut self, local: &dyn Local, now: Time, out: &mut Vec<Ask>) -> Result<(), StoreError> {
        self.now = now;
        let begun = match self.stage {
            Stage::Waiting(since) if since <= now => self.begin(local),
            _ => Ok(()),
        };
        let late = self.peers.expire(now);
        self.frontier.take_back(late);
        if self.frontier.is_empty() {
            let slow = self.peers.hurry(now);
            self.frontier.take_back(slow);
        }
        self.step(begun, local, now, out)
    }

    /// When to call [`on_deadline`](Self::on_deadline); none if only an answer or another target changes anything.
    pub fn deadline(&self) -> Option<Time> {
        match self.stage {
            Stage::Waiting(since) => Some(since),
            Stage::Walking => {
                let resting = self.peers.next_return(self.now).filter(|_| !self.frontier.is_empty());
                let slow = self.peers.next_hurry(self.now).filter(|_| self.frontier.is_empty());
                self.peers.next_expiry().into_iter().chain(resting).chain(slow).min()
            }
            Stage::Complete => None,
        }
    }

    /// Whether the state here is the target's.
    pub fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    /// Whether nobody is left to ask: every peer lied, said last that it does not hold the target, or is silent. A newer target is
    /// needed. Peers that did not lie are still asked now and then.
    pub fn is_stuck(&self) -> bool {
        !self.is_complete() && self.peers.are_useless()
    }

    /// How far it is.
    pub fn progress(&self) -> TransferProgress {
        TransferProgress {
            checkpoint: self.target.seq,
            permille: if self.is_complete() { 1_000 } else { self.permille.max(self.frontier.permille()) },
            rows: self.rows,
            bytes: self.bytes,
            outstanding: saturated(self.peers.places()),
            liars: saturated(self.peers.liars().count()),
        }
    }

    /// Who sent a part that was not what was due: they are not asked again.
    pub fn liars(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.peers.liars()
    }

    /// Places known to be due and not asked for: at most [`MAX_FRONTIER`](super::MAX_FRONTIER).
    pub fn frontier(&self) -> usize {
        self.frontier.len()
    }

    /// Requests in flight to a peer: at most [`MAX_REQUESTS`](super::MAX_REQUESTS).
    pub fn requests(&self, peer: ReplicaId) -> usize {
        self.peers.requests(peer)
    }

    /// What comes of everything that happens: the walk begins anew after an error, ends, or goes on.
    fn step(
        &mut self,
        happened: Result<(), StoreError>,
        local: &dyn Local,
        now: Time,
        out: &mut Vec<Ask>,
    ) -> Result<(), StoreError> {
        if let Err(error) = happened.and_then(|()| self.end(local, now)) {
            // A page may have been followed half.
            self.begin_anew(now.after(PAUSE));
            return Err(error);
        }
        self.ask(now, out);
        Ok(())
    }

    /// Forgets where the walk is.
    fn begin_anew(&mut self, since: Time) {
        self.peers.start_over();
        self.permille = self.permille.max(self.frontier.permille());
        self.frontier = Frontier::default();
        self.stage = Stage::Waiting(since);
    }

    fn begin(&mut self, local: &dyn Local) -> Result<(), StoreError> {
        self.stage = Stage::Walking;
        let mut ready = Vec::new();
        self.compare(local, Prefix::ROOT, self.target.state_root, &mut ready)?;
        self.install(local, &ready)
    }

    /// When nothing is due any more, the root here says whether that is the end.
    fn end(&mut self, local: &dyn Local, now: Time) -> Result<(), StoreError> {
        if self.stage == Stage::Walking && self.frontier.is_empty() && self.peers.places() == 0 {
            if local.branch_at(&Prefix::ROOT)?.digest() == self.target.state_root || mutated!(StateNotVerified) {
                self.stage = Stage::Complete;
            } else {
                self.begin_anew(now.after(PAUSE));
            }
        }
        Ok(())
    }

    /// Compares what is here at a place with what is due there. What can be put in place without asking is `ready`.
    fn compare(
        &mut self,
        local: &dyn Local,
        place: Prefix,
        due: Digest,
        ready: &mut Vec<Placed>,
    ) -> Result<(), StoreError> {
        let here = local.branch_at(&place)?.digest();
        if here == due {
            self.frontier.settle(&place);
        } else if due == Digest::ZERO {
            ready.push((place, Vec::new()));
        } else {
            self.frontier.push(Due { place, digest: due, is_empty_here: here == Digest::ZERO });
        }
        Ok(())
    }

    /// Judges and uses what a peer was asked for, all of it in one write; the first part that is not due makes it a liar, and ends
    /// the matter.
    fn take(&mut self, local: &dyn Local, from: ReplicaId, parts: Vec<(Prefix, StatePart)>) -> Result<(), StoreError> {
        let mut ready = Vec::new();
        let back = self.judge(local, from, parts, &mut ready)?;
        self.frontier.take_back(back);
        self.install(local, &ready)
    }

    /// What of the parts can be put in place; what has to be asked for again.
    fn judge(
        &mut self,
        local: &dyn Local,
        from: ReplicaId,
        parts: Vec<(Prefix, StatePart)>,
        ready: &mut Vec<Placed>,
    ) -> Result<Vec<Due>, StoreError> {
        for (place, part) in parts {
            let Some(due) = self.peers.came(from, &place) else { continue };
            self.bytes += size(&part);
            if !is_due(&place, &due.digest, &part) {
                self.frontier.push(due);
                return Ok(self.peers.convict(from));
            }
            match part {
                StatePart::Page(page) => self.follow(local, &place, &page, ready)?,
                StatePart::Rows(rows) => ready.push((place, rows)),
            }
        }
        Ok(self.peers.end_answered(from))
    }

    fn follow(
        &mut self,
        local: &dyn Local,
        place: &Prefix,
        page: &Page,
        ready: &mut Vec<Placed>,
    ) -> Result<(), StoreError> {
        let mut branches = (0..).zip(&page.0);
        branches.try_for_each(|(nibble, branch)| self.compare(local, place.child(nibble), branch.digest(), ready))
    }

    fn install(&mut self, local: &dyn Local, ready: &[Placed]) -> Result<(), StoreError> {
        if !ready.is_empty() {
            local.install(ready)?;
        }
        for (place, rows) in ready {
            self.rows += rows.len() as u64;
            self.frontier.settle(place);
        }
        Ok(())
    }

    /// Asks as long as there is something to ask, and somebody.
    fn ask(&mut self, now: Time, out: &mut Vec<Ask>) {
        while let Some((to, able)) = self.peers.choose(now) {
            let places = self.frontier.next(self.peers.places(), able);
            let Some(first) = places.first() else { return };
            let fetch = Fetch::State {
                checkpoint: self.target.seq,
                rows_up_to: if first.is_empty_here { ROWS_WHERE_EMPTY } else { ROWS_WHERE_NOT },
                parts: places.iter().map(|due| due.place.clone()).collect(),
            };
            self.peers.ask(to, places, now);
            out.push(Ask { to, fetch });
        }
    }
}

/// What a part takes of a message, roughly.
fn size(part: &StatePart) -> u64 {
    match part {
        StatePart::Page(page) => page.encoded_len() as u64,
        StatePart::Rows(rows) => rows.iter().map(|row| row.cost() as u64).sum(),
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

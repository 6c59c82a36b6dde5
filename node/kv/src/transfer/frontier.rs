//! What is known to be due and not yet asked of anybody.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Path, Prefix};
use tetrarch_types::limits;

/// Places that are known to be due, and that pages on their way may add, as long as anything is in flight.
const KNOWN: usize = 4_096;

/// What a page adds.
const BRANCHES: usize = 16;

/// Places in the frontier at most: one place is always followed down to the last nibble, however much is known.
pub const MAX_FRONTIER: usize = KNOWN + BRANCHES * Path::NIBBLES;

/// The whole key space; a place 15 nibbles down is one of it.
const WHOLE: u64 = 1 << 60;

/// A place where something else is due than what is here.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) place: Prefix,
    pub(super) digest: Digest,
    /// Nothing is below the place here, so everything there is wanted.
    pub(super) is_empty_here: bool,
}

/// Places due, the deepest last, and what of the key space is done with.
#[derive(Default, Debug)]
pub(super) struct Frontier {
    places: Vec<Due>,
    done: u64,
}

impl Frontier {
    pub(super) fn push(&mut self, due: Due) {
        self.places.push(due);
    }

    /// Takes back what was asked for and did not come.
    pub(super) fn take_back(&mut self, dues: Vec<Due>) {
        self.places.extend(dues);
    }

    /// Says that a place is as it is due.
    pub(super) fn settle(&mut self, place: &Prefix) {
        self.done = self.done.saturating_add(share(place));
    }

    /// The next places to ask for in one request, when `in_flight` are asked for already and `peers` can be asked: few enough that
    /// each of them gets some, all of them of one kind, and no more than their pages may add to.
    pub(super) fn next(&mut self, in_flight: usize, peers: usize) -> Vec<Due> {
        let fair = self.places.len().div_ceil(peers.max(1)).clamp(1, limits::MAX_STATE_PARTS);
        let mut taken: Vec<Due> = Vec::new();
        while taken.len() < fair && self.may_take(in_flight + taken.len()) {
            let is_other = |next: &Due| taken.first().is_some_and(|first| first.is_empty_here != next.is_empty_here);
            match self.places.pop() {
                Some(next) if is_other(&next) => {
                    self.places.push(next);
                    break;
                }
                Some(next) => taken.push(next),
                None => break,
            }
        }
        taken
    }

    /// Whether one more place may be in flight: with the pages of those that are, all that is known stays bounded.
    fn may_take(&self, in_flight: usize) -> bool {
        in_flight == 0 || self.places.len() + BRANCHES * (in_flight + 1) <= KNOWN
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Thousandths of the key space that are done with.
    pub(super) fn permille(&self) -> u16 {
        u16::try_from(u128::from(self.done.min(WHOLE)) * 1_000 / u128::from(WHOLE)).unwrap_or(1_000)
    }
}

/// A place's share of the key space; what lies very deep has none.
fn share(place: &Prefix) -> u64 {
    u32::try_from(place.len() * 4).ok().and_then(|bits| WHOLE.checked_shr(bits)).unwrap_or(0)
}

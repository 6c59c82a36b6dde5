//! The slots between the watermarks.

use std::collections::BTreeMap;

use tetrarch_crypto::mutated;
use tetrarch_types::SeqNum;

use crate::slot::Slot;

/// The window of sequence numbers that may be in agreement: above the stable checkpoint (the low watermark), up to L more (the
/// high watermark). While this replica catches up, decided slots above the high watermark pass through it (rule L-3).
#[derive(Clone, Debug)]
pub(crate) struct Log {
    low: SeqNum,
    window: u64,
    slots: BTreeMap<SeqNum, Slot>,
}

impl Log {
    pub(crate) const fn new(low: SeqNum, window: u64) -> Self {
        Self { low, window, slots: BTreeMap::new() }
    }

    pub(crate) const fn high(&self) -> SeqNum {
        self.low.plus(self.window)
    }

    /// Whether votes are admitted for this number (rule B-3).
    pub(crate) fn in_window(&self, seq: SeqNum) -> bool {
        seq > self.low && (seq <= self.high() || mutated!(HighWatermarkUnchecked))
    }

    pub(crate) fn get(&self, seq: SeqNum) -> Option<&Slot> {
        self.slots.get(&seq)
    }

    pub(crate) fn get_mut(&mut self, seq: SeqNum) -> Option<&mut Slot> {
        self.slots.get_mut(&seq)
    }

    /// The slot, made if there is none. The caller has checked that the number may have one.
    pub(crate) fn slot(&mut self, seq: SeqNum) -> &mut Slot {
        self.slots.entry(seq).or_default()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (SeqNum, &Slot)> {
        self.slots.iter().map(|(seq, slot)| (*seq, slot))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SeqNum, &mut Slot)> {
        self.slots.iter_mut().map(|(seq, slot)| (*seq, slot))
    }

    /// Slots above `seq`, ascending.
    pub(crate) fn above(&self, seq: SeqNum) -> impl DoubleEndedIterator<Item = (SeqNum, &Slot)> {
        self.slots.range(seq.next()..).map(|(seq, slot)| (*seq, slot))
    }

    pub(crate) fn remove(&mut self, seq: SeqNum) -> Option<Slot> {
        self.slots.remove(&seq)
    }

    /// Moves the low watermark up and returns the slots that fall below it.
    pub(crate) fn advance(&mut self, low: SeqNum) -> BTreeMap<SeqNum, Slot> {
        self.low = self.low.max(low);
        let rest = self.slots.split_off(&self.low.next());
        std::mem::replace(&mut self.slots, rest)
    }
}

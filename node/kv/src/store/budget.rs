//! What a batch, a command, a request or a query may take: part of the protocol, like the bounds.

use tetrarch_types::limits::MAX_RESULT_BYTES;

use super::KvError;
use super::bounds::{BATCH_WORK, MAX_KEY_BYTES, MAX_REQUESTS, MAX_VALUE_BYTES, RECORD_BYTES, RESPONSE_BYTES};
use super::load::Load;

/// What looking at one more key counts as, in bytes.
const KEY_WORK: usize = 1024;

/// What a request counts as beside that is refused for its size: it may have read a record too large to be counted.
const REFUSAL_WORK: usize = 1024 * 1024;

/// What may still be read, answered and moved to the history on behalf of one command, request or query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    keys: usize,
    bytes: usize,
    /// Bytes of history that have to be gone through for what is in them.
    past: usize,
    answer: usize,
    moved: usize,
    /// Requests that may yet be refused for their size.
    refusals: usize,
    /// Whether it is less than it would be in a batch of its own.
    is_crowded: bool,
}

impl Budget {
    /// For all requests of a command together.
    pub(super) const COMMAND: Self = Self {
        keys: 20_000,
        bytes: 16 * 1024 * 1024,
        past: 32 * 1024 * 1024,
        answer: MAX_RESULT_BYTES - 1024 - MAX_REQUESTS * RESPONSE_BYTES,
        moved: 32 * 1024 * 1024,
        refusals: 32,
        is_crowded: false,
    };

    /// What a command has in any batch: enough for what names its keys.
    const SMALL: Self = Self {
        keys: 256,
        bytes: 256 * 1024,
        past: 256 * 1024,
        moved: 128 * 1024,
        refusals: 1,
        is_crowded: true,
        ..Self::COMMAND
    };

    /// For one query.
    pub(super) const QUERY: Self = Self {
        keys: 100_000,
        bytes: 64 * 1024 * 1024,
        past: 1024 * 1024 * 1024,
        answer: MAX_RESULT_BYTES - 16 * 1024,
        moved: 0,
        ..Self::COMMAND
    };

    /// For the next command of a batch in which so much work was done.
    pub(super) fn behind(work: usize) -> Self {
        let (all, small, left) = (Self::COMMAND, Self::SMALL, BATCH_WORK.saturating_sub(work));
        let within = |all: usize, small: usize, unit: usize| all.min(left / unit).max(small);
        let within = Self {
            keys: within(all.keys, small.keys, KEY_WORK),
            bytes: within(all.bytes, small.bytes, 1),
            past: within(all.past, small.past, 1),
            moved: within(all.moved, small.moved, 1),
            refusals: within(all.refusals, small.refusals, REFUSAL_WORK),
            ..all
        };
        Self { is_crowded: within != all, ..within }
    }

    /// What the next of so many requests that are left may take: as much as each of them, and what those before it left over. Any record
    /// can be overwritten by the largest command, but for one in a crowded batch.
    pub(super) fn share(&self, requests_left: usize) -> Self {
        let left = requests_left.max(1);
        let least = if self.is_crowded { 0 } else { MAX_VALUE_BYTES + MAX_KEY_BYTES + RECORD_BYTES };
        let moved = (self.moved / left).max(least);
        let (keys, bytes, past, answer) = (self.keys / left, self.bytes / left, self.past / left, self.answer / left);
        Self { keys, bytes, past, answer, moved, ..*self }
    }

    /// Takes what a request has taken of its share; the work that was.
    pub(super) fn settle(&mut self, share: &Self, left: &Self) -> usize {
        let (keys, bytes, past) = (share.keys - left.keys, share.bytes - left.bytes, share.past - left.past);
        let moved = share.moved - left.moved;
        self.keys -= keys;
        self.bytes -= bytes;
        self.past -= past;
        self.answer -= share.answer - left.answer;
        self.moved = self.moved.saturating_sub(moved);
        keys * KEY_WORK + bytes + past + moved
    }

    /// Takes a request that was refused for its size; the work that was. What such a request reads is known when it has been read, and is
    /// not counted in full: so there are few of them in a command.
    pub(super) const fn refused(&mut self) -> usize {
        self.refusals = self.refusals.saturating_sub(1);
        REFUSAL_WORK
    }

    /// Whether the requests that are left are refused without a look.
    pub(super) const fn is_spent(&self) -> bool {
        self.refusals == 0
    }

    /// Why something is refused that does not fit.
    pub(super) const fn refusal(&self) -> KvError {
        if self.is_crowded { KvError::Crowded } else { KvError::TooMuch }
    }

    /// Counts a row that was read. False when it is one too many.
    pub(super) fn may_read(&mut self, bytes: usize) -> bool {
        take(&mut self.keys, 1) && take(&mut self.bytes, bytes)
    }

    /// Counts bytes of history that were gone through. False when they are too many.
    pub(super) fn may_look_back(&mut self, bytes: usize) -> bool {
        take(&mut self.past, bytes)
    }

    /// Sets bytes of the answer apart. False when they do not fit.
    pub(super) fn may_answer(&mut self, bytes: usize) -> bool {
        take(&mut self.answer, bytes)
    }

    /// Counts bytes that move to the history. False when they are too many.
    pub(super) fn may_move(&mut self, bytes: usize) -> bool {
        take(&mut self.moved, bytes)
    }

    /// Counts the end of all that hangs on a lease. False when that is too much.
    pub(super) fn may_end(&mut self, load: &Load) -> bool {
        take(&mut self.keys, load.keys()) && self.may_move(load.cost())
    }
}

fn take(left: &mut usize, wanted: usize) -> bool {
    match left.checked_sub(wanted) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

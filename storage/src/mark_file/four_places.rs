//! The file as builds before the copies lay side by side made it, which is read once and replaced.
//!
//! ```text
//!   byte 0                       69 632                      139 264                      208 896                      278 528
//!   ├─ slot 0: even counters ────┼─ slot 1: odd counters ─────┼─ slot 0 once more ──────────┼─ slot 1 once more ──────────┤
//! ```
//!
//! The second places are missing in files that are older still. What a slot holds is the same as now, but for the magic.

use std::io;

use super::reading::{Medium, any_of, copy};
use super::slot::{COPY, FILE, Slot, newest_of};

const MAGIC: &[u8; 8] = b"TTR-MRK2";

/// The valid slot with the highest counter, if this is such a file.
pub(super) fn newest(medium: &impl Medium) -> io::Result<Option<Slot>> {
    let end = medium.length()?.min(FILE);
    let slot = |first| {
        let places = [first, first + 2 * COPY].into_iter().filter(|place| *place < end);
        any_of(places.map(|place| copy(medium, place, COPY, |bytes| Slot::decode(bytes, MAGIC))))
    };
    Ok(newest_of([slot(0)?, slot(COPY)?]))
}

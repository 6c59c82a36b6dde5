//! The file as builds before the copies lay side by side made it, which is read once and replaced.
//!
//! ```text
//!   byte 0                       69 632                      139 264                      208 896                      278 528
//!   ├─ slot 0: even counters ────┼─ slot 1: odd counters ─────┼─ slot 0 once more ──────────┼─ slot 1 once more ──────────┤
//! ```
//!
//! The second places are missing in files that are older still. What a slot holds is the same as now, but for the magic.

use std::fs::File;
use std::io;

use super::slot::{COPY, FILE, Slot, newest_of, read_up_to};

const MAGIC: &[u8; 8] = b"TTR-MRK2";

/// The valid slot with the highest counter, if this is such a file.
pub(super) fn newest(file: &File) -> io::Result<Option<Slot>> {
    let mut slots = Vec::new();
    for place in (0..FILE).step_by(COPY as usize) {
        slots.extend(Slot::decode(&read_up_to(file, place, COPY)?, MAGIC));
    }
    Ok(newest_of(slots))
}

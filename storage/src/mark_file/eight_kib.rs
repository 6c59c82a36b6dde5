//! The file as builds before a mark had a tail made it, which is read once and replaced.
//!
//! ```text
//!   byte 0                       4096                        8192
//!   ├─ slot 0: even counters ────┼─ slot 1: odd counters ─────┤
//!
//!   slot: magic 8 │ counter u64 │ set? 1 │ index u64 │ chain 32 │ SHA-256 of what is before it 32
//! ```

use std::io;

use sha2::{Digest, Sha256};

use super::reading::{Medium, copy};
use super::slot::{Slot, newest_of};
use crate::Mark;

const MAGIC: &[u8; 8] = b"TTR-MARK";
const SLOT: u64 = 4096;
const CONTENT: usize = 8 + 8 + 1 + 8 + 32;
const RECORD: usize = CONTENT + 32;

/// The valid slot with the higher counter, if this is such a file. No longer one is: what lies in there may be anybody's words.
pub(super) fn newest(medium: &impl Medium) -> io::Result<Option<Slot>> {
    if medium.length()? > 2 * SLOT {
        return Ok(None);
    }
    let slot = |place| copy(medium, place, RECORD as u64, decode);
    Ok(newest_of([slot(0)?, slot(SLOT)?]))
}

fn decode(bytes: &[u8]) -> Option<Slot> {
    let (content, checksum) = bytes.split_at_checked(CONTENT)?;
    if Sha256::digest(content).as_slice() != checksum {
        return None;
    }
    let content = content.strip_prefix(MAGIC)?;
    let (counter, content) = content.split_first_chunk::<8>()?;
    let (set, content) = content.split_first()?;
    let (index, content) = content.split_first_chunk::<8>()?;
    let mark = Mark { index: u64::from_le_bytes(*index), chain: content.try_into().ok()? };
    Some(Slot { counter: u64::from_le_bytes(*counter), held: (*set == 1).then(|| mark.into()) })
}

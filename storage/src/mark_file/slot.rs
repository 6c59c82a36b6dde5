//! A slot of the file: one mark with its tail, under a checksum, twice.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha2::{Digest, Sha256};

use super::reading::{Medium, any_of, copy};
use crate::{Mark, Marked};

/// The room for one copy, with the largest tail behind what is fixed.
pub(super) const COPY: u64 = BLOCK as u64 + Marked::ROOM as u64;

/// The bytes of the file: two slots, each with room for two copies.
pub(super) const FILE: u64 = 4 * COPY;

/// What is written begins and ends with a whole one, so that nothing need be read first.
pub(super) const BLOCK: usize = 4096;

const MAGIC: &[u8; 8] = b"TTR-MRK3";
/// Magic, counter, whether it is set, index, chain, and how long the tail is.
const FIXED: usize = 8 + 8 + 1 + 8 + 32 + 4;
const CHECKSUM: usize = 32;
/// Behind the first copy: how long it is, so that it can be found from its end.
const LENGTH: usize = 4;

/// What is in a slot. Of several, the one with the highest counter is newest.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) counter: u64,
    /// `None` if the mark was never set.
    pub(super) held: Option<Marked>,
}

impl Slot {
    /// What follows it, in the other slot.
    pub(super) fn next(&self, marked: Marked) -> Self {
        Self { counter: self.counter.wrapping_add(1), held: Some(marked) }
    }

    /// Writes both its copies, side by side, in one piece.
    pub(super) fn write_to(&self, file: &File) -> io::Result<()> {
        let copy = self.encode();
        let (front, back) = (copy.len() + LENGTH, copy.len());
        let (before, behind) = (front.next_multiple_of(BLOCK), back.next_multiple_of(BLOCK));
        let mut bytes = vec![0; before - front];
        bytes.extend_from_slice(&copy);
        bytes.extend_from_slice(&(copy.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&copy);
        bytes.resize(before + behind, 0);
        file.write_all_at(&bytes, middle(self.counter) - before as u64)
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        self.held.as_ref().map(|held| held.mark)
    }

    /// The tail must fit.
    fn encode(&self) -> Vec<u8> {
        let (mark, tail) = self.held.as_ref().map_or((Mark::ORIGIN, &[][..]), |held| (held.mark, &held.tail));
        let records = encode_tail(tail);
        let mut bytes = Vec::with_capacity(FIXED + records.len() + CHECKSUM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.counter.to_le_bytes());
        bytes.push(u8::from(self.held.is_some()));
        bytes.extend_from_slice(&mark.index.to_le_bytes());
        bytes.extend_from_slice(&mark.chain);
        bytes.extend_from_slice(&(records.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&records);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// What begins these bytes, if it is whole and begins with that magic.
    pub(super) fn decode(bytes: &[u8], magic: &[u8; 8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let fixed = fixed.strip_prefix(magic)?;
        let (counter, fixed) = fixed.split_first_chunk::<8>()?;
        let (set, fixed) = fixed.split_first()?;
        let (index, fixed) = fixed.split_first_chunk::<8>()?;
        let (chain, length) = fixed.split_first_chunk::<32>()?;
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let (records, rest) = rest.split_at_checked(length)?;
        let checksum = rest.first_chunk::<CHECKSUM>()?;
        if Sha256::digest(&bytes[..FIXED + length]).as_slice() != checksum {
            return None;
        }
        let mark = Mark { index: u64::from_le_bytes(*index), chain: *chain };
        let marked = Marked { mark, tail: decode_tail(records)? };
        Some(Self { counter: u64::from_le_bytes(*counter), held: (*set == 1).then_some(marked) })
    }
}

/// Where the two copies of the slot with that counter meet.
const fn middle(counter: u64) -> u64 {
    COPY + counter % 2 * (2 * COPY)
}

/// The valid slot with the highest counter, if there is one.
pub(super) fn newest(medium: &impl Medium) -> io::Result<Option<Slot>> {
    let slot = |middle| {
        let front = copy(medium, middle - COPY, COPY, ending);
        any_of([front, copy(medium, middle, COPY, |bytes| Slot::decode(bytes, MAGIC))])
    };
    Ok(newest_of([slot(middle(0))?, slot(middle(1))?]))
}

/// Of several, the one with the highest counter.
pub(super) fn newest_of(slots: [Option<Slot>; 2]) -> Option<Slot> {
    slots.into_iter().flatten().max_by_key(|slot| slot.counter)
}

/// The copy in front of the middle, all of which must be there: it is looked for where its length says that it begins.
fn ending(bytes: &[u8]) -> Option<Slot> {
    let (before, length) = bytes.get(..COPY as usize)?.split_last_chunk::<LENGTH>()?;
    let begin = before.len().checked_sub(u32::from_le_bytes(*length) as usize)?;
    Slot::decode(&before[begin..], MAGIC)
}

fn encode_tail(tail: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in tail {
        bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
        bytes.extend_from_slice(record);
    }
    bytes
}

fn decode_tail(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut tail = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (record, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        tail.push(record.to_vec());
        bytes = rest;
    }
    Some(tail)
}

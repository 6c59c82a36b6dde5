//! A slot of the file: one mark with its tail, under a checksum.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha2::{Digest, Sha256};

use crate::{Mark, Marked};

/// The bytes of a slot, with room for the largest tail behind what is fixed.
pub(super) const SLOT: u64 = 4096 + Marked::ROOM as u64;

/// The bytes of the file: two slots, twice.
pub(super) const FILE: u64 = 4 * SLOT;

const MAGIC: &[u8; 8] = b"TTR-MRK2";
/// Magic, counter, whether it is set, index, chain, and how long the tail is.
const FIXED: usize = 8 + 8 + 1 + 8 + 32 + 4;
const CHECKSUM: usize = 32;

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

    /// Where in the file it is: in two places.
    pub(super) const fn offsets(&self) -> [u64; 2] {
        let first = self.counter % 2 * SLOT;
        [first, first + FILE / 2]
    }

    /// Writes it to both its places.
    pub(super) fn write_to(&self, file: &File) -> io::Result<()> {
        let bytes = self.encode();
        self.offsets().into_iter().try_for_each(|offset| file.write_all_at(&bytes, offset))
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

    /// What begins these bytes, if it is whole.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let fixed = fixed.strip_prefix(MAGIC)?;
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

/// The valid slot with the highest counter, if there is one.
pub(super) fn newest(file: &File) -> io::Result<Option<Slot>> {
    let mut newest: Option<Slot> = None;
    for offset in (0..FILE).step_by(SLOT as usize) {
        let slot = read(file, offset)?;
        newest = newest.into_iter().chain(slot).max_by_key(|slot| slot.counter);
    }
    Ok(newest)
}

fn read(file: &File, offset: u64) -> io::Result<Option<Slot>> {
    Ok(Slot::decode(&read_up_to(file, offset, SLOT as usize)?))
}

/// So many bytes, or fewer where the file ends.
pub(super) fn read_up_to(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let (mut bytes, mut filled) = (vec![0; length], 0);
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
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

//! How the journal looks on the disk: keys, values and the hash chain through them.

use sha2::{Digest, Sha256};

use crate::{Mark, Table, WriteBatch};

/// The table that a [`Journal`](crate::Journal) keeps its entries in; the store must have been opened with it. Nobody else
/// writes there.
pub const JOURNAL: Table = Table::new("journal");

const TAG: &[u8] = b"tetrarch/1/journal";
const FRESH_TAG: &[u8] = b"tetrarch/1/journal/start-over";
pub(super) const BASE_KEY: u64 = 0;

/// One record of a [`Journal`](crate::Journal).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place, counted from 1 since the journal was made.
    pub index: u64,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// The chain after an entry of `payload` behind `previous`.
pub(super) fn link(previous: Mark, payload: &[u8]) -> Mark {
    let index = after(previous.index);
    Mark { index, chain: chain_value(TAG, previous, index, payload) }
}

/// Where a journal begins that starts over at `index`, behind all that `held` vouched for.
pub(super) fn fresh_base(held: Mark, index: u64) -> Mark {
    Mark { index, chain: chain_value(FRESH_TAG, held, index, &[]) }
}

fn chain_value(tag: &[u8], previous: Mark, index: u64, payload: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((tag.len() as u64).to_le_bytes());
    hash.update(tag);
    hash.update(previous.chain);
    hash.update(index.to_le_bytes());
    hash.update(payload);
    hash.finalize().into()
}

/// The chain after each of these entries behind `previous`.
pub(super) fn links(previous: Mark, payloads: &[Vec<u8>]) -> Vec<Mark> {
    let mut tip = previous;
    let next = |payload: &Vec<u8>| {
        tip = link(tip, payload);
        tip
    };
    payloads.iter().map(next).collect()
}

/// Puts entries behind `previous`; the chain after each.
pub(super) fn put_entries(batch: &mut WriteBatch, previous: Mark, payloads: &[Vec<u8>]) -> Vec<Mark> {
    let links = links(previous, payloads);
    for (link, payload) in links.iter().zip(payloads) {
        put_entry(batch, *link, payload);
    }
    links
}

pub(super) fn put_entry(batch: &mut WriteBatch, link: Mark, payload: &[u8]) {
    batch.put(JOURNAL, key(link.index), [&link.chain, payload].concat());
}

pub(super) const BASE_LENGTH: usize = 8 + 32;

pub(super) fn encode_base(base: Mark) -> Vec<u8> {
    [&base.index.to_le_bytes()[..], &base.chain].concat()
}

pub(super) fn decode_base(value: &[u8]) -> Option<Mark> {
    let (index, chain) = value.split_first_chunk::<8>()?;
    Some(Mark { index: u64::from_le_bytes(*index), chain: chain.try_into().ok()? })
}

pub(super) fn key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

/// The index after `index`. A damaged base may hold the largest number there is: it stays there, and the mark refutes it.
pub(super) fn after(index: u64) -> u64 {
    index.saturating_add(1)
}

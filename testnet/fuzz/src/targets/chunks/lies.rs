//! What a peer may say instead of the truth.

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_types::{SeqNum, StatePart, StateRow, decode, encode, limits};

use super::Parts;
use super::states::DONOR;

fn row(byte: u8) -> StateRow {
    StateRow { table: "kv.records".into(), key: vec![byte], value: b"invented".to_vec() }
}

/// Changes one of the parts.
pub(super) fn alter(parts: &mut Parts, checkpoint: SeqNum, kind: u8, at: usize, byte: u8) {
    let index = at % parts.len().max(1);
    let Some((place, part)) = parts.get_mut(index) else { return };
    match kind % 8 {
        0 => alter_part(part, at, byte),
        1 => *part = StatePart::Rows(Vec::new()),
        2 => *part = StatePart::Page(Box::default()),
        3 => *place = place.child(byte),
        4 => {
            let twice = parts[index].clone();
            parts.push(twice);
        }
        5 => parts.reverse(),
        // The truth about another state.
        6 => {
            let other = DONOR.certificates.iter().find(|it| it.seq != checkpoint);
            let place = std::slice::from_ref(&*place);
            let told = other.and_then(|other| DONOR.parts(other.seq, place, u32::from(byte) * 100));
            parts.splice(index..=index, told.unwrap_or_default());
        }
        _ => {
            let more = (0..16).map(|nibble| (place.child(nibble), StatePart::Rows(vec![row(byte)])));
            let more: Parts = more.collect();
            parts.extend(more);
        }
    }
}

fn alter_part(part: &mut StatePart, at: usize, byte: u8) {
    match part {
        StatePart::Rows(rows) => {
            let index = at % rows.len().max(1);
            match (byte % 6, rows.get_mut(index)) {
                (0, Some(it)) => it.value.push(byte),
                (1, Some(it)) => it.key.push(byte),
                (2, Some(it)) => it.table = "kv.events".into(),
                (3, Some(_)) => drop(rows.remove(index)),
                (4, Some(it)) => {
                    let twice = it.clone();
                    rows.insert(index, twice);
                }
                _ => rows.push(row(byte)),
            }
        }
        StatePart::Page(page) => {
            let branch = &mut page.0[at % 16];
            *branch = match byte % 4 {
                0 => Branch::Empty,
                1 => Branch::Node(Digest::from_bytes([byte; 32])),
                2 => Branch::Node(Digest::ZERO),
                // The same digest under another name.
                _ => Branch::Node(branch.digest()),
            };
        }
    }
}

/// Changes a byte of their encoding, if that is one of parts still.
pub(super) fn garble(parts: &mut Parts, at: usize, byte: u8) {
    let mut bytes = encode(parts);
    let at = at % bytes.len();
    bytes[at] = byte;
    if let Ok(changed) = decode(&bytes, limits::MAX_BULK_BYTES) {
        *parts = changed;
    }
}

/// Rows at a place, which nobody asked for most of the time.
pub(super) fn unasked(nibble: u8, depth: u8) -> (Prefix, StatePart) {
    let place = Prefix::new(vec![nibble % 16; usize::from(depth % 65)]).unwrap_or_default();
    (place, StatePart::Rows(vec![row(nibble)]))
}

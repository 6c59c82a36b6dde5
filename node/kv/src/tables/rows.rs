//! Typed rows, read with care: what is not as it was written is damage, and says where.

use serde::de::DeserializeOwned;
use tetrarch_storage::{Direction, Pair, Reader, StoreError, Table};
use tetrarch_types::{SeqNum, decode_own};

/// Reads a typed row.
pub(crate) fn row<T: DeserializeOwned>(reader: &dyn Reader, table: Table, key: &[u8]) -> Result<Option<T>, StoreError> {
    reader.get(table, key)?.map(|bytes| value(table, &bytes)).transpose()
}

/// Decodes a row's value. Nothing but damage makes it unreadable, because it was written here.
pub(crate) fn value<T: DeserializeOwned>(table: Table, bytes: &[u8]) -> Result<T, StoreError> {
    decode_own(bytes).map_err(|error| corrupt(table, &error.to_string()))
}

/// The error for a row that was not written like this.
pub(crate) fn corrupt(table: Table, reason: &str) -> StoreError {
    StoreError::Corrupt { place: format!("A row of the table {:?}", table.name()), reason: reason.to_owned() }
}

/// What was read, or nothing if it is there and damaged.
pub(crate) fn unless_damaged<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads fixed bytes out of a key or value, which must have exactly `N` of them.
pub(crate) fn fixed<const N: usize>(table: Table, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| corrupt(table, &format!("it has {} bytes where {N} are due", bytes.len())))
}

/// The bytes of a key that [`part_key`] makes.
pub(crate) const PART_KEY: usize = 12;

/// The key of one of a batch's rows; such rows are in the batches' order.
pub(crate) fn part_key(seq: SeqNum, part: u32) -> Vec<u8> {
    [seq.get().to_be_bytes().as_slice(), &part.to_be_bytes()].concat()
}

/// The batch that a key of [`part_key`] names, and which of its rows.
pub(crate) fn part_of(table: Table, key: &[u8]) -> Result<(SeqNum, u32), StoreError> {
    let key: [u8; PART_KEY] = fixed(table, key)?;
    let (seq, part) = key.split_at(PART_KEY - size_of::<u32>());
    Ok((SeqNum::new(u64::from_be_bytes(fixed(table, seq)?)), u32::from_be_bytes(fixed(table, part)?)))
}

/// The first key behind this one.
pub(crate) fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// What is done with a key and its value.
pub(crate) type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'v;

/// Shows every row of a table, by key, with no more than `page` of them in memory.
pub(crate) fn for_each_row(
    reader: &dyn Reader,
    table: Table,
    page: usize,
    visit: &mut Visit<'_>,
) -> Result<(), StoreError> {
    let mut from = Vec::new();
    loop {
        let rows: Vec<Pair> = reader.scan(table, &from, &[], Direction::Ascending, page)?;
        rows.iter().try_for_each(|(key, value)| visit(key, value))?;
        match rows.last() {
            Some((last, _)) if rows.len() == page => from = behind(last),
            _ => return Ok(()),
        }
    }
}

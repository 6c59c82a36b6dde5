//! A whole state in one digest, row by row: equal for equal states, whatever tree stands over them.

use sha2::{Digest as _, Sha256};
use tetrarch_crypto::Digest;
use tetrarch_storage::{Reader, StoreError, Table, for_each_row};

/// Digests every row of these tables.
///
/// # Errors
/// If a row cannot be read.
pub fn state_digest(reader: &dyn Reader, tables: &[Table]) -> Result<Digest, StoreError> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for table in tables {
        part(table.name().as_bytes());
        for_each_row(reader, *table, &mut |key, value| {
            part(key);
            part(value);
        })?;
    }
    Ok(Digest::from_bytes(hash.finalize().into()))
}

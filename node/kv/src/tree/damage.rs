//! What is wrong with a stored state, in sentences.

use std::fmt;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_storage::Table;

/// Bytes of a key that a sentence shows.
const KEY_SHOWN: usize = 48;

/// Something about the rows or the tree that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The place in the tree that it is found at or below; the root's where that is not known.
    pub place: Prefix,
    /// The table that holds what is damaged.
    pub table: Table,
    /// Its first and last key where they are known; the last is empty if everything up to the table's end is meant.
    pub keys: Option<(Vec<u8>, Vec<u8>)>,
    /// How it is damaged.
    pub kind: DamageKind,
}

/// How something is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// It cannot be read; what the store or the codec says.
    Unreadable(String),
    /// It is not what is due there.
    Differs,
    /// It is not there and should be.
    Missing,
    /// It is there and should not be.
    Extra,
}

impl Damage {
    /// Whether it is bytes that the store itself cannot give back.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self.kind, DamageKind::Unreadable(_))
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {:?}", self.table.name())?;
        match &self.keys {
            Some((first, last)) if first == last => write!(f, ", key {}", shown(first))?,
            Some((first, last)) if last.is_empty() => write!(f, ", keys from {} on", shown(first))?,
            Some((first, last)) => write!(f, ", keys {} to {}", shown(first), shown(last))?,
            None => {}
        }
        write!(f, ", at {} of the state tree: ", self.place)?;
        match &self.kind {
            DamageKind::Unreadable(reason) => write!(f, "cannot be read: {reason}"),
            DamageKind::Differs => f.write_str("is not what is due there"),
            DamageKind::Missing => f.write_str("is missing"),
            DamageKind::Extra => f.write_str("should not be there"),
        }
    }
}

/// A key in hexadecimal digits; the rest of a long one is counted.
fn shown(key: &[u8]) -> String {
    let digits: String = key.iter().take(KEY_SHOWN).map(|byte| format!("{byte:02x}")).collect();
    match key.len().saturating_sub(KEY_SHOWN) {
        0 if key.is_empty() => "(empty)".to_owned(),
        0 => digits,
        more => format!("{digits}… ({more} bytes more)"),
    }
}

//! Keys of any bytes in front of other things, so that the rows keep the keys' order.
//!
//! Eight bytes at a time, each group followed by how many of its bytes count; the last group, which has less than eight that do, is
//! filled with zeros. So no encoded key begins another, and they compare as the keys do.

use tetrarch_storage::{StoreError, Table};

use crate::tables::corrupt;

/// The bytes of a group that stand for a key's.
const GROUP: usize = 8;

/// The encoded key.
pub(in crate::store) fn encode(key: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(key.len() / GROUP * (GROUP + 1) + 2 * (GROUP + 1));
    let mut rest = key;
    loop {
        let (group, behind) = rest.split_at(rest.len().min(GROUP));
        encoded.extend_from_slice(group);
        encoded.resize(encoded.len() + GROUP - group.len(), 0);
        // A full group is always followed by another one, even if that is empty.
        encoded.extend(u8::try_from(group.len()));
        if group.len() < GROUP {
            return encoded;
        }
        rest = behind;
    }
}

/// The key in front, and what follows it.
pub(in crate::store) fn decode(table: Table, mut bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), StoreError> {
    let mut key = Vec::new();
    loop {
        let (group, rest) =
            bytes.split_first_chunk::<{ GROUP + 1 }>().ok_or_else(|| corrupt(table, "its key is cut"))?;
        let (last, group) = group.split_last().ok_or_else(|| corrupt(table, "its key is cut"))?;
        let count = usize::from(*last);
        key.extend(group.get(..count).ok_or_else(|| corrupt(table, "its key is none"))?);
        if count < GROUP {
            return Ok((key, rest));
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode};
    use crate::store::record::RECORDS;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 0..20)
    }

    proptest! {
        #[test]
        fn encoded_keys_compare_as_keys_do_whatever_follows(
            one in key(), other in key(), behind_one in key(), behind_other in key(),
        ) {
            let with = |key: &[u8], behind: &[u8]| [encode(key).as_slice(), behind].concat();
            let (left, right) = (with(&one, &behind_one), with(&other, &behind_other));
            if one != other {
                prop_assert_eq!(left.cmp(&right), one.cmp(&other));
            }
            prop_assert_eq!(decode(RECORDS, &left).unwrap(), (one, behind_one.as_slice()));
        }

        #[test]
        fn damage_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            if let Ok((key, rest)) = decode(RECORDS, &bytes) {
                prop_assert!(key.len() + rest.len() < bytes.len());
            }
        }
    }
}

//! Proofs: that a row is there, that none is, and that nothing else passes for one.

use crate::tree_support::{A, Rows, apply, changes, fill, many, number, store_of};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Path, TreeProof, value_digest};
use tetrarch_kv::tree::{prove, root};
use tetrarch_storage::MemoryStore;
use tetrarch_types::{decode, encode};

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn flipped_digest(digest: &Digest, bit: usize) -> Digest {
    Digest::from_bytes(flipped(digest.as_bytes(), bit).try_into().unwrap())
}

proptest! {
    #[test]
    fn what_is_there_is_proven_and_what_is_not_too(changes in changes(80, 80)) {
        let mut rows = Rows::new();
        apply(&mut rows, &changes);
        let store = store_of(&rows);
        let root = root(&store).unwrap();
        for key in (0..120).map(number) {
            let proof = prove(&store, key.0, &key.1).unwrap();
            let path = Path::of(key.0.name(), &key.1);
            prop_assert_eq!(proof.verify(&root, &path), Ok(rows.get(&key).map(|value| value_digest(value))));
        }
    }
}

#[test]
fn no_single_bit_can_be_changed() {
    let rows = many(200);
    let store = store_of(&rows);
    let root = root(&store).unwrap();
    for key in [number(3), number(150), number(1_000), number(1_001)] {
        let (path, proof) = (Path::of(key.0.name(), &key.1), prove(&store, key.0, &key.1).unwrap());
        let shown = proof.verify(&root, &path).unwrap();
        assert_eq!(shown.is_some(), rows.contains_key(&key));
        let bytes = encode(&proof);
        for bit in 0..bytes.len() * 8 {
            if let Ok(other) = decode::<TreeProof>(&flipped(&bytes, bit), usize::MAX) {
                assert!(other.verify(&root, &path).is_err(), "bit {bit}");
            }
        }
        for bit in 0..256 {
            assert!(proof.verify(&flipped_digest(&root, bit), &path).is_err());
            // Another path: the proof may lead there as well, and then shows that nothing is there.
            let other = Path::from_bytes(flipped(path.as_bytes(), bit).try_into().unwrap());
            assert!(matches!(proof.verify(&root, &other), Err(_) | Ok(None)));
        }
        for bit in 0..key.1.len() * 8 {
            let other = Path::of(key.0.name(), &flipped(&key.1, bit));
            assert!(matches!(proof.verify(&root, &other), Err(_) | Ok(None)));
        }
        let value = rows.get(&key).cloned().unwrap_or_default();
        for bit in 0..value.len() * 8 {
            assert_ne!(shown, Some(value_digest(&flipped(&value, bit))));
        }
    }
}

#[test]
fn an_empty_state_proves_that_nothing_is_there() {
    let store = MemoryStore::new();
    let path = Path::of(A.name(), b"key");
    assert_eq!(prove(&store, A, b"key").unwrap().verify(&Digest::ZERO, &path), Ok(None));
    let one = many(1);
    let root = fill(&store, &one);
    assert_eq!(prove(&store, A, b"key").unwrap().verify(&root, &path), Ok(None));
    assert!(prove(&store, A, b"key").unwrap().verify(&Digest::ZERO, &path).is_err());
}

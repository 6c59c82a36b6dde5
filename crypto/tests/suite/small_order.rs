//! Keys and signatures out of the small subgroup, and points with two spellings.

use crate::common::{Secret, claim, non_canonical_encodings, small_order_encodings};
use tetrarch_crypto::{Ed25519, PublicKey, SignatureScheme, Signer, SigningKey, WeakKey};

#[test]
fn there_are_fourteen_spellings_of_the_eight_small_order_points() {
    assert_eq!(small_order_encodings().len(), 14);
    assert_eq!(non_canonical_encodings().len(), 26);
}

#[test]
fn zip_215_accepts_every_pair_of_small_order_points() {
    let encodings = small_order_encodings();
    let pairs = encodings.iter().flat_map(|key| encodings.iter().map(move |nonce| (*key, *nonce)));
    let claims: Vec<_> = pairs.map(|(key, nonce)| claim(key, nonce, [0; 32], b"Zcash")).collect();
    assert_eq!(claims.len(), 196);
    assert!(claims.iter().all(|claim| Ed25519.accepts(claim)));
    assert!(Ed25519.accepts_each(&claims).iter().all(|accepted| *accepted));
}

#[test]
fn the_key_check_refuses_every_small_order_point() {
    for point in 0..8 {
        let key = PublicKey::from_bytes(Secret::small(point).encoded());
        assert_eq!(key.check(), Err(WeakKey::SmallOrder));
        assert_eq!(Ed25519.check_key(&key), Err(WeakKey::SmallOrder));
    }
}

#[test]
fn the_key_check_refuses_every_second_spelling() {
    for bytes in non_canonical_encodings() {
        assert_eq!(PublicKey::from_bytes(bytes).check(), Err(WeakKey::NotCanonical), "{bytes:02x?}");
    }
}

#[test]
fn the_key_check_refuses_a_small_order_part() {
    for torsion in 1..8 {
        let key = PublicKey::from_bytes(Secret::new(7, torsion).encoded());
        assert_eq!(key.check(), Err(WeakKey::Torsion), "{torsion}");
    }
    assert_eq!(PublicKey::from_bytes(Secret::new(7, 0).encoded()).check(), Ok(()));
}

#[test]
fn the_key_check_refuses_what_is_no_point() {
    // y = 2 gives no square for x²; about half of all byte strings are like that.
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert_eq!(PublicKey::from_bytes(bytes).check(), Err(WeakKey::NotOnCurve));
}

#[test]
fn the_key_check_admits_every_derived_key() {
    for seed in 0..64 {
        assert_eq!(SigningKey::from_seed([seed; 32]).public_key().check(), Ok(()));
    }
}

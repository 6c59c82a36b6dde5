//! Keys in memory, and as TLS libraries take them.

use ring::signature::{Ed25519KeyPair, KeyPair};
use tetrarch_crypto::{Claim, Ed25519, PublicKey, SignatureScheme, Signer, SigningKey};

#[test]
fn generated_keys_differ_and_sign() {
    let (one, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert_ne!(one.public_key(), other.public_key());
    let message = b"message".to_vec();
    let claim = Claim { key: one.public_key(), signature: one.sign(&message), message };
    assert!(Ed25519.accepts(&claim));
    assert!(!Ed25519.accepts(&Claim { key: other.public_key(), ..claim }));
}

#[test]
fn debug_shows_no_secret() {
    let key = SigningKey::from_seed([0x5a; 32]);
    let shown = format!("{key:?} {key:#?}");
    assert!(!shown.contains("5a5a") && !shown.contains("90, 90"), "{shown}");
    assert!(shown.contains(&key.public_key().to_string()[..8]));
}

#[test]
fn ring_takes_the_pkcs8_form_and_signs_alike() {
    let key = SigningKey::from_seed([3; 32]);
    for pair in [
        Ed25519KeyPair::from_pkcs8(&key.to_pkcs8_der()).unwrap(),
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key.to_pkcs8_der()).unwrap(),
    ] {
        assert_eq!(pair.public_key().as_ref(), key.public_key().as_bytes());
        assert_eq!(pair.sign(b"message").as_ref(), key.sign(b"message").as_bytes());
    }
}

/// The example of RFC 8410, section 10.1.
#[test]
fn the_spki_form_is_rfc_8410s() {
    let expected = "302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    let key: PublicKey = expected[24..].parse().unwrap();
    assert_eq!(hex::encode(key.to_spki_der()), expected);
    assert_eq!(PublicKey::from_spki_der(&key.to_spki_der()), Some(key));
}

#[test]
fn other_spki_bytes_are_refused() {
    let der = SigningKey::from_seed([3; 32]).public_key().to_spki_der();
    assert_eq!(PublicKey::from_spki_der(&der[..43]), None);
    assert_eq!(PublicKey::from_spki_der(&[der.as_slice(), &[0]].concat()), None);
    assert_eq!(PublicKey::from_spki_der(&[]), None);
    for at in 0..12 {
        let mut changed = der.clone();
        changed[at] ^= 1;
        assert_eq!(PublicKey::from_spki_der(&changed), None, "byte {at}");
    }
}

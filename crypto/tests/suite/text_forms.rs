//! How digests, keys and signatures are written for people and for the wire.

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tetrarch_crypto::{Digest, ParseHexError, PublicKey, Scope, Signature};

/// Through postcard, which must take exactly `len` bytes, and through JSON, which must show the text form.
fn assert_travels<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + ToString>(value: T, len: usize) {
    let bytes = postcard::to_allocvec(&value).unwrap();
    assert_eq!(bytes.len(), len);
    assert_eq!(postcard::from_bytes::<T>(&bytes).unwrap(), value);
    assert!(postcard::from_bytes::<T>(&bytes[..len - 1]).is_err());
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(json, format!("\"{}\"", value.to_string()));
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
}

proptest! {
    #[test]
    fn every_value_travels(short in any::<[u8; 32]>(), long in any::<[u8; 64]>()) {
        assert_travels(Digest::from_bytes(short), 32);
        assert_travels(PublicKey::from_bytes(short), 32);
        assert_travels(Signature::from_bytes(long), 64);
        prop_assert_eq!(Digest::from_bytes(short).to_string().parse(), Ok(Digest::from_bytes(short)));
        prop_assert_eq!(Signature::from_bytes(long).to_string().parse(), Ok(Signature::from_bytes(long)));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".*") {
        let _ = text.parse::<Digest>();
        let _ = text.parse::<Signature>();
    }
}

#[test]
fn text_forms_are_hexadecimal() {
    let digest = Digest::from_bytes(std::array::from_fn(|at| at as u8));
    assert_eq!(digest.to_string(), "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    assert_eq!(format!("{digest:?}"), "00010203…");
    assert_eq!(digest.to_string().to_uppercase().parse(), Ok(digest));
}

#[test]
fn what_is_not_hexadecimal_is_told() {
    assert_eq!("00".parse::<Digest>(), Err(ParseHexError::Length { expected: 64, found: 2 }));
    assert_eq!("0".repeat(65).parse::<PublicKey>(), Err(ParseHexError::Length { expected: 64, found: 65 }));
    assert_eq!("g0".parse::<Digest>(), Err(ParseHexError::Digit { found: 'g' }));
    assert_eq!("é".parse::<Signature>().unwrap_err().to_string(), "'é' is not a hexadecimal digit");
    assert!(serde_json::from_str::<Digest>("\"00\"").is_err());
    assert!(serde_json::from_str::<Digest>("[0]").is_err());
}

#[test]
fn the_default_digest_is_zero() {
    assert_eq!(Digest::default(), Digest::ZERO);
    assert_eq!(Digest::ZERO.as_bytes(), &[0; 32]);
}

#[test]
fn a_scope_travels() {
    let scope = Scope { genesis: Digest::from_bytes([7; 32]), epoch: 3 };
    let bytes = postcard::to_allocvec(&scope).unwrap();
    assert_eq!(bytes.len(), 33);
    assert_eq!(postcard::from_bytes::<Scope>(&bytes).unwrap(), scope);
}

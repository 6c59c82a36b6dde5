//! The twelve cases of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (SSR 2020, table 5), built here from their
//! conditions, with the verdicts that ZIP-215 gives. Each case first shows that it is what it claims to be.

use crate::common::{Secret, challenge, claim, craft, non_canonical_encodings, parts, residue};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use tetrarch_crypto::{Claim, Ed25519, SignatureScheme};

/// The first of the numbered messages whose claim has the wanted property.
fn search(make: impl Fn(&[u8]) -> Claim, wanted: impl Fn(&Claim) -> bool) -> Claim {
    let mut claims = (0u32..10_000).map(|number| make(&number.to_le_bytes()));
    claims.find(wanted).unwrap()
}

fn is_cofactorless(claim: &Claim) -> bool {
    residue(claim).is_some_and(|residue| residue.is_identity())
}

fn is_only_cofactored(claim: &Claim) -> bool {
    residue(claim).is_some_and(|residue| residue.is_small_order() && !residue.is_identity())
}

/// The verdict alone and in a batch of equals.
#[track_caller]
fn assert_verdict(claim: &Claim, expected: bool) {
    assert_eq!(Ed25519.accepts(claim), expected);
    assert_eq!(Ed25519.accepts_each(&vec![claim.clone(); 5]), vec![expected; 5]);
}

#[test]
fn case_0_small_key_small_nonce_zero_s() {
    let claim = search(|message| craft(Secret::small(1), Secret::small(5), message), is_cofactorless);
    assert_eq!(parts(&claim).2, [0; 32]);
    assert_verdict(&claim, true);
}

#[test]
fn case_1_small_key_mixed_nonce() {
    let claim = search(|message| craft(Secret::small(1), Secret::new(1, 3), message), is_cofactorless);
    assert_verdict(&claim, true);
}

#[test]
fn case_2_mixed_key_small_nonce() {
    let claim = search(|message| craft(Secret::new(2, 1), Secret::small(3), message), is_cofactorless);
    assert_verdict(&claim, true);
}

#[test]
fn case_3_mixed_key_mixed_nonce() {
    let claim = search(|message| craft(Secret::new(2, 1), Secret::new(3, 3), message), is_cofactorless);
    assert_verdict(&claim, true);
}

#[test]
fn case_4_mixed_key_mixed_nonce_only_cofactored() {
    let claim = search(|message| craft(Secret::new(2, 1), Secret::new(3, 3), message), is_only_cofactored);
    assert_verdict(&claim, true);
}

/// Who reduces 8k modulo the group order before multiplying the key by it refuses this one.
#[test]
fn case_5_mixed_key_where_reducing_8k_first_goes_wrong() {
    let reduces_wrongly = |claim: &Claim| {
        let (key, nonce, _) = parts(claim);
        let k = challenge(&nonce, &key, &claim.message);
        !(EIGHT_TORSION[1] * (Scalar::from(8u8) * k)).is_identity()
    };
    let wanted = |claim: &Claim| is_only_cofactored(claim) && reduces_wrongly(claim);
    let claim = search(|message| craft(Secret::new(2, 1), Secret::new(3, 0), message), wanted);
    assert_verdict(&claim, true);
}

#[test]
fn case_6_s_above_the_group_order() {
    assert_verdict(&with_s_raised(1), false);
}

#[test]
fn case_7_s_far_above_the_group_order() {
    let claim = with_s_raised(14);
    assert!(parts(&claim).2[31] & 0b1110_0000 != 0, "even a check of the top three bits tells");
    assert_verdict(&claim, false);
}

/// An honest signature, with `times` the group order added to S.
fn with_s_raised(times: usize) -> Claim {
    let honest = craft(Secret::new(2, 0), Secret::new(3, 0), b"malleable");
    assert_verdict(&honest, true);
    let (key, nonce, s) = parts(&honest);
    let raised = (0..times).fold(s, |s, _| plus_group_order(s));
    let raised = claim(key, nonce, raised, b"malleable");
    assert!(is_cofactorless(&raised), "the equation holds; only the range of S does not");
    raised
}

/// 2²⁵² + 27742317777372353535851937790883648493 (RFC 8032, section 5.1), added to a little-endian number.
fn plus_group_order(number: [u8; 32]) -> [u8; 32] {
    // −1 modulo the order is the order less one.
    let mut order = (-Scalar::ONE).to_bytes();
    order[0] += 1;
    let mut carry = 0;
    std::array::from_fn(|at| {
        let sum = u16::from(number[at]) + u16::from(order[at]) + carry;
        carry = sum >> 8;
        (sum & 0xff) as u8
    })
}

/// A second spelling of a point of small order, and its first one.
fn spellings() -> ([u8; 32], [u8; 32]) {
    let is_small = |bytes: &[u8; 32]| CompressedEdwardsY(*bytes).decompress().unwrap().is_small_order();
    let second = non_canonical_encodings().into_iter().find(is_small).unwrap();
    let first = CompressedEdwardsY(second).decompress().unwrap().compress().to_bytes();
    assert_ne!(first, second);
    (first, second)
}

/// A mixed key, and a nonce in its second spelling; k is made with the nonce spelled as `hashed`.
fn with_second_spelling_of_nonce(hashed: [u8; 32]) -> Claim {
    let key = Secret::new(2, 1);
    let k = challenge(&hashed, &key.encoded(), b"spelling");
    claim(key.encoded(), spellings().1, (k * key.scalar).to_bytes(), b"spelling")
}

#[test]
fn case_8_nonce_in_second_spelling_hashed_in_the_first() {
    assert_verdict(&with_second_spelling_of_nonce(spellings().0), false);
}

#[test]
fn case_9_nonce_in_second_spelling_hashed_as_it_is() {
    assert_verdict(&with_second_spelling_of_nonce(spellings().1), true);
}

/// With a key of small order the cofactored equation does not depend on k, so both ways of hashing end alike.
#[test]
fn cases_10_and_11_small_key_in_second_spelling() {
    let nonce = Secret::new(3, 3);
    let claim = claim(spellings().1, nonce.encoded(), nonce.scalar.to_bytes(), b"spelling");
    assert_verdict(&claim, true);
}

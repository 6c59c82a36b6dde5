//! A claim's verdict does not depend on its company.

use crate::common::{Secret, claim, craft, parts, small_order_encodings};
use proptest::prelude::*;
use tetrarch_crypto::{Claim, Ed25519, SignatureScheme};

/// How a claim comes about, and whether ZIP-215 accepts it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Valid,
    /// A prime-order key, and a nonce with a small-order part: where batches without the cofactor waver.
    TorsionInNonce,
    TorsionInKey,
    TorsionInBoth,
    SmallNonce,
    SmallKey,
    WrongMessage,
    WrongKey,
    WrongS,
    SBeyondTheOrder,
    NonceOffTheCurve,
    KeyOffTheCurve,
    /// A small-order part that hides an error in the prime-order part.
    WrongSWithTorsion,
}

use Kind::*;

const KINDS: [Kind; 13] = [
    Valid,
    TorsionInNonce,
    TorsionInKey,
    TorsionInBoth,
    SmallNonce,
    SmallKey,
    WrongMessage,
    WrongKey,
    WrongS,
    SBeyondTheOrder,
    NonceOffTheCurve,
    KeyOffTheCurve,
    WrongSWithTorsion,
];

fn is_acceptable(kind: Kind) -> bool {
    matches!(kind, Valid | TorsionInNonce | TorsionInKey | TorsionInBoth | SmallNonce | SmallKey)
}

/// No point has y = 2.
fn off_the_curve() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    bytes
}

/// Few signers, so that batches hold several claims of one key.
fn make(kind: Kind, signer: u64, torsion: usize, number: u64) -> Claim {
    let message = number.to_le_bytes();
    let (key, nonce) = (Secret::new(signer, 0), Secret::new(1_000 + number, 0));
    let honest = craft(key, nonce, &message);
    let (a, r, s) = parts(&honest);
    match kind {
        Valid => honest,
        TorsionInNonce => craft(key, Secret { torsion, ..nonce }, &message),
        TorsionInKey => craft(Secret { torsion, ..key }, nonce, &message),
        TorsionInBoth => craft(Secret { torsion, ..key }, Secret { torsion, ..nonce }, &message),
        SmallNonce => craft(key, Secret::small(torsion), &message),
        SmallKey => claim(small_order_encodings()[torsion + 6], r, nonce.scalar.to_bytes(), &message),
        WrongMessage => claim(a, r, s, b"another"),
        WrongKey => claim(Secret::new(signer + 1, 0).encoded(), r, s, &message),
        WrongS => claim(a, r, key.scalar.to_bytes(), &message),
        SBeyondTheOrder => claim(a, r, [0x1f; 32], &message),
        NonceOffTheCurve => claim(a, off_the_curve(), s, &message),
        KeyOffTheCurve => claim(off_the_curve(), r, s, &message),
        WrongSWithTorsion => {
            let (a, r, _) = parts(&craft(Secret { torsion, ..key }, Secret { torsion, ..nonce }, &message));
            claim(a, r, s, b"another")
        }
    }
}

/// Claims with the verdicts they deserve. Half of them are acceptable more often than not, so that whole batches pass too.
fn arb_claims() -> impl Strategy<Value = Vec<(Claim, bool)>> {
    let kind = prop_oneof![3 => 0usize..6, 1 => 0..KINDS.len()];
    let one = (kind, 0u64..4, 1usize..8, 0u64..1_000).prop_map(|(kind, signer, torsion, number)| {
        (make(KINDS[kind], signer, torsion, number), is_acceptable(KINDS[kind]))
    });
    prop::collection::vec(one, 0..20)
}

/// The claims in a random order, and where to cut them.
fn arb_arrangement() -> impl Strategy<Value = (Vec<(Claim, bool)>, usize)> {
    arb_claims().prop_shuffle().prop_flat_map(|claims| {
        let cut = 0..=claims.len();
        (Just(claims), cut)
    })
}

fn claims_of(pairs: &[(Claim, bool)]) -> Vec<Claim> {
    pairs.iter().map(|(claim, _)| claim.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_composition_changes_a_verdict((pairs, cut) in arb_arrangement()) {
        let claims = claims_of(&pairs);
        let deserved: Vec<bool> = pairs.iter().map(|(_, verdict)| *verdict).collect();
        let alone: Vec<bool> = claims.iter().map(|claim| Ed25519.accepts(claim)).collect();
        prop_assert_eq!(&alone, &deserved);
        prop_assert_eq!(&Ed25519.accepts_each(&claims), &deserved);
        let (left, right) = claims.split_at(cut);
        prop_assert_eq!([Ed25519.accepts_each(left), Ed25519.accepts_each(right)].concat(), deserved);
    }
}

#[test]
fn an_empty_batch_has_no_verdicts() {
    assert_eq!(Ed25519.accepts_each(&[]), Vec::<bool>::new());
}

#[test]
fn every_kind_is_told_alone_and_amid_valid_claims() {
    for kind in KINDS {
        let mut claims: Vec<Claim> = (0..9).map(|number| make(Valid, number % 3, 1, number)).collect();
        claims[4] = make(kind, 1, 5, 4);
        let expected: Vec<bool> = (0..9).map(|at| at != 4 || is_acceptable(kind)).collect();
        assert_eq!(Ed25519.accepts(&claims[4]), is_acceptable(kind), "{kind:?}");
        assert_eq!(Ed25519.accepts_each(&claims), expected, "{kind:?}");
    }
}

/// Repeated, because a batch without the cofactor accepts this one about every second time.
#[test]
fn a_torsion_carrying_nonce_is_accepted_every_time() {
    for number in 0..100 {
        let claims = [make(TorsionInNonce, 1, 4, number), make(Valid, 1, 1, number), make(Valid, 2, 1, number)];
        assert_eq!(Ed25519.accepts_each(&claims), [true; 3]);
    }
}

#[test]
fn one_invalid_claim_is_found_anywhere_in_a_large_batch() {
    let valid: Vec<Claim> = (0..130).map(|number| make(Valid, number % 5, 1, number)).collect();
    for at in [0, 1, 63, 64, 65, 128, 129] {
        let mut claims = valid.clone();
        claims[at] = make(WrongS, 1, 1, 7);
        let expected: Vec<bool> = (0..claims.len()).map(|index| index != at).collect();
        assert_eq!(Ed25519.accepts_each(&claims), expected);
    }
}

#[test]
fn a_batch_of_which_most_is_invalid_is_told_apart_too() {
    let claims: Vec<Claim> =
        (0..130).map(|n| make(if n % 7 == 3 { Valid } else { WrongMessage }, n % 5, 1, n)).collect();
    let expected: Vec<bool> = (0..130).map(|number| number % 7 == 3).collect();
    assert_eq!(Ed25519.accepts_each(&claims), expected);
    assert_eq!(Ed25519.accepts_each(&vec![make(WrongKey, 1, 1, 1); 50]), vec![false; 50]);
}

//! Google's Wycheproof vectors for Ed25519 (C2SP/wycheproof, `ed25519_test.json`).

use tetrarch_crypto::{Claim, Ed25519, PublicKey, Signature, SignatureScheme};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// The vectors (by `tcId`) on which ZIP-215 and Wycheproof differ. There are none: Wycheproof tests neither small-order parts
/// nor second spellings of points that would satisfy the cofactored equation.
const ZIP_215_ACCEPTS_MORE: [usize; 0] = [];

/// `tcId`, what Wycheproof says, and the claim; `None` for a signature that is not 64 bytes long, which cannot even be decoded.
fn vectors() -> Vec<(usize, TestResult, Option<Claim>)> {
    let groups = TestSet::load(TestName::Ed25519).unwrap().test_groups;
    let claims = groups.into_iter().flat_map(|group| {
        let key = PublicKey::from_bytes(group.key.pk.as_slice().try_into().unwrap());
        group.tests.into_iter().map(move |test| {
            let signature = test.sig.as_slice().try_into().ok().map(Signature::from_bytes);
            let claim = signature.map(|signature| Claim { key, message: test.msg.to_vec(), signature });
            (test.tc_id, test.result, claim)
        })
    });
    claims.collect()
}

#[test]
fn every_vector_gets_its_verdict_alone() {
    let vectors = vectors();
    assert!(vectors.len() > 100);
    for (id, result, claim) in vectors {
        let accepted = claim.is_some_and(|claim| Ed25519.accepts(&claim));
        let expected = result == TestResult::Valid || ZIP_215_ACCEPTS_MORE.contains(&id);
        assert_eq!(accepted, expected, "tcId {id}");
    }
}

#[test]
fn every_vector_gets_the_same_verdict_in_one_batch() {
    let claims: Vec<Claim> = vectors().into_iter().filter_map(|(_, _, claim)| claim).collect();
    let alone: Vec<bool> = claims.iter().map(|claim| Ed25519.accepts(claim)).collect();
    assert_eq!(Ed25519.accepts_each(&claims), alone);
}

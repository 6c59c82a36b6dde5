//! Google's Wycheproof vectors for Ed25519 (C2SP/wycheproof, `ed25519_test.json`).

use tetrarch_crypto::{Claim, Ed25519, PublicKey, Signature, SignatureScheme};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// The vectors (by `tcId`) that Wycheproof, which follows RFC 8032 here, calls invalid and ZIP-215 accepts.
///
/// - 151: R spells the identity with the sign of x set (y = 1, x = "−0"). RFC 8032, section 5.1.3, step 4, refuses to decode
///   it; ZIP-215 demands that such second spellings be accepted, and k is hashed over the bytes as given. Only the owner of the
///   key can make such a signature, so nothing is forged.
const ZIP_215_ACCEPTS_MORE: [usize; 1] = [151];

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
    let differing = vectors.iter().filter_map(|(id, result, claim)| {
        let accepted = claim.as_ref().is_some_and(|claim| Ed25519.accepts(claim));
        (accepted != (*result == TestResult::Valid)).then_some((*id, accepted))
    });
    assert_eq!(differing.collect::<Vec<_>>(), ZIP_215_ACCEPTS_MORE.map(|id| (id, true)));
}

#[test]
fn every_vector_gets_the_same_verdict_in_one_batch() {
    let claims: Vec<Claim> = vectors().into_iter().filter_map(|(_, _, claim)| claim).collect();
    let alone: Vec<bool> = claims.iter().map(|claim| Ed25519.accepts(claim)).collect();
    assert_eq!(Ed25519.accepts_each(&claims), alone);
}

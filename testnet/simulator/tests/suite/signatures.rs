//! What is remembered of signatures is what is true of them.

use tetrarch_crypto::{Claim, Ed25519, SignatureScheme, Signer, SigningKey};
use tetrarch_simulator::scheme::Remembering;

#[test]
fn remembered_verdicts_are_those_of_the_scheme() {
    let signer = SigningKey::from_seed([7; 32]);
    let claim = |message: &[u8], signature| Claim { key: signer.public_key(), message: message.to_vec(), signature };
    let good = claim(b"yes", signer.sign(b"yes"));
    let moved = claim(b"no", good.signature);
    let scheme = Remembering::<Ed25519>::default();
    // The second time from memory, and neither verdict taken for the other's.
    for _ in 0..2 {
        let claims = [moved.clone(), good.clone(), moved.clone(), claim(b"new", signer.sign(b"new"))];
        assert_eq!(scheme.accepts_each(&claims), [false, true, false, true]);
        assert!(scheme.accepts(&good) && !scheme.accepts(&moved));
    }
}

//! What a transaction needs to be believed.

use crate::support::{Chain, digest};
use tetrarch_crypto::{Domain, PublicKey, Scope, Signature, Signer, SigningKey, WeakKey};
use tetrarch_types::limits::MAX_COMMAND_BYTES;
use tetrarch_types::{Rejection, Timestamp, Transaction, TransactionBody, encode};

fn judge(chain: &Chain, transaction: Transaction) -> Result<(), Rejection> {
    chain.verifier().transaction(transaction).map(|_| ())
}

/// Signed again after the change, so that nothing but the change is wrong.
fn changed(chain: &Chain, change: impl FnOnce(&mut TransactionBody)) -> Transaction {
    let mut body = chain.body(7);
    change(&mut body);
    body.sign(chain.scope(), &chain.client)
}

#[test]
fn a_valid_one_passes_unchanged() {
    let chain = Chain::of(4);
    let transaction = chain.transaction(7);
    let verified = chain.verifier().transaction(transaction.clone()).unwrap();
    assert_eq!(*verified, transaction);
    assert_eq!(verified.into_inner(), transaction);
}

#[test]
fn another_chain_is_refused() {
    let chain = Chain::of(4);
    assert_eq!(judge(&chain, changed(&chain, |body| body.chain = digest(1))), Err(Rejection::WrongChain));
}

#[test]
fn the_largest_command_passes_and_one_byte_more_does_not() {
    let chain = Chain::of(4);
    let sized = |size| changed(&chain, |body| body.command = vec![0; size]);
    assert_eq!(judge(&chain, sized(MAX_COMMAND_BYTES)), Ok(()));
    assert_eq!(judge(&chain, sized(MAX_COMMAND_BYTES + 1)), Err(Rejection::TooLarge));
}

#[test]
fn weak_sender_keys_are_refused_every_time() {
    let chain = Chain::of(4);
    let verifier = chain.verifier();
    let mut identity = [0; 32];
    identity[0] = 1;
    // y = 0 is a point of order four; y = 2 is on no curve point; 2^255 - 18 is 1, unreduced.
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xee, 0x7f);
    let weak = [
        (identity, WeakKey::SmallOrder),
        ([0; 32], WeakKey::SmallOrder),
        (off_curve, WeakKey::NotOnCurve),
        (unreduced, WeakKey::NotCanonical),
    ];
    for (key, reason) in weak {
        let transaction = changed(&chain, |body| body.sender = PublicKey::from_bytes(key));
        for _ in 0..2 {
            assert_eq!(verifier.transaction(transaction.clone()).err(), Some(Rejection::WeakKey(reason)));
        }
    }
}

#[test]
fn a_strong_key_that_did_not_sign_is_refused() {
    let chain = Chain::of(4);
    let other = SigningKey::from_seed([0xdd; 32]).public_key();
    assert_eq!(judge(&chain, changed(&chain, |body| body.sender = other)), Err(Rejection::BadSignature));
}

#[test]
fn every_field_is_signed() {
    let chain = Chain::of(4);
    let tampered = |change: fn(&mut TransactionBody)| {
        let mut transaction = chain.transaction(7);
        change(&mut transaction.body);
        transaction
    };
    for change in [
        (|body: &mut TransactionBody| body.nonce += 1) as fn(&mut TransactionBody),
        |body| body.valid_until = Timestamp::from_micros(u64::MAX),
        |body| body.command.push(0),
        |body| body.command.clear(),
    ] {
        assert_eq!(judge(&chain, tampered(change)), Err(Rejection::BadSignature));
    }
}

#[test]
fn a_signature_for_anything_else_is_refused() {
    let chain = Chain::of(4);
    let body = chain.body(7);
    let signed = |domain: Domain, scope: &Scope| {
        let signature = chain.client.sign(&domain.signing_bytes(scope, &encode(&body)));
        judge(&chain, Transaction { body: body.clone(), signature })
    };
    assert_eq!(signed(Domain::Transaction, chain.scope()), Ok(()));
    for domain in Domain::ALL.iter().filter(|domain| **domain != Domain::Transaction) {
        assert_eq!(signed(*domain, chain.scope()), Err(Rejection::BadSignature), "{domain:?}");
    }
    let elsewhere = Scope { genesis: digest(1), ..*chain.scope() };
    assert_eq!(signed(Domain::Transaction, &elsewhere), Err(Rejection::BadSignature));
    let later = Scope { epoch: 1, ..*chain.scope() };
    assert_eq!(signed(Domain::Transaction, &later), Err(Rejection::BadSignature));
}

#[test]
fn the_id_leaves_the_signature_out_and_nothing_else() {
    let chain = Chain::of(4);
    let transaction = chain.transaction(7);
    let resigned = Transaction { signature: Signature::from_bytes([0; 64]), ..transaction.clone() };
    assert_eq!(transaction.id(), resigned.id());
    let others = [
        changed(&chain, |body| body.chain = digest(1)),
        changed(&chain, |body| body.sender = PublicKey::from_bytes([1; 32])),
        changed(&chain, |body| body.nonce += 1),
        changed(&chain, |body| body.valid_until = Timestamp::ZERO),
        changed(&chain, |body| body.command.push(0)),
    ];
    assert!(others.iter().all(|other| other.id() != transaction.id()));
}

//! Signatures that do not hold: altered, borrowed, for other bytes, or in a second spelling.

use std::rc::Rc;

use tetrarch_crypto::{Domain, Scope, Signature};
use tetrarch_types::{Transaction, TransactionBody, encode};

use super::{Flaw, Hand, Trick};
use crate::client::hostile::other_chain;

const ALTERED: &str = "bad-signature-altered";
const BORROWED: &str = "bad-signature-borrowed";
const MISPLACED: &str = "bad-signature-misplaced";
const RAISED: &str = "bad-signature-raised";

pub(super) const FORMS: [&str; 4] = [ALTERED, BORROWED, MISPLACED, RAISED];

/// The order of the group of Ed25519 (RFC 8032, section 5.1), little-endian.
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) struct BadSignature;

impl Trick for BadSignature {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let body = hand.body();
        let form = hand.rng.one_of(FORMS);
        let signature = match form {
            ALTERED => altered(honest(&body, hand), hand),
            BORROWED => honest(&TransactionBody { nonce: body.nonce ^ 1, ..body.clone() }, hand),
            MISPLACED => misplaced(&body, hand),
            _ => raised(honest(&body, hand)),
        };
        hand.count(form);
        let to = hand.some();
        hand.send_flawed(to, Rc::new(Transaction { body, signature }), Flaw::BadSignature);
    }
}

fn honest(body: &TransactionBody, hand: &Hand<'_>) -> Signature {
    hand.account.sign(hand.scene.chain, body.clone()).signature
}

/// One bit is another.
fn altered(signature: Signature, hand: &mut Hand<'_>) -> Signature {
    let mut bytes = *signature.as_bytes();
    let bit = hand.rng.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    Signature::from_bytes(bytes)
}

/// Signed as another kind of statement, or for another chain.
fn misplaced(body: &TransactionBody, hand: &mut Hand<'_>) -> Signature {
    let scope = *hand.scene.chain.scope();
    let (domain, scope) = if hand.rng.chance(5_000) {
        (Domain::Prepare, scope)
    } else {
        (Domain::Transaction, Scope { genesis: other_chain(hand.rng), ..scope })
    };
    hand.account.signer().sign(&domain.signing_bytes(&scope, &encode(body)))
}

/// The group's order added to S: the equation still holds, and the signature would have a second spelling.
fn raised(signature: Signature) -> Signature {
    let mut bytes = *signature.as_bytes();
    let mut carry = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        carry = sum >> 8;
        *byte = (sum & 0xff) as u8;
    }
    Signature::from_bytes(bytes)
}

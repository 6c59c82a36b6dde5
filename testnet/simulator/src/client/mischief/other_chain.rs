//! Transactions for other chains: as such, and under this one's name.

use std::rc::Rc;

use tetrarch_crypto::Scope;
use tetrarch_types::{Transaction, TransactionBody};

use super::{Flaw, Hand, Trick};
use crate::client::hostile::other_chain;

const OTHER_CHAIN: &str = "other-chain";
const OTHER_EPOCH: &str = "other-epoch";

pub(super) const FORMS: [&str; 2] = [OTHER_CHAIN, OTHER_EPOCH];

pub(super) struct OtherChain;

impl Trick for OtherChain {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let (body, scope) = (hand.body(), *hand.scene.chain.scope());
        let form = hand.rng.one_of(FORMS);
        let (body, scope, flaw) = match form {
            OTHER_CHAIN => {
                let chain = other_chain(hand.rng);
                (TransactionBody { chain, ..body }, Scope { genesis: chain, ..scope }, Flaw::OtherChain)
            }
            _ => (body, Scope { epoch: scope.epoch + 1, ..scope }, Flaw::BadSignature),
        };
        let transaction: Transaction = body.sign(&scope, hand.account.signer().as_ref());
        hand.count(form);
        let to = hand.some();
        hand.send_flawed(to, Rc::new(transaction), flaw);
    }
}

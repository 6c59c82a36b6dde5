//! Keys of a hostile client, and the nonces that it used with them.

use std::rc::Rc;

use tetrarch_types::{Timestamp, Transaction, TransactionBody};

use crate::adversary::SharedSigner;
use crate::chain::Chain;

/// One key. New ones cost nothing, and so does throwing them away.
pub(in crate::client) struct Account {
    signer: SharedSigner,
    next: u64,
}

impl Account {
    /// The account with the `number`-th key of nobody.
    pub(in crate::client) fn new(number: u64, chain: &Chain) -> Self {
        Self { signer: chain.stranger(number), next: 0 }
    }

    /// An account with somebody else's key.
    pub(super) const fn of(signer: SharedSigner, next: u64) -> Self {
        Self { signer, next }
    }

    /// The next transaction's body.
    pub(super) fn body(&mut self, chain: &Chain, valid_until: Timestamp, command: Vec<u8>) -> TransactionBody {
        let nonce = self.next;
        self.next = self.next.saturating_add(1);
        let (chain, sender) = (chain.scope().genesis, self.signer.public_key());
        TransactionBody { chain, sender, nonce, valid_until, command }
    }

    /// Signs a body as this chain wants it.
    pub(super) fn sign(&self, chain: &Chain, body: TransactionBody) -> Rc<Transaction> {
        Rc::new(body.sign(chain.scope(), self.signer.as_ref()))
    }

    /// The nonce that comes next.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Goes on from this nonce.
    pub(super) const fn skip_to(&mut self, nonce: u64) {
        self.next = nonce;
    }

    pub(super) fn signer(&self) -> &SharedSigner {
        &self.signer
    }
}

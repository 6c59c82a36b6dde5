//! What hostile clients do, one kind a file. None of it may harm anybody but themselves.

mod account;
mod bad_signature;
mod contested_nonce;
mod crafted;
mod double_nonce;
mod far_nonces;
mod flood;
mod hand;
mod kind;
mod malformed;
mod other_chain;
mod oversize;
mod partial;
mod replay;
mod torsion_signature;
mod validity;
mod weak_key;

pub(super) use account::Account;
pub(super) use hand::Hand;
pub use kind::{Mischief, NoMischief};

use crate::rng::Rng;

/// Why a transaction must never be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its sender did not sign it.
    BadSignature,
    /// Its sender's key is one that others could sign for, or one of several with one secret.
    WeakKey,
    /// It was made for another chain.
    OtherChain,
    /// Its command is larger than any may be.
    TooLarge,
}

/// One kind of mischief at work.
pub(super) trait Trick {
    /// Does it once; counts what it did with [`Hand::count`].
    fn play(&mut self, hand: &mut Hand<'_>);
}

pub(super) fn trick(kind: Mischief, rng: &mut Rng) -> Box<dyn Trick> {
    match kind {
        Mischief::BadSignature => Box::new(bad_signature::BadSignature),
        Mischief::WeakKey => Box::new(weak_key::WeakKey),
        Mischief::TorsionSignature => Box::new(torsion_signature::TorsionSignature::default()),
        Mischief::OtherChain => Box::new(other_chain::OtherChain),
        Mischief::Replay => Box::new(replay::Replay),
        Mischief::FarNonces => Box::new(far_nonces::FarNonces::default()),
        Mischief::DoubleNonce => Box::new(double_nonce::DoubleNonce),
        Mischief::ContestedNonce => Box::new(contested_nonce::ContestedNonce),
        Mischief::Partial => Box::new(partial::Partial),
        Mischief::Flood => Box::new(flood::Flood::draw(rng)),
        Mischief::Oversize => Box::new(oversize::Oversize::default()),
        Mischief::Malformed => Box::new(malformed::Malformed),
        Mischief::Validity => Box::new(validity::Validity),
    }
}

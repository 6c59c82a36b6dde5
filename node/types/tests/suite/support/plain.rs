//! Proptest strategies for what everything else is made of.

use proptest::collection::vec;
use proptest::prelude::*;
use tetrarch_crypto::{Digest, PublicKey, Signature};
use tetrarch_types::{ReplicaId, SeqNum, Signed, Timestamp, TransactionId, View, Votes};

/// Numbers around the edges of varints, and any others.
pub(crate) fn number() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![0..300_u64, 16_380..16_390_u64, Just(u64::MAX), any::<u64>()]
}

pub(crate) fn digest() -> impl Strategy<Value = Digest> + Clone {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

pub(crate) fn key() -> impl Strategy<Value = PublicKey> + Clone {
    any::<[u8; 32]>().prop_map(PublicKey::from_bytes)
}

pub(crate) fn signature() -> impl Strategy<Value = Signature> + Clone {
    any::<([u8; 32], [u8; 32])>().prop_map(|(r, s)| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&r);
        bytes[32..].copy_from_slice(&s);
        Signature::from_bytes(bytes)
    })
}

pub(crate) fn seq() -> impl Strategy<Value = SeqNum> + Clone {
    number().prop_map(SeqNum::new)
}

pub(crate) fn view() -> impl Strategy<Value = View> + Clone {
    number().prop_map(View::new)
}

pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> + Clone {
    number().prop_map(Timestamp::from_micros)
}

pub(crate) fn replica() -> impl Strategy<Value = ReplicaId> + Clone {
    any::<u16>().prop_map(ReplicaId::new)
}

pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(any::<u8>(), 0..200)
}

pub(crate) fn text() -> impl Strategy<Value = String> + Clone {
    any::<String>()
}

pub(crate) fn transaction_id() -> impl Strategy<Value = TransactionId> + Clone {
    digest().prop_map(TransactionId::new)
}

pub(crate) fn signed<T: std::fmt::Debug>(payload: impl Strategy<Value = T>) -> impl Strategy<Value = Signed<T>> {
    (payload, replica(), signature()).prop_map(|(payload, signer, signature)| Signed { payload, signer, signature })
}

pub(crate) fn votes() -> impl Strategy<Value = Votes> {
    vec((replica(), signature()), 0..4)
}

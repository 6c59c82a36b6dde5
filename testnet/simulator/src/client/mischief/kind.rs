//! The kinds of mischief.

use std::fmt;
use std::str::FromStr;

use super::{
    bad_signature, contested_nonce, double_nonce, far_nonces, flood, malformed, other_chain, oversize, partial, replay,
    torsion_signature, validity, weak_key,
};

/// A kind of mischief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mischief {
    /// Signatures that do not hold.
    BadSignature,
    /// Keys of small order, or with a part of it. With real signatures only.
    WeakKey,
    /// Signatures with a part of small order, which hold: for every replica, or agreement breaks. With real signatures only.
    TorsionSignature,
    /// Transactions for other chains.
    OtherChain,
    /// Others' transactions again, recent and old ones.
    Replay,
    /// Nonces far ahead of the last one, and far behind it.
    FarNonces,
    /// Different transactions with one nonce to different replicas.
    DoubleNonce,
    /// Transactions with an honest client's key, and a nonce that it uses too.
    ContestedNonce,
    /// Sends to one replica or to backups only, and never again.
    Partial,
    /// Many transactions at once, from one sender or from many: more than pools take.
    Flood,
    /// Commands too large, and very large ones.
    Oversize,
    /// Commands that the machine cannot read or carry out.
    Malformed,
    /// Transactions that have expired, soon will, or are valid for too long.
    Validity,
}

impl Mischief {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::BadSignature,
        Self::WeakKey,
        Self::TorsionSignature,
        Self::OtherChain,
        Self::Replay,
        Self::FarNonces,
        Self::DoubleNonce,
        Self::ContestedNonce,
        Self::Partial,
        Self::Flood,
        Self::Oversize,
        Self::Malformed,
        Self::Validity,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadSignature => "bad-signature",
            Self::WeakKey => "weak-key",
            Self::TorsionSignature => "torsion-signature",
            Self::OtherChain => "other-chain",
            Self::Replay => "replayed-request",
            Self::FarNonces => "far-nonces",
            Self::DoubleNonce => "double-nonce",
            Self::ContestedNonce => "contested-nonce",
            Self::Partial => "partial",
            Self::Flood => "flood",
            Self::Oversize => "oversize",
            Self::Malformed => "malformed",
            Self::Validity => "validity",
        }
    }

    /// What its forms are counted under.
    pub const fn forms(self) -> &'static [&'static str] {
        match self {
            Self::BadSignature => &bad_signature::FORMS,
            Self::WeakKey => &weak_key::FORMS,
            Self::TorsionSignature => &torsion_signature::FORMS,
            Self::OtherChain => &other_chain::FORMS,
            Self::Replay => &replay::FORMS,
            Self::FarNonces => &far_nonces::FORMS,
            Self::DoubleNonce => &double_nonce::FORMS,
            Self::ContestedNonce => &contested_nonce::FORMS,
            Self::Partial => &partial::FORMS,
            Self::Flood => &flood::FORMS,
            Self::Oversize => &oversize::FORMS,
            Self::Malformed => &malformed::FORMS,
            Self::Validity => &validity::FORMS,
        }
    }

    /// Whether it means something with real signatures only.
    pub const fn needs_real_signatures(self) -> bool {
        matches!(self, Self::WeakKey | Self::TorsionSignature)
    }
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a kind of mischief.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is nothing that clients here do; there are {all}", all = Mischief::ALL.map(Mischief::name).join(", "))]
pub struct NoMischief(String);

impl FromStr for Mischief {
    type Err = NoMischief;

    fn from_str(text: &str) -> Result<Self, NoMischief> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| NoMischief(text.to_owned()))
    }
}

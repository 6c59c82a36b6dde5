//! Numbers that must not be mixed up. None of them converts from a bare `u64` by `From`: a constructor says what it is.

use std::fmt;

use serde::{Deserialize, Serialize};
use tetrarch_crypto::Digest;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// The number zero.
            pub const ZERO: Self = Self(0);

            /// Names the number.
            pub const fn new(number: $inner) -> Self {
                Self(number)
            }

            /// The bare number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

number! {
    /// A view: one primary's turn. View v belongs to replica v mod n (Castro and Liskov, §4.2).
    View(u64)
}
number! {
    /// A sequence number: a batch's place in the one order. 0 is the state before the first batch.
    SeqNum(u64)
}
number! {
    /// A replica's index in the membership, 0 to n − 1.
    ReplicaId(u16)
}
number! {
    /// One membership. Membership changes start a new epoch; everything signed names its own.
    Epoch(u64)
}

impl View {
    /// The view after this one. Saturates: a view that far is never reached honestly.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl SeqNum {
    /// The sequence number after this one. Saturates, so that a peer's `u64::MAX` cannot overflow anything.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// This number plus `count`, saturating.
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// How far this number lies above `lower`; 0 when it does not.
    pub const fn above(self, lower: Self) -> u64 {
        self.0.saturating_sub(lower.0)
    }

    /// Whether a checkpoint is due at this number, for a checkpoint every `interval` numbers.
    pub const fn is_multiple_of(self, interval: u64) -> bool {
        interval != 0 && self.0.is_multiple_of(interval)
    }
}

impl ReplicaId {
    /// The id as an index into per-replica tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A transaction's id: the digest of its body, which excludes the signature, so that re-signing the same body makes no second
/// transaction (rule R-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransactionId(Digest);

impl TransactionId {
    /// Names a digest as a transaction's id.
    pub const fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// The digest itself.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({:?})", self.0)
    }
}

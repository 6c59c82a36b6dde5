//! Who votes, and how many votes are enough: all quorum arithmetic of the project.

use tetrarch_crypto::{Digest, PublicKey, Scope};

use crate::{Epoch, Parameters, ReplicaId, View};

/// The replicas of one epoch.
///
/// ```text
///   n            1   4   5   6   7   8   9  10
///   f            0   1   1   1   2   2   2   3     faulty ones tolerated: (n − 1) / 3, rounded down
///   quorum       1   3   4   4   5   6   6   7     (n + f + 1) / 2, rounded up: two quorums share an honest replica
///   weak quorum  1   2   2   2   3   3   3   4     f + 1: at least one of them is honest
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    scope: Scope,
    parameters: Parameters,
    keys: Vec<PublicKey>,
}

impl Membership {
    /// A membership of the chain with this genesis digest. The caller has checked the keys (see `Genesis::check`).
    pub fn new(genesis: Digest, epoch: Epoch, parameters: Parameters, keys: Vec<PublicKey>) -> Self {
        Self { scope: Scope { genesis, epoch: epoch.get() }, parameters, keys }
    }

    /// What every signature of this epoch is bound to.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The chain's parameters.
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// n.
    pub fn size(&self) -> usize {
        self.keys.len()
    }

    /// f: how many replicas may lie without harm.
    pub fn faults(&self) -> usize {
        self.size().saturating_sub(1) / 3
    }

    /// q: any two quorums share at least one honest replica, and n − f replicas are enough for one (rule Q-1).
    pub fn quorum(&self) -> usize {
        (self.size() + self.faults() + 1).div_ceil(2)
    }

    /// f + 1: at least one of them is honest.
    pub fn weak_quorum(&self) -> usize {
        self.faults() + 1
    }

    /// The primary of a view: v mod n.
    pub fn primary(&self, view: View) -> ReplicaId {
        let index = view.get() % (self.size().max(1) as u64);
        ReplicaId::new(u16::try_from(index).unwrap_or(0))
    }

    /// Whether there is a member with this id.
    pub fn contains(&self, id: ReplicaId) -> bool {
        id.index() < self.size()
    }

    /// A member's key.
    pub fn key(&self, id: ReplicaId) -> Option<&PublicKey> {
        self.keys.get(id.index())
    }

    /// The member with this key.
    pub fn id_of(&self, key: &PublicKey) -> Option<ReplicaId> {
        self.keys
            .iter()
            .position(|member| member == key)
            .and_then(|index| u16::try_from(index).ok())
            .map(ReplicaId::new)
    }

    /// All members, ascending.
    pub fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        (0..u16::try_from(self.size()).unwrap_or(u16::MAX)).map(ReplicaId::new)
    }
}

/// The largest number that `nth` of these claims reach, which is the `nth` largest of them; none if there are fewer. With f + 1, one who is honest
/// claims at least so much.
pub fn nth_largest<T: Ord>(claims: impl IntoIterator<Item = T>, nth: usize) -> Option<T> {
    let mut claims: Vec<T> = claims.into_iter().collect();
    claims.sort_unstable_by(|one, other| other.cmp(one));
    claims.into_iter().nth(nth.checked_sub(1)?)
}

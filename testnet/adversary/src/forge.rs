//! Sets of votes with exactly one thing wrong: everything else about them is as a verifier wants it.

use tetrarch_types::{ReplicaId, Signable, Votes};

use crate::hand::Hand;
use crate::overheard::Signatures;

/// What is wrong with a set of votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Enough votes, but one signer stands there several times.
    RepeatedSigner,
    /// Enough signers, but some signatures fit nothing.
    Garbage,
    /// Genuine votes of distinct signers, one too few.
    TooFew,
}

/// Votes of exactly `need` entries (one fewer if that is the flaw) on a statement. `genuine` are signatures on it that the liar
/// stole; those that lie together add theirs. None if there are not enough genuine ones for exactly this flaw.
pub(crate) fn votes<T: Signable + Clone>(
    statement: &T,
    genuine: &Signatures,
    may_vote: impl Fn(ReplicaId) -> bool,
    need: usize,
    flaw: Flaw,
    hand: &mut Hand<'_>,
) -> Option<Votes> {
    let mut held = genuine.clone();
    held.extend(hand.sign_as_all(statement).into_iter().map(|signed| (signed.signer, signed.signature)));
    held.retain(|id, _| may_vote(*id));
    let mut votes: Votes = held.iter().map(|(id, signature)| (*id, *signature)).collect();
    votes.truncate(need.saturating_sub(1));
    match flaw {
        Flaw::TooFew => return (votes.len() + 1 == need).then_some(votes),
        Flaw::RepeatedSigner => {
            let first = *votes.first()?;
            votes.resize(need, first);
        }
        Flaw::Garbage => {
            let others = hand.membership().ids().filter(|id| may_vote(*id));
            let others: Vec<ReplicaId> = others.filter(|id| votes.iter().all(|(voter, _)| voter != id)).collect();
            let missing = need.saturating_sub(votes.len());
            votes.extend(others.into_iter().take(missing).map(|id| (id, hand.garbage())));
        }
    }
    votes.sort_unstable_by_key(|(id, _)| *id);
    (votes.len() == need).then_some(votes)
}

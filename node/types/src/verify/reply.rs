//! Checking a reply certificate, with nothing but the membership.

use tetrarch_crypto::{Claim, SignatureScheme};

use super::Rejection;
use crate::{Membership, ReplyCertificate, Results, Signable, TentativeResults, TentativeVotes, Votes, result_leaf};

/// Rules: the sender signed the transaction, the path leads from its outcome to a root, and f + 1 distinct members signed it as the
/// root of what is decided; or q did, those who signed it otherwise as that of what is prepared in one view.
pub(crate) fn reply_certificate(
    certificate: &ReplyCertificate,
    membership: &Membership,
    scheme: &dyn SignatureScheme,
) -> Result<(), Rejection> {
    let scope = membership.scope();
    if certificate.transaction.body.chain != scope.genesis {
        return Err(Rejection::WrongChain);
    }
    scheme.check_key(&certificate.transaction.body.sender).map_err(Rejection::WeakKey)?;
    let leaf = result_leaf(&certificate.transaction.id(), &certificate.outcome);
    let root = certificate.path.root_from(leaf).ok_or(Rejection::WrongPath)?;
    are_enough(certificate, membership)?;
    let seq = certificate.seq;
    let mut claims = claims(&certificate.votes, &Results { seq, root }, membership)?;
    if let Some(TentativeVotes { view, votes }) = &certificate.tentative {
        claims.extend(self::claims(votes, &TentativeResults { view: *view, seq, root }, membership)?);
    }
    claims.push(certificate.transaction.claim(scope));
    if scheme.accepts_each(&claims).into_iter().all(|accepted| accepted) {
        Ok(())
    } else {
        Err(Rejection::BadSignature)
    }
}

fn are_enough(certificate: &ReplyCertificate, membership: &Membership) -> Result<(), Rejection> {
    let ReplyCertificate { votes: decided, tentative, .. } = certificate;
    // Said to be there and empty, it would be a second form of the same proof.
    if tentative.as_ref().is_some_and(|it| it.votes.is_empty()) {
        return Err(Rejection::TooFewVotes { have: 0, need: 1 });
    }
    if !certificate.signers().is_sorted_by(|one, next| one < next) {
        return Err(Rejection::UnorderedVotes);
    }
    let have = decided.len() + tentative.as_ref().map_or(0, |it| it.votes.len());
    let need = certificate.needed(membership);
    if have >= need { Ok(()) } else { Err(Rejection::TooFewVotes { have, need }) }
}

/// The signatures under one statement.
fn claims<S: Signable>(votes: &Votes, results: &S, membership: &Membership) -> Result<Vec<Claim>, Rejection> {
    if !votes.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(Rejection::UnorderedVotes);
    }
    let message = results.signing_bytes(membership.scope());
    votes
        .iter()
        .map(|(signer, signature)| {
            let key = *membership.key(*signer).ok_or(Rejection::NotAMember(*signer))?;
            Ok(Claim { key, message: message.clone(), signature: *signature })
        })
        .collect()
}

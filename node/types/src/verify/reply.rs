//! Checking a reply certificate, with nothing but the membership.

use tetrarch_crypto::{Claim, SignatureScheme};

use super::Rejection;
use crate::{Membership, ReplyCertificate, Results, Signable, result_leaf};

/// Rule R-5: the sender signed the transaction, the path leads from its outcome to a root, and f + 1 distinct members signed it.
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
    let mut claims = votes(certificate, &Results { seq: certificate.seq, root }, membership)?;
    claims.push(certificate.transaction.claim(scope));
    if scheme.accepts_each(&claims).into_iter().all(|accepted| accepted) {
        Ok(())
    } else {
        Err(Rejection::BadSignature)
    }
}

fn votes(certificate: &ReplyCertificate, results: &Results, membership: &Membership) -> Result<Vec<Claim>, Rejection> {
    let votes = &certificate.votes;
    if !votes.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(Rejection::UnorderedVotes);
    }
    if votes.len() < membership.weak_quorum() {
        return Err(Rejection::TooFewVotes { have: votes.len(), need: membership.weak_quorum() });
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

//! Checking a checkpoint certificate, with nothing but the membership.

use tetrarch_crypto::SignatureScheme;

use super::Rejection;
use super::claims::of_checkpoint_certificate;
use crate::{CheckpointCertificate, Membership};

/// Rule C-2: q distinct members signed this checkpoint.
pub(crate) fn checkpoint_certificate(
    certificate: &CheckpointCertificate,
    membership: &Membership,
    scheme: &dyn SignatureScheme,
) -> Result<(), Rejection> {
    let claims = of_checkpoint_certificate(certificate, membership)?;
    if scheme.accepts_each(&claims).into_iter().all(|accepted| accepted) {
        Ok(())
    } else {
        Err(Rejection::BadSignature)
    }
}

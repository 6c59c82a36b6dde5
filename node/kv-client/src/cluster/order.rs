//! The transaction, and what its outcome means.

use tetrarch_client::{Client, ClientError};
use tetrarch_kv::{Command, CommandResult};
use tetrarch_types::{Outcome, Refusal};

use crate::BackendError;

/// Signs a command, and sends the one transaction to all replicas again and again until q of them state its outcome or the client's time is up. It
/// is signed anew, with another nonce, only when f + 1 say that it did not execute and never will.
pub(super) async fn order(client: &Client, command: &Command) -> Result<CommandResult, BackendError> {
    let submitted = client.submit(command.encode()).await.map_err(|error| failure(&error))?;
    match submitted.outcome {
        Outcome::Executed(bytes) => {
            CommandResult::decode(&bytes).map_err(|error| BackendError::Unreadable(error.to_string()))
        }
        Outcome::Expired => Err(refused("it was ordered after the end of its validity; check this machine's clock")),
        Outcome::ValidTooLong => Err(refused("it would have been valid for too long; check this machine's clock")),
    }
}

/// What is not known to be without effect is told as [`BackendError::TimedOut`] or [`BackendError::Unavailable`], which leave it open.
pub(super) fn failure(error: &ClientError) -> BackendError {
    match error {
        ClientError::Unreachable(_) => BackendError::Unavailable(error.to_string()),
        ClientError::Disagree { .. } => BackendError::Disagree,
        // Each nonce that was tried went to another transaction, so none of ours executed.
        ClientError::NonceContention { .. } => BackendError::Busy,
        ClientError::Refused(refusal) if may_have_executed(refusal) => {
            tracing::warn!(%refusal, "what came of a transaction is not known");
            BackendError::TimedOut
        }
        ClientError::Refused(_)
        | ClientError::WrongChain { .. }
        | ClientError::Unacceptable(_)
        | ClientError::Nonces(_)
        | ClientError::Genesis(_)
        | ClientError::Network(_) => refused(&error.to_string()),
        ClientError::NoQuorum(_) | ClientError::NoProof(_) => {
            tracing::warn!(%error, "too few replicas agree in time");
            BackendError::TimedOut
        }
    }
}

/// The first copies of a transaction may have been ordered, and only a later one refused.
const fn may_have_executed(refusal: &Refusal) -> bool {
    !matches!(
        refusal,
        Refusal::BadSignature
            | Refusal::WeakKey
            | Refusal::WrongChain { .. }
            | Refusal::TooLarge { .. }
            | Refusal::NonceSpent { .. }
            | Refusal::Malformed(_)
    )
}

fn refused(why: &str) -> BackendError {
    BackendError::Refused(why.to_owned())
}

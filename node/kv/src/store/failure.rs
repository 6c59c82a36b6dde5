//! Why a request has no response.

use tetrarch_storage::StoreError;

use super::KvError;

/// It is refused, or the whole batch cannot go on.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(KvError),
    Store(StoreError),
}

impl From<KvError> for Failure {
    fn from(error: KvError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

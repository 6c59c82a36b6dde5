//! Waiting for the end of one key.

use std::sync::Arc;

use tetrarch_kv::{KeyRecord, KvError, KvQuery, RangeRequest};

use super::driver::Watch;
use crate::backend::{Backend, BackendError, Freshness};

/// Waits until a key is not there, as whoever waits for a lock does with the key in front of its own; gives a revision at which it was not. A key
/// that was deleted and put again since is another one if its record says so: `created` is the revision at which the awaited one came to
/// be.
///
/// # Errors
/// If the cluster cannot say whether the key is there. While it is there, this waits without end.
pub async fn until_deleted<B: Backend>(backend: &Arc<B>, key: &[u8], created: u64) -> Result<u64, BackendError> {
    loop {
        let (revision, record) = look(&**backend, key).await?;
        if record.is_none_or(|record| record.create_revision != created) {
            return Ok(revision);
        }
        let mut watch = Watch::from(backend.clone(), revision + 1, false);
        // What is compacted is looked for again.
        while let Ok(happened) = watch.next().await {
            if happened.changes.iter().any(|change| change.key == key && change.put.is_none()) {
                return Ok(happened.revision);
            }
        }
    }
}

/// The store's revision, and a key's record then.
async fn look<B: Backend>(backend: &B, key: &[u8]) -> Result<(u64, Option<KeyRecord>), BackendError> {
    loop {
        // At one revision replicas agree, whatever else goes on.
        let newest = super::newest(backend).await?;
        let range = RangeRequest::one(key).at(newest);
        let result = backend.query(&KvQuery::Range(range), Freshness::Linearizable).await?;
        match result.selection() {
            Ok(selection) => return Ok((newest, selection.records.into_iter().next().map(|(_, record)| record))),
            Err(KvError::Compacted) => {}
            Err(error) => return Err(unreadable(&error.to_string())),
        }
    }
}

fn unreadable(what: &str) -> BackendError {
    BackendError::Unreadable(what.to_owned())
}

//! The gateway as those see it who wait for their turn.

use tetrarch_kv::{Answered, KeyRange, RangeRequest, Request, Selection};
use tetrarch_kv_client::Backend;
use tetrarch_kv_client::turns::{Changes, PlainError, TurnStore, Within};
use tetrarch_kv_client::watch::Happened;

use super::reading::{self, Read};
use crate::gateway::Gateway;
use crate::refusal::Refusal;

impl<B: Backend> TurnStore for Gateway<B> {
    type Error = Refusal;
    type Changes = Watched;

    async fn order(&self, request: Request) -> Result<Answered, Refusal> {
        Self::order(self, request).await
    }

    async fn read(&self, request: RangeRequest) -> Result<(u64, Selection), Refusal> {
        let Read { revision, selection } = reading::range(self, request, false).await?;
        Ok((revision, selection))
    }

    async fn watch(&self, range: KeyRange, from: u64) -> Result<Watched, Refusal> {
        Ok(Watched(Within::of(self.shared_backend(), range, from, false)))
    }
}

/// Changes of some keys.
pub(crate) struct Watched(Within);

impl Changes for Watched {
    type Error = Refusal;

    async fn next(&mut self) -> Result<Happened, Refusal> {
        self.0.next().await.map_err(|error| match error {
            PlainError::Backend(error) => error.into(),
            PlainError::Store(error) => error.into(),
            PlainError::Compacted(_) => tetrarch_kv::KvError::Compacted.into(),
        })
    }
}

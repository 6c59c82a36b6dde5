//! The gateway as those see it who wait for their turn.

use tetrarch_kv::{Answered, KeyRange, KvError, RangeRequest, Request, Selection};
use tetrarch_kv_client::Backend;
use tetrarch_kv_client::turns::{Changes, TurnStore};
use tetrarch_kv_client::watch::{Change, Happened};

use super::reading::{self, Read};
use crate::gateway::Gateway;
use crate::hosts;
use crate::refusal::Refusal;
use crate::watches::Reader;

impl<B: Backend> TurnStore for Gateway<B> {
    type Error = Refusal;
    type Changes = Watched<B>;

    async fn order(&self, request: Request) -> Result<Answered, Refusal> {
        Self::order(self, request).await
    }

    async fn read(&self, request: RangeRequest) -> Result<(u64, Selection), Refusal> {
        let Read { revision, selection } = reading::range(self, request, false).await?;
        Ok((revision, selection))
    }

    async fn watch(&self, range: KeyRange, from: u64) -> Result<Watched<B>, Refusal> {
        Ok(Watched { range, reader: self.watches.read(from, false, hosts::own()) })
    }
}

/// Changes of some keys, out of the one log of what happened.
pub(crate) struct Watched<B> {
    range: KeyRange,
    reader: Reader<B>,
}

impl<B: Backend> Changes for Watched<B> {
    type Error = Refusal;

    async fn next(&mut self) -> Result<Happened, Refusal> {
        loop {
            let happened = self.reader.next().await.map_err(|_| KvError::Compacted)?;
            let of_range = happened.changes.iter().filter(|change| self.range.contains(&change.key));
            let changes: Vec<Change> = of_range.cloned().collect();
            if !changes.is_empty() {
                return Ok(Happened { revision: happened.revision, changes });
            }
        }
    }
}

//! A store for whoever is alone: each request is a transaction of its own.

use std::sync::Arc;

use tetrarch_kv::{Answered, Command, KeyRange, KvError, KvQuery, RangeRequest, Request, Response, Selection};

use super::queue::another;
use super::{Changes, TurnStore};
use crate::watch::{Compacted, Happened, Watch};
use crate::{Backend, BackendError, Freshness};

/// A cluster, asked for one thing at a time.
#[derive(Debug)]
pub struct Plain<B>(pub Arc<B>);

/// Why it does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlainError {
    /// The cluster does not answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] KvError),
    /// What was watched is gone before it could be read.
    #[error(transparent)]
    Compacted(#[from] Compacted),
}

/// The changes of a range.
#[derive(Debug)]
pub struct Within {
    range: KeyRange,
    watch: Watch,
}

impl<B: Backend> TurnStore for Plain<B> {
    type Error = PlainError;
    type Changes = Within;

    async fn order(&self, request: Request) -> Result<Answered, PlainError> {
        let results = self.0.order(&Command::from(request)).await?.results?;
        let first = results.into_iter().next();
        Ok(first.ok_or_else(|| BackendError::Unreadable("a result without an answer".to_owned()))??)
    }

    /// Without an order where replicas agree.
    async fn read(&self, request: RangeRequest) -> Result<(u64, Selection), PlainError> {
        match self.0.query(&KvQuery::Range(request.clone()), Freshness::Linearizable).await {
            Ok(result) => Ok((result.revision, result.selection()?)),
            Err(BackendError::Disagree) => match self.order(Request::Range(request)).await? {
                Answered { revision, response: Response::Range(selection) } => Ok((revision, selection)),
                _ => Err(another()),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn watch(&self, range: KeyRange, from: u64) -> Result<Within, PlainError> {
        Ok(Within::of(&self.0, range, from, false))
    }
}

impl Within {
    /// Watches keys from a revision on; with what was there before each change, if asked for. Has to be called in a runtime.
    pub fn of<B: Backend>(backend: &Arc<B>, range: KeyRange, from: u64, with_previous: bool) -> Self {
        Self { range, watch: Watch::from(backend.clone(), from, with_previous) }
    }
}

impl Changes for Within {
    type Error = PlainError;

    async fn next(&mut self) -> Result<Happened, PlainError> {
        loop {
            let mut happened = self.watch.next().await?;
            happened.changes.retain(|change| self.range.contains(&change.key));
            if !happened.changes.is_empty() {
                return Ok(happened);
            }
        }
    }
}

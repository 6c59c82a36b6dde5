//! How many questions there may be: under way, each on a thread that may wait for the disk, and in line behind those.

use std::sync::Arc;

use tetrarch_types::Query;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bounds;

/// Places for the questions that a node answers alone. Whoever holds one holds the store as well.
pub(crate) struct Places {
    under_way: Arc<Semaphore>,
    /// For questions about the status: a node full of reads still says how it is.
    statuses: Arc<Semaphore>,
    /// For those that wait for a place under way.
    line: Arc<Semaphore>,
}

impl Places {
    pub(crate) fn new() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            under_way: places(bounds::QUERIES),
            statuses: places(bounds::STATUS_QUERIES),
            line: places(bounds::QUERIES_IN_LINE),
        }
    }

    /// A place under way, if one is free and nobody waits for it.
    pub(crate) fn now(&self, query: &Query) -> Option<OwnedSemaphorePermit> {
        let places = if *query == Query::Status { &self.statuses } else { &self.under_way };
        Arc::clone(places).try_acquire_owned().ok()
    }

    /// A place in the line, if there is one. Statuses do not wait: who asks for one wants to know how it is at once.
    pub(crate) fn in_line(&self, query: &Query) -> Option<OwnedSemaphorePermit> {
        if *query == Query::Status { None } else { Arc::clone(&self.line).try_acquire_owned().ok() }
    }

    /// A place under way when it is this question's turn; none when the node is gone.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.under_way).acquire_owned().await.ok()
    }

    /// Waits until no question is in line or under way.
    pub(crate) async fn left(&self) {
        let counted = [
            (&self.line, bounds::QUERIES_IN_LINE),
            (&self.under_way, bounds::QUERIES),
            (&self.statuses, bounds::STATUS_QUERIES),
        ];
        for (places, count) in counted {
            let _all = places.acquire_many(u32::try_from(count).unwrap_or(u32::MAX)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Query {
        Query::Read(Vec::new())
    }

    #[tokio::test]
    async fn questions_wait_in_line_and_the_line_ends() {
        let places = Places::new();
        let mut under_way: Vec<_> = std::iter::from_fn(|| places.now(&read())).collect();
        let line: Vec<_> = std::iter::from_fn(|| places.in_line(&read())).collect();
        assert_eq!((under_way.len(), line.len()), (bounds::QUERIES, bounds::QUERIES_IN_LINE));
        assert!(places.now(&Query::Status).is_some(), "a node full of reads still says how it is");
        assert!(places.in_line(&Query::Status).is_none());

        let mut turn = std::pin::pin!(places.turn());
        tokio::select! {
            biased;
            _ = &mut turn => panic!("none is free"),
            () = tokio::task::yield_now() => {}
        }
        under_way.pop();
        assert!(places.now(&read()).is_none(), "nobody passes those who wait");
        let mine = turn.await.unwrap();
        drop((mine, under_way, line));
        places.left().await;
    }
}

//! How many questions there may be: under way, each on a thread that may wait for the disk, and in line behind those.

use std::sync::Arc;

use tetrarch_types::Query;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::bounds;

/// Places for the questions that a node answers alone. Whoever holds one holds the store as well.
pub(crate) struct Places {
    under_way: Arc<Semaphore>,
    /// For questions about the status: a node full of reads still says how it is.
    statuses: Arc<Semaphore>,
    /// For those that wait for a place under way.
    line: Arc<Semaphore>,
    /// For followers under way: one batch wakes thousands of them, behind which others would wait.
    followers: Arc<Semaphore>,
}

/// A question's place under way.
pub(crate) struct Place {
    _under_way: OwnedSemaphorePermit,
    _among_followers: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            under_way: places(bounds::QUERIES),
            statuses: places(bounds::STATUS_QUERIES),
            line: places(bounds::QUERIES_IN_LINE),
            followers: places(bounds::FOLLOWERS_ANSWERED),
        }
    }

    /// A place under way, if one is free and nobody waits for it.
    pub(crate) fn now(&self, query: &Query) -> Option<Place> {
        let places = if *query == Query::Status { &self.statuses } else { &self.under_way };
        let under_way = Arc::clone(places).try_acquire_owned().ok()?;
        Some(Place { _under_way: under_way, _among_followers: None })
    }

    /// A place in the line, if there is one. Statuses do not wait: who asks for one wants to know how it is at once.
    pub(crate) fn in_line(&self, query: &Query) -> Option<OwnedSemaphorePermit> {
        if *query == Query::Status { None } else { Arc::clone(&self.line).try_acquire_owned().ok() }
    }

    /// A place under way when it is this question's turn; none if that does not come before nobody waits for the answer any more.
    pub(crate) async fn turn(&self, query: &Query) -> Option<Place> {
        let taken = async |places: &Arc<Semaphore>| Arc::clone(places).acquire_owned().await.ok();
        let turn = async {
            let follows = matches!(query, Query::ReadAfter { .. });
            let among_followers = if follows { Some(taken(&self.followers).await?) } else { None };
            Some(Place { _under_way: taken(&self.under_way).await?, _among_followers: among_followers })
        };
        timeout(bounds::TURN_WITHIN, turn).await.ok().flatten()
    }

    /// Waits until no question is in line or under way.
    pub(crate) async fn left(&self) {
        left(&self.line, bounds::QUERIES_IN_LINE).await;
        left(&self.under_way, bounds::QUERIES).await;
        left(&self.statuses, bounds::STATUS_QUERIES).await;
    }
}

/// Waits until all of so many places are free.
pub(super) async fn left(places: &Semaphore, count: usize) {
    let _all = places.acquire_many(u32::try_from(count).unwrap_or(u32::MAX)).await;
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};

    use tetrarch_types::SeqNum;

    use super::*;

    fn read() -> Query {
        Query::Read(Vec::new())
    }

    fn follow() -> Query {
        Query::ReadAfter { executed: SeqNum::ZERO, question: Vec::new() }
    }

    /// Whether it waits.
    async fn waits<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = tokio::task::yield_now() => true,
        }
    }

    #[tokio::test]
    async fn questions_wait_in_line_and_the_line_ends() {
        let places = Places::new();
        let mut under_way: Vec<_> = std::iter::from_fn(|| places.now(&read())).collect();
        let line: Vec<_> = std::iter::from_fn(|| places.in_line(&read())).collect();
        assert_eq!((under_way.len(), line.len()), (bounds::QUERIES, bounds::QUERIES_IN_LINE));
        assert!(places.now(&Query::Status).is_some(), "a node full of reads still says how it is");
        assert!(places.in_line(&Query::Status).is_none());

        let query = read();
        let mut turn = pin!(places.turn(&query));
        assert!(waits(turn.as_mut()).await, "none is free");
        under_way.pop();
        assert!(places.now(&read()).is_none(), "nobody passes those who wait");
        let mine = turn.await;
        assert!(mine.is_some());
        drop((mine, under_way, line));
        places.left().await;
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_longer_than_for_an_answer() {
        let places = Places::new();
        let _all: Vec<_> = std::iter::from_fn(|| places.now(&read())).collect();
        let before = tokio::time::Instant::now();
        assert!(places.turn(&read()).await.is_none());
        assert_eq!(before.elapsed(), bounds::TURN_WITHIN);
    }

    #[tokio::test]
    async fn followers_leave_places_to_others() {
        let places = Places::new();
        let mut answered = Vec::new();
        for _ in 0..bounds::FOLLOWERS_ANSWERED {
            answered.extend(places.turn(&follow()).await);
        }
        assert_eq!(answered.len(), bounds::FOLLOWERS_ANSWERED);
        let query = follow();
        let mut another = pin!(places.turn(&query));
        assert!(waits(another.as_mut()).await, "there are enough of them");
        assert!(places.now(&read()).is_some(), "and nobody else stands behind it");
        answered.pop();
        assert!(another.await.is_some());
    }
}

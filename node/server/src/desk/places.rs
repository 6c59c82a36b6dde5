//! How many questions there may be: under way, each on a thread that may wait for the disk, and in line behind those.

use std::sync::Arc;

use tetrarch_types::Host;
use tetrarch_types::Query;
use tokio::time::timeout;

use crate::bounds;
use crate::sharing::{Line, Permit, Share, Shares};

/// Places for the questions that a node answers alone. Whoever holds one holds the store as well.
pub(crate) struct Places {
    under_way: Arc<Line>,
    /// For questions about the status: a node full of reads still says how it is.
    statuses: Arc<Shares>,
    /// For those that wait for a place under way.
    line: Arc<Shares>,
    /// For followers under way: one batch wakes thousands of them, behind which others would wait.
    followers: Arc<Line>,
}

/// A question's place under way.
#[derive(Default)]
pub(crate) struct Place {
    _under_way: Option<Permit>,
    _among_followers: Option<Permit>,
    _among_statuses: Option<Share>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            under_way: Line::of(bounds::QUERIES),
            statuses: Shares::of(bounds::STATUS_QUERIES),
            line: Shares::of(bounds::QUERIES_IN_LINE),
            followers: Line::of(bounds::FOLLOWERS_ANSWERED),
        }
    }

    /// A place under way, if one is free and nobody waits for it.
    pub(crate) fn now(&self, query: &Query, host: Host) -> Option<Place> {
        Some(match query {
            Query::Status => Place { _among_statuses: Some(self.statuses.take(host)?), ..Place::default() },
            _ => Place { _under_way: Some(self.under_way.now()?), ..Place::default() },
        })
    }

    /// A place in the line, if there is one for this host. Statuses do not wait: who asks for one wants to know how it is at once.
    pub(crate) fn in_line(&self, query: &Query, host: Host) -> Option<Share> {
        if *query == Query::Status { None } else { self.line.take(host) }
    }

    /// A place under way when it is this question's turn; none if that does not come before nobody waits for the answer any more.
    pub(crate) async fn turn(&self, query: &Query, host: Host) -> Option<Place> {
        let turn = async {
            let follows = matches!(query, Query::ReadAfter { .. });
            let among_followers = if follows { Some(self.followers.turn(host).await?) } else { None };
            let under_way = Some(self.under_way.turn(host).await?);
            Some(Place { _under_way: under_way, _among_followers: among_followers, ..Place::default() })
        };
        timeout(bounds::TURN_WITHIN, turn).await.ok().flatten()
    }

    /// Waits until no question is in line or under way.
    pub(crate) async fn left(&self) {
        self.line.left().await;
        self.under_way.left().await;
        self.statuses.left().await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};

    use tetrarch_types::SeqNum;

    use super::*;
    use crate::sharing::host;

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
        let mut under_way: Vec<_> = std::iter::from_fn(|| places.now(&read(), host(1))).collect();
        let line: Vec<_> = std::iter::from_fn(|| places.in_line(&read(), host(1))).collect();
        assert_eq!((under_way.len(), line.len()), (bounds::QUERIES, bounds::QUERIES_IN_LINE / 2));
        assert!(places.in_line(&read(), host(2)).is_some(), "who has all places leaves as many in line to others");
        assert!(places.now(&Query::Status, host(1)).is_some(), "a node full of reads still says how it is");
        assert!(places.in_line(&Query::Status, host(1)).is_none());

        let query = read();
        let mut turn = pin!(places.turn(&query, host(1)));
        assert!(waits(turn.as_mut()).await, "none is free");
        under_way.pop();
        assert!(places.now(&read(), host(1)).is_none(), "nobody passes those who wait");
        let mine = turn.await;
        assert!(mine.is_some());
        drop((mine, under_way, line));
        places.left().await;
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_longer_than_for_an_answer() {
        let places = Places::new();
        let _all: Vec<_> = std::iter::from_fn(|| places.now(&read(), host(1))).collect();
        let before = tokio::time::Instant::now();
        assert!(places.turn(&read(), host(1)).await.is_none());
        assert_eq!(before.elapsed(), bounds::TURN_WITHIN);
    }

    #[tokio::test]
    async fn followers_leave_places_to_others() {
        let places = Places::new();
        let mut answered = Vec::new();
        for _ in 0..bounds::FOLLOWERS_ANSWERED {
            answered.extend(places.turn(&follow(), host(1)).await);
        }
        assert_eq!(answered.len(), bounds::FOLLOWERS_ANSWERED);
        let query = follow();
        let mut another = pin!(places.turn(&query, host(1)));
        assert!(waits(another.as_mut()).await, "there are enough of them");
        assert!(places.now(&read(), host(1)).is_some(), "and nobody else stands behind it");
        answered.pop();
        assert!(another.await.is_some());
    }
}

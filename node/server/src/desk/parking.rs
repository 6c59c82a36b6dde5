//! Reads that wait until something more is executed: how a client follows the state without asking all the time.

use std::sync::Arc;

use tetrarch_types::SeqNum;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::bounds;

/// Tells those who wait what is executed. Each has one of a bounded number of places.
pub(crate) struct Parking {
    /// The last batch executed; none once the node stops.
    executed: watch::Sender<Option<SeqNum>>,
    places: Arc<Semaphore>,
}

impl Parking {
    pub(crate) fn new() -> Self {
        let (executed, _) = watch::channel(Some(SeqNum::ZERO));
        Self { executed, places: Arc::new(Semaphore::new(bounds::PARKED)) }
    }

    /// Everything through this batch is executed, or in place of what was.
    pub(crate) fn post(&self, seq: SeqNum) {
        self.executed.send_if_modified(|posted| {
            let is_news = posted.is_some_and(|before| before < seq);
            if is_news {
                *posted = Some(seq);
            }
            is_news
        });
    }

    /// A place to wait at, if there is one.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Waits until something behind this batch is executed, or for as long as anyone may. False if the node stops.
    pub(crate) async fn beyond(&self, seq: SeqNum) -> bool {
        let mut posted = self.executed.subscribe();
        let waited = timeout(bounds::PARKED_FOR, posted.wait_for(|it| it.is_none_or(|executed| executed > seq))).await;
        waited.is_err() || waited.is_ok_and(|posted| posted.is_ok_and(|it| it.is_some()))
    }

    /// The node stops: nobody waits any longer.
    pub(crate) fn close(&self) {
        self.executed.send_replace(None);
    }

    /// Waits until nobody has a place any more.
    pub(crate) async fn left(&self) {
        let _all = self.places.acquire_many(u32::try_from(bounds::PARKED).unwrap_or(u32::MAX)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_what_is_behind_and_not_for_ever() {
        let parking = Arc::new(Parking::new());
        parking.post(SeqNum::new(3));
        assert!(parking.beyond(SeqNum::new(2)).await, "it is there already");
        let waiting = tokio::spawn({
            let parking = Arc::clone(&parking);
            async move { parking.beyond(SeqNum::new(3)).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        parking.post(SeqNum::new(2));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished(), "nothing behind it is executed");
        parking.post(SeqNum::new(4));
        assert!(waiting.await.unwrap());

        let before = tokio::time::Instant::now();
        assert!(parking.beyond(SeqNum::new(4)).await, "it is answered all the same");
        assert_eq!(before.elapsed(), bounds::PARKED_FOR);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_when_the_node_stops_and_places_are_bounded() {
        let parking = Arc::new(Parking::new());
        let places: Vec<_> = std::iter::from_fn(|| parking.place()).collect();
        assert_eq!(places.len(), bounds::PARKED);
        let waiting = tokio::spawn({
            let parking = Arc::clone(&parking);
            async move { parking.beyond(SeqNum::ZERO).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        parking.close();
        parking.post(SeqNum::new(9));
        assert!(!waiting.await.unwrap() && !parking.beyond(SeqNum::ZERO).await);
        drop(places);
        parking.left().await;
    }
}

//! Reads that wait until something more is executed: how a client follows the state without asking all the time, and how nobody is told less
//! than somebody was told before (rule X-4).

use std::sync::Arc;

use tetrarch_types::Host;
use tetrarch_types::SeqNum;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::bounds;
use crate::sharing::{Share, Shares};

/// What a read waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// That something behind this batch is executed. Who waits in vain is answered with what there is.
    Behind(SeqNum),
    /// That this batch is executed. Who waits in vain must not be answered.
    Executed(SeqNum),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The read may be answered.
    Enough,
    /// It may not be, and has waited long enough.
    InVain,
    /// The node stops.
    Stopped,
}

/// Tells those who wait what is executed. Each has one of a bounded number of places.
pub(crate) struct Parking {
    /// The last batch executed; none once the node stops.
    executed: watch::Sender<Option<SeqNum>>,
    /// For those who follow the state.
    followers: Arc<Shares>,
    /// For those who wait for what clients were told of: followers, which wait for long and may be anybody, take them no place.
    readers: Arc<Shares>,
}

impl Parking {
    pub(crate) fn new() -> Self {
        let (executed, _) = watch::channel(Some(SeqNum::ZERO));
        Self { executed, followers: Shares::of(bounds::PARKED), readers: Shares::of(bounds::PARKED) }
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

    /// A place to wait at, if there is one for this host.
    pub(crate) fn place(&self, until: Until, host: Host) -> Option<Share> {
        let places = match until {
            Until::Behind(_) => &self.followers,
            Until::Executed(_) => &self.readers,
        };
        places.take(host)
    }

    /// Waits for that, or for as long as anyone may.
    pub(crate) async fn wait(&self, until: Until) -> Waited {
        let (first, patience, late) = match until {
            Until::Behind(seq) => (seq.next(), bounds::PARKED_FOR, Waited::Enough),
            Until::Executed(seq) => (seq, bounds::TOLD_FOR, Waited::InVain),
        };
        let mut posted = self.executed.subscribe();
        match timeout(patience, posted.wait_for(|it| it.is_none_or(|executed| executed >= first))).await {
            Err(_) => late,
            Ok(Ok(executed)) if executed.is_some() => Waited::Enough,
            Ok(_) => Waited::Stopped,
        }
    }

    /// The node stops: nobody waits any longer.
    pub(crate) fn close(&self) {
        self.executed.send_replace(None);
    }

    /// Waits until nobody has a place any more.
    pub(crate) async fn left(&self) {
        self.followers.left().await;
        self.readers.left().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sharing::host;

    #[tokio::test(start_paused = true)]
    async fn waits_for_what_is_behind_and_not_for_ever() {
        let parking = Arc::new(Parking::new());
        parking.post(SeqNum::new(3));
        assert!(parking.wait(Until::Behind(SeqNum::new(2))).await == Waited::Enough, "it is there already");
        let waiting = tokio::spawn({
            let parking = Arc::clone(&parking);
            async move { parking.wait(Until::Behind(SeqNum::new(3))).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        parking.post(SeqNum::new(2));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished(), "nothing behind it is executed");
        parking.post(SeqNum::new(4));
        assert_eq!(waiting.await.unwrap(), Waited::Enough);

        let before = tokio::time::Instant::now();
        let waited = parking.wait(Until::Behind(SeqNum::new(4))).await;
        assert_eq!(waited, Waited::Enough, "it is answered all the same");
        assert_eq!(before.elapsed(), bounds::PARKED_FOR);
    }

    #[tokio::test(start_paused = true)]
    async fn what_somebody_was_told_of_is_waited_for_and_nothing_else_is_said() {
        let parking = Arc::new(Parking::new());
        parking.post(SeqNum::new(3));
        assert_eq!(parking.wait(Until::Executed(SeqNum::new(3))).await, Waited::Enough, "it is there already");
        let waiting = tokio::spawn({
            let parking = Arc::clone(&parking);
            async move { parking.wait(Until::Executed(SeqNum::new(4))).await }
        });
        tokio::time::sleep(bounds::TOLD_FOR / 2).await;
        assert!(!waiting.is_finished());
        parking.post(SeqNum::new(4));
        assert_eq!(waiting.await.unwrap(), Waited::Enough);

        let before = tokio::time::Instant::now();
        assert_eq!(parking.wait(Until::Executed(SeqNum::new(5))).await, Waited::InVain);
        assert_eq!(before.elapsed(), bounds::TOLD_FOR);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_when_the_node_stops_and_places_are_bounded() {
        let parking = Arc::new(Parking::new());
        let all = |until| std::iter::from_fn(|| parking.place(until, host(1))).collect::<Vec<_>>();
        let (followers, readers) = (all(Until::Behind(SeqNum::ZERO)), all(Until::Executed(SeqNum::new(9))));
        assert_eq!(
            (followers.len(), readers.len()),
            (bounds::PARKED / 2, bounds::PARKED / 2),
            "neither takes the other a place"
        );
        let waiting = tokio::spawn({
            let parking = Arc::clone(&parking);
            async move { parking.wait(Until::Behind(SeqNum::ZERO)).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        parking.close();
        parking.post(SeqNum::new(9));
        assert_eq!(waiting.await.unwrap(), Waited::Stopped);
        assert_eq!(parking.wait(Until::Executed(SeqNum::ZERO)).await, Waited::Stopped);
        drop((followers, readers));
        parking.left().await;
    }
}

//! What all stations share.

use std::sync::{Arc, Mutex};

use tetrarch_replica::Decided;

use crate::clock::Clock;
use crate::counters::Counts;
use crate::desk::{Parking, Places};
use crate::executor::Progress;
use crate::health::Health;
use crate::inbox::Inbox;
use crate::seam::Seam;
use crate::supplier::Wishes;
use crate::verifier::Bench;

/// Queues, health, counts and clock of one node.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) health: Arc<Health>,
    pub(crate) bench: Arc<Bench>,
    /// What the driver decided, to know late COMMITs by.
    pub(crate) decided: Arc<Mutex<Decided>>,
    pub(crate) wishes: Arc<Wishes>,
    /// How far a state transfer is.
    pub(crate) progress: Progress,
    /// Places for questions.
    pub(crate) places: Arc<Places>,
    /// Places for questions that wait for what is executed next.
    pub(crate) parking: Arc<Parking>,
    /// Who speaks and hears in this node's place: nobody, but in a replica that was corrupted on purpose.
    pub(crate) seam: Option<Arc<dyn Seam>>,
    pub(crate) counts: Counts,
    pub(crate) clock: Clock,
}

impl Shared {
    pub(crate) fn new(clock: Clock, seam: Option<Arc<dyn Seam>>) -> Self {
        let (inbox, counts) = (Arc::new(Inbox::new()), Counts::new());
        Self {
            health: Arc::new(Health::new(Arc::clone(&inbox))),
            bench: Arc::new(Bench::new(counts.clone())),
            decided: Arc::default(),
            wishes: Arc::new(Wishes::default()),
            progress: Progress::default(),
            places: Arc::new(Places::new()),
            parking: Arc::new(Parking::new()),
            seam,
            clock,
            inbox,
            counts,
        }
    }

    /// Waits for the questions under way, which hold the store: when all places are free, none is left.
    pub(crate) async fn answered(&self) {
        self.parking.close();
        self.parking.left().await;
        self.places.left().await;
    }

    /// Every station ends when it has finished what it is doing.
    pub(crate) fn stop(&self) {
        self.inbox.close();
        self.bench.close();
        self.wishes.close();
    }
}

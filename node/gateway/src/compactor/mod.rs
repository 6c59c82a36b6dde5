//! Compaction that nobody has to ask for: history older than what was chosen is given up, and its disk with it.

mod due;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tetrarch_kv::KvError;
use tetrarch_kv_client::Backend;
use tokio::time::{MissedTickBehavior, interval};

use self::due::Due;
use crate::gateway::Gateway;
use crate::refusal::Refusal;

/// How much of the store's history is kept, by etcd's names. Each gateway that is told to compacts for the whole store; where several are, the
/// one that keeps the least decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoCompaction {
    /// What happened within this time, and up to a tenth of it more. A gateway that has just started first learns how old revisions are, for as long.
    Periodic(Duration),
    /// So many revisions, and what comes to be within five minutes.
    Revision(u64),
}

/// Lets go of history as it comes of age, without end. An idle cluster is asked for its revision and orders nothing.
pub(crate) async fn run<B: Backend>(gateway: Arc<Gateway<B>>, kept: AutoCompaction) {
    let began = Instant::now();
    let mut due = Due::new(kept);
    let mut looks = interval(kept.pause());
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Ok(newest) = gateway.newest().await else { continue };
        let Some(revision) = due.at(began.elapsed(), newest) else { continue };
        match gateway.compact(revision).await {
            Ok(_) => tracing::info!(revision, "history was compacted"),
            // Somebody else was quicker.
            Err(Refusal::Store(KvError::Compacted)) => {}
            Err(refusal) => {
                let why = tonic::Status::from(refusal);
                tracing::warn!(revision, why = why.message(), "history was not compacted; it is tried again");
                continue;
            }
        }
        due.done(revision);
    }
}

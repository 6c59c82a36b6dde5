//! What the orderer makes of a cluster behind a gate: commands stop there until the test lets them pass.

use std::future;
use std::sync::Mutex;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Command, CommandResult, KvQuery, QueryResult, Response};
use tetrarch_kv_client::{ClusterStatus, Freshness, Standing, Told};
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, SeqNum, Timestamp};

use super::*;
use crate::metrics::Metrics;

/// Answers each revocation of a lease at the revision of the lease's number, and a put at revision 0.
struct Gate {
    /// How many requests each command had.
    commands: Mutex<Vec<usize>>,
    passes: Semaphore,
    /// Whether no two answers fit into one command.
    crowded: bool,
    silent: bool,
}

impl Gate {
    fn new(crowded: bool, silent: bool) -> Arc<Self> {
        Arc::new(Self { commands: Mutex::default(), passes: Semaphore::new(0), crowded, silent })
    }

    fn commands(&self) -> Vec<usize> {
        self.commands.lock().unwrap().clone()
    }

    async fn until(&self, commands: usize) {
        while self.commands().len() < commands {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Fills the way, one request a command.
    async fn fill(&self, orderer: &Orderer) -> Vec<Pending> {
        let mut pending = Vec::new();
        for id in 0..COMMANDS_UNDER_WAY {
            pending.push(orderer.submit(revoke(id)).await.unwrap());
            self.until(id + 1).await;
        }
        pending
    }
}

impl Backend for Gate {
    async fn order(&self, command: &Command) -> Result<CommandResult, BackendError> {
        self.commands.lock().unwrap().push(command.requests.len());
        if self.silent {
            future::pending::<()>().await;
        }
        self.passes.acquire().await.unwrap().forget();
        let result = |request: &Request| match request {
            _ if self.crowded && command.requests.len() > 1 => Err(KvError::AnswerTooLarge),
            Request::LeaseRevoke { id } => Ok(Answered { revision: *id, response: Response::LeaseRevoked }),
            _ => Ok(Answered { revision: 0, response: Response::Put { version: 1, previous: None } }),
        };
        Ok(CommandResult { revision: 1, results: Ok(command.requests.iter().map(result).collect()) })
    }

    async fn query(&self, _: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        Err(BackendError::Busy)
    }

    async fn tell(&self, _: ReplicaId, _: &KvQuery, _: Option<SeqNum>) -> Result<Told, BackendError> {
        Err(BackendError::Busy)
    }

    fn membership(&self) -> Membership {
        Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), Vec::new())
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        Err(BackendError::Busy)
    }

    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn leader_seen(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO
    }
}

fn revoke(id: usize) -> Request {
    Request::LeaseRevoke { id: id as u64 }
}

async fn revisions(pending: Vec<Pending>) -> Vec<u64> {
    let mut revisions = Vec::new();
    for pending in pending {
        revisions.push(pending.result().await.unwrap().revision);
    }
    revisions
}

#[tokio::test]
async fn what_comes_while_commands_are_under_way_travels_together() {
    let gate = Gate::new(false, false);
    let orderer = Orderer::start(gate.clone(), Arc::new(Metrics::new()));
    let mut pending = gate.fill(&orderer).await;
    for id in COMMANDS_UNDER_WAY..200 {
        pending.push(orderer.submit(revoke(id)).await.unwrap());
    }
    gate.passes.add_permits(1_000);
    assert_eq!(revisions(pending).await, (0..200).collect::<Vec<u64>>(), "each has its own result");
    assert_eq!(gate.commands(), [1, 1, 1, 1, 1, 1, 1, 1, 128, 64]);
}

#[tokio::test(start_paused = true)]
async fn callers_that_were_answered_together_travel_together() {
    let gate = Gate::new(false, false);
    let orderer = Orderer::start(gate.clone(), Arc::new(Metrics::new()));
    for (round, apart) in [0, 10, 10].into_iter().enumerate() {
        let mut pending = Vec::new();
        for id in 0..4 {
            pending.push(orderer.submit(revoke(id)).await.unwrap());
            // One that waited for nobody would be under way by then.
            for _ in 0..apart {
                tokio::task::yield_now().await;
            }
        }
        gate.passes.add_permits(1);
        assert_eq!(revisions(pending).await, [0, 1, 2, 3], "round {round}");
    }
    assert_eq!(gate.commands(), [4, 4, 4]);
}

#[tokio::test]
async fn who_suffers_from_neighbours_goes_again_alone() {
    let gate = Gate::new(true, false);
    let orderer = Orderer::start(gate.clone(), Arc::new(Metrics::new()));
    let mut pending = gate.fill(&orderer).await;
    for id in COMMANDS_UNDER_WAY..11 {
        pending.push(orderer.submit(revoke(id)).await.unwrap());
    }
    gate.passes.add_permits(1_000);
    assert_eq!(revisions(pending).await, (0..11).collect::<Vec<u64>>());
    assert_eq!(gate.commands(), [1, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1]);
}

#[tokio::test]
async fn whoever_went_away_is_not_ordered_for() {
    let gate = Gate::new(false, false);
    let orderer = Orderer::start(gate.clone(), Arc::new(Metrics::new()));
    let mut pending = gate.fill(&orderer).await;
    for id in 100..110 {
        drop(orderer.submit(revoke(id)).await.unwrap());
    }
    pending.push(orderer.submit(revoke(8)).await.unwrap());
    gate.passes.add_permits(1_000);
    assert_eq!(revisions(pending).await, (0..9).collect::<Vec<u64>>());
    assert_eq!(gate.commands(), [1; 9]);
}

#[tokio::test(start_paused = true)]
async fn more_bytes_than_may_wait_wait_at_the_door() {
    let gate = Gate::new(false, false);
    let orderer = Orderer::start(gate.clone(), Arc::new(Metrics::new()));
    let large = || Request::put("k", vec![0; 1_000_000]);
    let mut pending = Vec::new();
    for _ in 0..WAITING_BYTES / 1_000_100 {
        pending.push(orderer.submit(large()).await.unwrap());
    }
    let second = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(second, orderer.submit(large())).await.is_err(), "there is no room");
    gate.passes.add_permits(1_000);
    revisions(pending).await;
    assert!(tokio::time::timeout(second, orderer.submit(large())).await.unwrap().is_ok(), "there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_silent_cluster_keeps_nobody_for_ever() {
    let gate = Gate::new(false, true);
    let orderer = Orderer::start(gate.clone(), Arc::new(Metrics::new()));
    let pending = gate.fill(&orderer).await;
    let behind = orderer.submit(revoke(8)).await.unwrap();
    for pending in pending.into_iter().chain([behind]) {
        assert_eq!(pending.result().await, Err(BackendError::TimedOut.into()));
    }
}

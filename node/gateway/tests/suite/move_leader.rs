//! The primary gives way to the next one.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::local::member;
use crate::support::scripted::Scripted;
use tetrarch_gateway::messages::maintenance::{MoveLeaderRequest, MoveLeaderResponse, StatusRequest, StatusResponse};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

const TOO_LONG: &str = "etcdserver: request timed out, leader transfer took too long";

/// A gateway over a cluster that does what it is told.
struct Scene {
    cluster: Scripted,
    caller: Caller,
    _gateway: Running,
}

impl Scene {
    async fn new() -> Self {
        let cluster = Scripted::new(0);
        let gateway = Running::start(cluster.clone());
        Self { cluster, caller: Caller::to(&gateway).await, _gateway: gateway }
    }

    async fn move_to(&self, target_id: u64) -> Result<(), (Code, String)> {
        told(move_leader(self.caller.clone(), target_id).await)
    }

    /// Asks, and comes back when that is about to be ordered.
    async fn asking(&self, target_id: u64) -> JoinHandle<Result<(), Status>> {
        let asking = tokio::spawn(move_leader(self.caller.clone(), target_id));
        while self.ordered() == 0 {
            assert!(!asking.is_finished());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        asking
    }

    fn ordered(&self) -> usize {
        self.cluster.commands.load(Ordering::SeqCst)
    }

    async fn leader(&self) -> (u64, u64) {
        let status: StatusResponse =
            self.caller.call("/etcdserverpb.Maintenance/Status", StatusRequest {}).await.unwrap();
        let header = status.header.unwrap();
        assert_eq!((header.member_id, header.raft_term), (status.leader, status.raft_term));
        (status.leader, status.raft_term)
    }
}

async fn move_leader(caller: Caller, target_id: u64) -> Result<(), Status> {
    let moved: Result<MoveLeaderResponse, _> =
        caller.call("/etcdserverpb.Maintenance/MoveLeader", MoveLeaderRequest { target_id }).await;
    moved.map(|response| assert_eq!(response.header, None, "etcd gives none"))
}

fn told(result: Result<(), Status>) -> Result<(), (Code, String)> {
    result.map_err(|status| (status.code(), status.message().to_owned()))
}

#[tokio::test]
async fn whoever_leads_already_and_whoever_cannot_lead_next_cost_no_order() {
    let scene = Scene::new().await;
    assert_eq!(scene.move_to(member(0)).await, Ok(()));
    for stranger in [0, 7, member(3) + 1, u64::MAX] {
        let refused = (Code::FailedPrecondition, "etcdserver: bad leader transferee".to_owned());
        assert_eq!(scene.move_to(stranger).await, Err(refused));
    }
    for later in [member(2), member(3)] {
        let (code, text) = scene.move_to(later).await.unwrap_err();
        assert_eq!(code, Code::FailedPrecondition);
        assert!(text.starts_with("etcdserver: replicas lead in turn") && text.contains("replica-1 (1eae)"), "{text}");
    }
    assert_eq!((scene.ordered(), scene.leader().await), (0, (member(0), 3)));
}

#[tokio::test]
async fn the_next_one_leads_when_it_is_answered_and_nobody_for_a_minute_behind_it() {
    let scene = Scene::new().await;
    scene.cluster.passes.add_permits(2);
    assert_eq!(scene.move_to(member(1)).await, Ok(()));
    assert_eq!(scene.leader().await, (member(1), 4));
    let (code, text) = scene.move_to(member(2)).await.unwrap_err();
    assert_eq!(code, Code::ResourceExhausted, "clients of etcd try again at once what is unavailable");
    let seconds = text.split_whitespace().rev().nth(1).unwrap();
    assert!(text.contains("less than a minute ago") && (55..=60).contains(&seconds.parse::<u64>().unwrap()), "{text}");
    assert_eq!((scene.ordered(), scene.leader().await), (2, (member(1), 4)));
}

#[tokio::test]
async fn it_is_answered_when_the_view_has_begun_and_not_before() {
    let scene = Scene::new().await;
    scene.cluster.stuck.store(true, Ordering::SeqCst);
    let asking = scene.asking(member(1)).await;
    scene.cluster.passes.add_permits(1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asking.is_finished() && scene.leader().await == (member(1), 4));
    scene.cluster.stuck.store(false, Ordering::SeqCst);
    assert_eq!(told(asking.await.unwrap()), Ok(()));
}

/// The view ends by itself meanwhile: then nobody leaves the one that was named, and the target leads all the same, or it has had its turn.
#[tokio::test]
async fn who_leads_in_the_end_is_what_counts() {
    for (views, expected) in [(1, Ok(())), (2, Err((Code::Unknown, TOO_LONG.to_owned())))] {
        let scene = Scene::new().await;
        let asking = scene.asking(member(1)).await;
        scene.cluster.local.turn.fetch_add(views, Ordering::SeqCst);
        scene.cluster.passes.add_permits(1);
        assert_eq!(told(asking.await.unwrap()), expected);
        assert_eq!(scene.leader().await, (member(views), 3 + views));
    }
}

#[tokio::test]
async fn who_does_not_come_is_waited_for_ten_seconds() {
    let scene = Scene::new().await;
    scene.cluster.stuck.store(true, Ordering::SeqCst);
    scene.cluster.passes.add_permits(1);
    let began = Instant::now();
    assert_eq!(scene.move_to(member(1)).await, Err((Code::Unknown, TOO_LONG.to_owned())));
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(9) && took < Duration::from_secs(20), "{took:?}");
}

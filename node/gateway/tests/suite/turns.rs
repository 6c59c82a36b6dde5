//! Locks and elections: the same calls to a gateway and to a real etcd have to be told the same.

use std::fmt::Debug;
use std::time::Duration;

use crate::installed::has_etcd;
use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::programs::Etcd;
use prost::Message;
use tetrarch_gateway::messages::election::{
    CampaignRequest, CampaignResponse, LeaderKey, LeaderRequest, LeaderResponse, ProclaimRequest, ProclaimResponse,
    ResignRequest, ResignResponse,
};
use tetrarch_gateway::messages::kv::{DeleteRangeRequest, DeleteRangeResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::lease::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseRevokeRequest, LeaseRevokeResponse,
};
use tetrarch_gateway::messages::lock::{LockRequest, LockResponse, UnlockRequest, UnlockResponse};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tonic::{Status, Streaming};

/// Long enough for whoever may go on to go on.
const A_WHILE: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// What was told, as it is compared.
#[derive(Default)]
struct Transcript(Vec<String>);

impl Transcript {
    fn note<T: Debug>(&mut self, what: &str, told: &Result<T, Status>) {
        let told = match told {
            Ok(told) => format!("{told:?}"),
            Err(status) => format!("{:?} {}", status.code(), status.message()),
        };
        self.0.push(format!("{what}: {told}"));
    }
}

/// One side of the comparison; the calls that some tests make.
#[derive(Clone)]
struct Side(Caller);

impl Side {
    async fn call<M: Message + 'static, N: Message + Default + 'static>(
        &self,
        path: &'static str,
        message: M,
    ) -> Result<N, Status> {
        timeout(LONG, self.0.call(path, message)).await.unwrap()
    }

    async fn lease(&self, id: i64, ttl: i64) {
        let grant = LeaseGrantRequest { id, ttl };
        let _: LeaseGrantResponse = self.call("/etcdserverpb.Lease/LeaseGrant", grant).await.unwrap();
    }

    async fn revoke(&self, id: i64) {
        let revoke = LeaseRevokeRequest { id };
        let _: LeaseRevokeResponse = self.call("/etcdserverpb.Lease/LeaseRevoke", revoke).await.unwrap();
    }

    /// The key, and the revision of the header.
    async fn lock(&self, name: &str, lease: i64) -> Result<(String, i64), Status> {
        let message = LockRequest { name: name.into(), lease };
        let held: LockResponse = self.call("/v3lockpb.Lock/Lock", message).await?;
        Ok((text(&held.key), held.header.unwrap().revision))
    }

    fn lock_later(&self, name: &'static str, lease: i64) -> JoinHandle<Result<(String, i64), Status>> {
        let side = self.clone();
        tokio::spawn(async move { side.lock(name, lease).await })
    }

    async fn unlock(&self, key: &str) -> Result<i64, Status> {
        let message = UnlockRequest { key: key.into() };
        let done: UnlockResponse = self.call("/v3lockpb.Lock/Unlock", message).await?;
        Ok(done.header.unwrap().revision)
    }

    async fn campaign(&self, name: &str, lease: i64, value: &str) -> Result<LeaderKey, Status> {
        let message = CampaignRequest { name: name.into(), lease, value: value.into() };
        let won: CampaignResponse = self.call("/v3electionpb.Election/Campaign", message).await?;
        Ok(won.leader.unwrap())
    }

    async fn leader(&self, name: &str) -> Result<(String, String, i64), Status> {
        let message = LeaderRequest { name: name.into() };
        let told: LeaderResponse = self.call("/v3electionpb.Election/Leader", message).await?;
        Ok(leads(told))
    }

    async fn observe(&self, name: &str) -> Streaming<LeaderResponse> {
        let message = LeaderRequest { name: name.into() };
        self.0.follow("/v3electionpb.Election/Observe", message).await.unwrap()
    }

    async fn proclaim(&self, leader: Option<LeaderKey>, value: &str) -> Result<i64, Status> {
        let message = ProclaimRequest { leader, value: value.into() };
        let done: ProclaimResponse = self.call("/v3electionpb.Election/Proclaim", message).await?;
        Ok(done.header.unwrap().revision)
    }

    async fn resign(&self, leader: Option<LeaderKey>) -> Result<i64, Status> {
        let message = ResignRequest { leader };
        let done: ResignResponse = self.call("/v3electionpb.Election/Resign", message).await?;
        Ok(done.header.unwrap().revision)
    }

    async fn keys(&self, prefix: &str) -> i64 {
        let end = tetrarch_kv::store::prefix_end(prefix.as_bytes());
        let message = RangeRequest { key: prefix.into(), range_end: end, count_only: true, ..Default::default() };
        let found: RangeResponse = self.call("/etcdserverpb.KV/Range", message).await.unwrap();
        found.count
    }

    async fn delete(&self, key: &str) {
        let message = DeleteRangeRequest { key: key.into(), ..Default::default() };
        let _: DeleteRangeResponse = self.call("/etcdserverpb.KV/DeleteRange", message).await.unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn leads(told: LeaderResponse) -> (String, String, i64) {
    let kv = told.kv.unwrap();
    (text(&kv.key), text(&kv.value), kv.create_revision)
}

async fn next(observed: &mut Streaming<LeaderResponse>) -> Result<(String, String, i64), Status> {
    timeout(LONG, observed.message()).await.unwrap().map(|told| leads(told.unwrap()))
}

async fn locks(side: &Side) -> Transcript {
    let mut told = Transcript::default();
    side.lease(7, 60).await;
    side.lease(8, 60).await;
    let held = side.lock("m", 7).await;
    told.note("the first has it at once", &held);
    told.note("and again", &side.lock("m", 7).await);
    let waiting = side.lock_later("m", 8);
    sleep(A_WHILE).await;
    assert!(!waiting.is_finished(), "the second waits");
    told.note("another lock is free", &side.lock("mm", 8).await);
    told.note("unlock", &side.unlock(&held.unwrap().0).await);
    let second = waiting.await.unwrap();
    told.note("the second has it", &second);
    told.note("unlock", &side.unlock(&second.unwrap().0).await);
    told.note("what is not locked", &side.unlock("m/7").await);
    told.note("no such lease", &side.lock("m", 99).await);
    told.note("no key to unlock", &side.unlock("").await);
    let own = side.lock("own", 0).await;
    told.note("with a lease of the gateway's", &own.map(|(key, revision)| (key.starts_with("own/"), revision)));
    told
}

async fn elections(side: &Side) -> Transcript {
    let mut told = Transcript::default();
    side.lease(7, 60).await;
    side.lease(8, 60).await;
    told.note("nobody leads", &side.leader("e").await);
    let first = side.campaign("e", 7, "one").await;
    told.note("the first", &first);
    told.note("leads", &side.leader("e").await);
    let mut observed = side.observe("e").await;
    told.note("observed", &next(&mut observed).await);
    let first = Some(first.unwrap());
    told.note("proclaims", &side.proclaim(first.clone(), "two").await);
    told.note("observed", &next(&mut observed).await);
    told.note("campaigns again", &side.campaign("e", 7, "three").await);
    told.note("observed", &next(&mut observed).await);
    let waiting = tokio::spawn({
        let side = side.clone();
        async move { side.campaign("e", 8, "other").await }
    });
    sleep(A_WHILE).await;
    assert!(!waiting.is_finished(), "the second waits");
    told.note("resigns", &side.resign(first.clone()).await);
    told.note("the second", &waiting.await.unwrap());
    told.note("observed", &next(&mut observed).await);
    told.note("leads", &side.leader("e").await);
    told.note("the first no more", &side.proclaim(first.clone(), "four").await);
    told.note("resigns again", &side.resign(first).await);
    told.note("nobody is named", &side.proclaim(None, "x").await);
    told.note("nobody is named", &side.resign(None).await);
    told.note("no such lease", &side.campaign("e", 99, "x").await);
    told
}

async fn compare<F: Future<Output = Transcript>>(run: impl Fn(Side) -> F) {
    let gateway = Running::local();
    let ours = run(Side(Caller::to(&gateway).await)).await.0;
    assert!(ours.len() > 5);
    if !has_etcd() {
        return;
    }
    let etcd = Etcd::start();
    let theirs = run(Side(Caller::at(&etcd.endpoint).await)).await.0;
    assert_eq!(ours, theirs, "the gateway's is on the left");
}

#[tokio::test]
async fn locks_are_as_etcds() {
    compare(|side| async move { locks(&side).await }).await;
}

#[tokio::test]
async fn elections_are_as_etcds() {
    compare(|side| async move { elections(&side).await }).await;
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_queue() {
    let gateway = Running::local();
    let side = Side(Caller::to(&gateway).await);
    for lease in [7, 8, 9] {
        side.lease(lease, 60).await;
    }
    let (key, _) = side.lock("m", 7).await.unwrap();
    let waiting = side.lock_later("m", 8);
    let last = side.lock_later("m", 9);
    while side.keys("m/").await < 3 {
        sleep(Duration::from_millis(5)).await;
    }
    waiting.abort();
    while side.keys("m/").await == 3 {
        sleep(Duration::from_millis(5)).await;
    }
    side.unlock(&key).await.unwrap();
    assert_eq!(last.await.unwrap().unwrap().0, "m/9");
}

#[tokio::test]
async fn a_turn_whose_lease_ends_before_it_comes_is_lost() {
    let gateway = Running::local();
    let side = Side(Caller::to(&gateway).await);
    for lease in [7, 8] {
        side.lease(lease, 60).await;
    }
    side.lock("m", 7).await.unwrap();
    let waiting = side.lock_later("m", 8);
    while side.keys("m/").await < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    side.revoke(8).await;
    side.delete("m/7").await;
    let lost = waiting.await.unwrap().unwrap_err();
    assert_eq!(lost.message(), "mutex: session is expired");
}

#[tokio::test]
async fn a_holder_that_stops_loses_its_lock_after_its_lease_and_the_next_number_is_larger() {
    let gateway = Running::local();
    let side = Side(Caller::to(&gateway).await);
    side.lease(7, 2).await;
    side.lease(8, 60).await;
    let (_, first) = side.lock("m", 7).await.unwrap();
    // Nobody keeps the first one's lease alive any more. The local cluster's time goes on with each question.
    let waiting = side.lock_later("m", 8);
    while !waiting.is_finished() {
        assert!((1..=2).contains(&side.keys("m/").await));
        sleep(Duration::from_millis(20)).await;
    }
    let (key, second) = waiting.await.unwrap().unwrap();
    assert_eq!(key, "m/8");
    assert!(second > first);
    assert_eq!(side.keys("m/").await, 1);
}

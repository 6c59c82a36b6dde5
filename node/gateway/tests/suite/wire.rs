//! The messages that the gateway does not serve yet, against a real etcd: it understands them, and what it says can be read.

use crate::installed::has_etcd;
use crate::support::calls::Caller;
use crate::support::programs::Etcd;
use tetrarch_gateway::messages::election::{
    CampaignRequest, CampaignResponse, LeaderRequest, LeaderResponse, ProclaimRequest, ProclaimResponse, ResignRequest,
    ResignResponse,
};
use tetrarch_gateway::messages::lease::{LeaseGrantRequest, LeaseGrantResponse};
use tetrarch_gateway::messages::lock::{LockRequest, LockResponse, UnlockRequest, UnlockResponse};

async fn etcd() -> Option<(Etcd, Caller)> {
    if !has_etcd() {
        return None;
    }
    let etcd = Etcd::start();
    let caller = Caller::at(&etcd.endpoint).await;
    Some((etcd, caller))
}

async fn lease(caller: &Caller) -> i64 {
    let grant = LeaseGrantRequest { ttl: 60, id: 0 };
    let granted: LeaseGrantResponse = caller.call("/etcdserverpb.Lease/LeaseGrant", grant).await.unwrap();
    granted.id
}

#[tokio::test]
async fn locks() {
    let Some((_etcd, caller)) = etcd().await else { return };
    let lease = lease(&caller).await;
    let lock = LockRequest { name: b"name".to_vec(), lease };
    let locked: LockResponse = caller.call("/v3lockpb.Lock/Lock", lock).await.unwrap();
    assert_eq!(locked.key, format!("name/{lease:x}").into_bytes());
    assert!(locked.header.unwrap().revision > 1);
    let unlock = UnlockRequest { key: locked.key };
    let unlocked: UnlockResponse = caller.call("/v3lockpb.Lock/Unlock", unlock).await.unwrap();
    assert!(unlocked.header.unwrap().revision > locked.header.unwrap().revision);
}

#[tokio::test]
async fn elections() {
    let Some((_etcd, caller)) = etcd().await else { return };
    let lease = lease(&caller).await;
    let campaign = CampaignRequest { name: b"name".to_vec(), lease, value: b"one".to_vec() };
    let won: CampaignResponse = caller.call("/v3electionpb.Election/Campaign", campaign).await.unwrap();
    let leader = won.leader.unwrap();
    assert_eq!((leader.name.as_slice(), leader.lease, leader.rev), (b"name".as_slice(), lease, 2));
    let proclaim = ProclaimRequest { leader: Some(leader.clone()), value: b"two".to_vec() };
    let proclaimed: ProclaimResponse = caller.call("/v3electionpb.Election/Proclaim", proclaim).await.unwrap();
    assert_eq!(proclaimed.header.unwrap().revision, 3);
    let asked = LeaderRequest { name: b"name".to_vec() };
    let known: LeaderResponse = caller.call("/v3electionpb.Election/Leader", asked).await.unwrap();
    let kv = known.kv.unwrap();
    assert_eq!((kv.key, kv.value, kv.lease, kv.version), (leader.key.clone(), b"two".to_vec(), lease, 2));
    let resign = ResignRequest { leader: Some(leader) };
    let resigned: ResignResponse = caller.call("/v3electionpb.Election/Resign", resign).await.unwrap();
    assert_eq!(resigned.header.unwrap().revision, 4);
}

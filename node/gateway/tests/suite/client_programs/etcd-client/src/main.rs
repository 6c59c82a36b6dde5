//! What the crate etcd-client does with a gateway: `etcd-client-program HOST:PORT`. It panics if anything is not as etcd has it.

mod keys;
mod turns;
mod watches;

use std::time::Duration;

use etcd_client::{Client, LeaseTimeToLiveOptions, PutOptions};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let endpoint = std::env::args().nth(1).expect("give the gateway's address");
    let client = Client::connect([endpoint], None).await.unwrap();
    keys::keys(client.clone()).await;
    keys::transactions(client.clone()).await;
    println!("keys, transactions");
    watches::watches(client.clone()).await;
    watches::progress(client.clone()).await;
    println!("watches");
    leases(client.clone()).await;
    println!("leases");
    turns::locks(client.clone()).await;
    turns::elections(client.clone()).await;
    println!("locks, elections");
    keys::compaction(client.clone()).await;
    maintenance(client).await;
    println!("maintenance");
}

/// What comes within bounds.
async fn soon<T>(what: impl Future<Output = Result<T, etcd_client::Error>>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it comes in time").unwrap()
}

/// What is refused, and how.
fn refusal<T>(told: Result<T, etcd_client::Error>) -> String {
    told.err().expect("it is refused").to_string()
}

async fn leases(mut client: Client) {
    let granted = client.lease_grant(60, None).await.unwrap();
    assert_eq!(granted.ttl(), 60);
    let id = granted.id();
    client.put("leased", "x", Some(PutOptions::new().with_lease(id))).await.unwrap();
    let keys = LeaseTimeToLiveOptions::new().with_keys();
    let left = client.lease_time_to_live(id, Some(keys)).await.unwrap();
    assert!(left.granted_ttl() == 60 && (1..=60).contains(&left.ttl()), "{left:?}");
    assert_eq!(left.keys(), [b"leased".to_vec()]);
    let (mut keeper, mut kept) = client.lease_keep_alive(id).await.unwrap();
    for _ in 0..2 {
        keeper.keep_alive().await.unwrap();
        let kept = soon(kept.message()).await.unwrap();
        assert_eq!((kept.id(), kept.ttl()), (id, 60));
    }
    assert!(client.leases().await.unwrap().leases().iter().any(|lease| lease.id() == id));
    client.lease_revoke(id).await.unwrap();
    assert_eq!(client.get("leased", None).await.unwrap().count(), 0, "it goes with its lease");
    assert_eq!(client.lease_time_to_live(id, None).await.unwrap().ttl(), -1);
    let refused = refusal(client.lease_revoke(id).await);
    assert!(refused.contains("etcdserver: requested lease not found"), "{refused}");
}

async fn maintenance(mut client: Client) {
    let status = client.status().await.unwrap();
    assert_eq!(status.version(), "3.5.0");
    let members = client.member_list().await.unwrap();
    assert_eq!(members.members().len(), 4);
    assert!(members.members().iter().any(|member| member.id() == status.leader()));
    let revision = client.put("hashed", "1", None).await.unwrap().header().unwrap().revision();
    let hash = client.hash_kv(revision).await.unwrap().hash();
    assert_eq!(client.hash_kv(revision).await.unwrap().hash(), hash);
    let next = client.put("hashed", "2", None).await.unwrap().header().unwrap().revision();
    assert_ne!(client.hash_kv(next).await.unwrap().hash(), hash);
}

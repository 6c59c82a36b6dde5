//! Locks and elections: the services, which etcdctl does not use.

use std::time::Duration;

use etcd_client::{Client, LeaderResponse, LockOptions, ProclaimOptions, ResignOptions};

use crate::{refusal, soon};

/// Long enough for whoever may go on to go on.
const A_WHILE: Duration = Duration::from_millis(300);

async fn lease(client: &mut Client) -> i64 {
    client.lease_grant(60, None).await.unwrap().id()
}

pub async fn locks(mut client: Client) {
    let (one, two) = (lease(&mut client).await, lease(&mut client).await);
    let first = client.lock("job", Some(LockOptions::new().with_lease(one))).await.unwrap().key().to_vec();
    let mut other = client.clone();
    let waiting = tokio::spawn(async move { other.lock("job", Some(LockOptions::new().with_lease(two))).await });
    tokio::time::sleep(A_WHILE).await;
    assert!(!waiting.is_finished(), "it is held");
    client.unlock(first.clone()).await.unwrap();
    let second = soon(async { waiting.await.unwrap() }).await.key().to_vec();
    assert!(first.starts_with(b"job/") && second.starts_with(b"job/") && first != second);
    client.lease_revoke(two).await.unwrap();
    soon(client.lock("job", None)).await;
}

fn says(told: &LeaderResponse) -> (i64, String) {
    let kv = told.kv().unwrap();
    (kv.create_revision(), kv.value_str().unwrap().to_owned())
}

pub async fn elections(mut client: Client) {
    let (one, two) = (lease(&mut client).await, lease(&mut client).await);
    let refused = refusal(client.leader("boss").await);
    assert!(refused.contains("election: no leader"), "{refused}");
    let won = soon(client.campaign("boss", "one", one)).await;
    let leader = won.leader().unwrap().clone();
    assert_eq!((leader.name_str().unwrap(), leader.lease()), ("boss", one));
    assert_eq!(says(&client.leader("boss").await.unwrap()), (leader.rev(), "one".to_owned()));
    let mut observed = client.observe("boss").await.unwrap();
    assert_eq!(says(&soon(observed.message()).await.unwrap()), (leader.rev(), "one".to_owned()));
    client.proclaim("uno", Some(ProclaimOptions::new().with_leader(leader.clone()))).await.unwrap();
    assert_eq!(says(&soon(observed.message()).await.unwrap()), (leader.rev(), "uno".to_owned()));

    let mut other = client.clone();
    let waiting = tokio::spawn(async move { other.campaign("boss", "two", two).await });
    tokio::time::sleep(A_WHILE).await;
    assert!(!waiting.is_finished(), "somebody leads");
    client.resign(Some(ResignOptions::new().with_leader(leader.clone()))).await.unwrap();
    let next = soon(async { waiting.await.unwrap() }).await.leader().unwrap().clone();
    assert!(next.rev() > leader.rev(), "who comes later has the larger number");
    assert_eq!(says(&soon(observed.message()).await.unwrap()), (next.rev(), "two".to_owned()));
    let old = client.proclaim("dos", Some(ProclaimOptions::new().with_leader(leader))).await;
    let refused = refusal(old);
    assert!(refused.contains("election: not leader"), "{refused}");
    client.resign(Some(ResignOptions::new().with_leader(next))).await.unwrap();
}

//! Clients that cancel much at once.

use std::time::Duration;

use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::relay::Relay;
use crate::support::watching::{Watching, create};
use tetrarch_gateway::messages::kv::{RangeRequest, RangeResponse};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Calls that are cancelled at once: what a client may have open beside a watch and a put.
const CALLS: usize = 1_000;

/// The bytes of the frame that cancels a call.
const RESET: usize = 13;

/// The bytes that a call takes, at least: the heads of two frames, and what is in them.
const CALL: usize = 24;

#[tokio::test]
async fn a_client_that_cancels_all_that_it_asked_keeps_its_connection() {
    let gateway = Running::local();
    let mut relay = Relay::to(gateway.endpoint()).await;
    let caller = Caller::at(&relay.address).await;
    let mut watching = Watching::to(&caller).await;
    assert!(watching.create(create("k", "", 0)).await.created);
    // The gateway sees the calls and their ends together, as it does when it is busy.
    relay.hold();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (caller, read) = (caller.clone(), RangeRequest { key: b"k".to_vec(), ..Default::default() });
        calls.spawn(async move { caller.call::<_, RangeResponse>("/etcdserverpb.KV/Range", read).await });
    }
    let asked = quiet(&mut relay, CALLS * CALL).await;
    calls.shutdown().await;
    quiet(&mut relay, asked + CALLS * RESET - 1).await;
    relay.let_go();
    let revision = caller.put(b"k", b"v").await.unwrap().revision;
    // A connection that was closed would be made anew for the put, but not for the watch.
    assert_eq!(watching.revisions(1).await, [revision]);
}

/// Waits until more than so many bytes are held, and no more come; gives how many those are.
async fn quiet(relay: &mut Relay, bytes: usize) -> usize {
    let mut held = relay.holds_more_than(bytes).await;
    loop {
        sleep(Duration::from_millis(100)).await;
        match relay.holds_more_than(0).await {
            more if more > held => held = more,
            all => return all,
        }
    }
}

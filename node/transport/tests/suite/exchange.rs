//! Peers that behave.

use std::time::{Duration, Instant};

use crate::common::{
    self, all_connected, cluster, commit, config, every_kind, free_port, id, members, start, supply, until,
};
use tetrarch_transport::Peers;
use tetrarch_types::{Lane, limits::MAX_BULK_BYTES};

#[tokio::test(flavor = "multi_thread")]
async fn two_peers_exchange_every_kind_in_order() {
    let mut cluster = cluster(2, 64).await;
    for message in every_kind() {
        cluster[0].peers.send(id(1), message.lane(), Peers::frame(&message));
    }
    let (votes, bulk): (Vec<_>, Vec<_>) = every_kind().into_iter().partition(|message| message.lane() == Lane::Votes);
    for expected in votes {
        let received = cluster[1].vote().await;
        assert_eq!((received.from, received.message), (id(0), expected));
    }
    for expected in bulk {
        let received = cluster[1].bulk().await;
        assert_eq!((received.from, received.message), (id(0), expected));
    }
    let (out, into) = (cluster[0].peers.counters(), cluster[1].peers.counters());
    until("all is counted", || cluster[1].peers.counters().frames_in == 9).await;
    assert_eq!((out.frames_out, out.dropped, out.rejected), (9, 0, 0));
    assert_eq!(out.bytes_out, cluster[1].peers.counters().bytes_in);
    assert_eq!((into.frames_out, into.rejected), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_peers_hear_everyone() {
    let mut cluster = cluster(4, 64).await;
    for (sender, peer) in (0..).zip(&cluster) {
        let frame = Peers::frame(&commit(sender));
        (0..4).filter(|to| u64::from(*to) != sender).for_each(|to| peer.peers.send(id(to), Lane::Votes, frame.clone()));
    }
    for (receiver, peer) in (0..).zip(&mut cluster) {
        let mut heard = Vec::new();
        for _ in 0..3 {
            let received = peer.vote().await;
            assert_eq!(received.message, commit(received.from.get().into()));
            heard.push(received.from);
        }
        heard.sort();
        assert_eq!(heard, (0..4).filter(|from| *from != receiver).map(id).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_pass_a_stalled_bulk_stream() {
    let mut cluster = cluster(2, 1).await;
    let large = Peers::frame(&supply(10, 1_600_000));
    assert!(large.len() > MAX_BULK_BYTES - 1_000_000 && large.len() <= MAX_BULK_BYTES);
    // One waits in the channel, one in front of it, and the rest fills QUIC's windows and the queue.
    for _ in 0..6 {
        cluster[0].peers.send(id(1), Lane::Bulk, large.clone());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for seq in 0..5_000 {
        cluster[0].peers.send(id(1), Lane::Votes, Peers::frame(&commit(seq)));
    }
    for seq in 0..5_000 {
        assert_eq!(cluster[1].vote().await.message, commit(seq));
    }
    let bulk = cluster[1].bulk().await;
    assert_eq!(bulk.message, supply(10, 1_600_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_forgets_the_oldest_and_a_bad_frame_goes_nowhere() {
    let membership = members(2);
    let addresses = [free_port(), free_port()];
    let first = start(config(0, &membership, &addresses), 64).await;
    for seq in 0..20_000 {
        first.peers.send(id(1), Lane::Votes, Peers::frame(&commit(seq)));
    }
    let dropped = first.peers.counters().dropped;
    assert_eq!(dropped, 20_000 - 16 * 1024);
    first.peers.send(id(1), Lane::Votes, Peers::frame(&supply(1, 2_000)));
    first.peers.send(id(0), Lane::Votes, Peers::frame(&commit(1)));
    first.peers.send(id(7), Lane::Votes, Peers::frame(&commit(1)));
    assert_eq!(first.peers.counters().dropped, dropped + 3);

    let mut second = start(config(1, &membership, &addresses), 64).await;
    assert_eq!(second.vote().await.message, commit(dropped), "the oldest that was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_stops_and_starts_again_is_found_again() {
    let membership = members(2);
    let addresses = [free_port(), free_port()];
    let mut first = start(config(0, &membership, &addresses), 64).await;
    let second = start(config(1, &membership, &addresses), 64).await;
    all_connected(&first.peers).await;
    second.peers.close().await;
    drop(second);
    until("the loss is noticed", || first.peers.connected() == [true, false]).await;

    let mut second = start(config(1, &membership, &addresses), 64).await;
    all_connected(&first.peers).await;
    all_connected(&second.peers).await;
    first.peers.send(id(1), Lane::Votes, Peers::frame(&commit(1)));
    second.peers.send(id(0), Lane::Votes, Peers::frame(&commit(2)));
    assert_eq!(second.vote().await.message, commit(1));
    assert_eq!(first.vote().await.message, commit(2));
    assert_eq!(first.peers.counters().reconnects, 1);
}

/// The process is killed: it says no goodbye. The one that takes its place resets the old connection at its next packet, long before
/// the six seconds after which silence would end it.
#[test]
fn a_peer_that_was_killed_is_found_again_without_a_timeout() {
    let membership = members(2);
    let addresses = [free_port(), free_port()];
    let (here, there) = (tokio::runtime::Runtime::new().unwrap(), tokio::runtime::Runtime::new().unwrap());
    let first = here.block_on(start(config(0, &membership, &addresses), 64));
    let second = there.block_on(start(config(1, &membership, &addresses), 64));
    here.block_on(all_connected(&first.peers));
    there.shutdown_timeout(common::PATIENCE);
    drop(second);

    let since = Instant::now();
    let mut second = here.block_on(start(config(1, &membership, &addresses), 64));
    here.block_on(async {
        all_connected(&second.peers).await;
        for seq in 0.. {
            first.peers.send(id(1), Lane::Votes, Peers::frame(&commit(seq)));
            if tokio::time::timeout(Duration::from_millis(20), second.votes.recv()).await.is_ok() {
                break;
            }
        }
    });
    assert!(since.elapsed() < Duration::from_secs(4), "it took {:?}", since.elapsed());
}

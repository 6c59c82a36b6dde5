//! Members that send what they must not.

use std::{net::SocketAddr, time::Duration};

use crate::common::{Peer, commit, config, free_port, key, members, rogue::Rogue, start, supply, within};
use tetrarch_transport::Peers;
use tetrarch_types::{Message, encode, limits::MAX_BULK_BYTES};

const MALFORMED: u64 = 2;
const TOO_SOON: u64 = 3;

async fn victim() -> Peer {
    start(config(0, &members(2), &[free_port(), free_port()]), 64).await
}

fn lane(name: u8, frame: &[u8]) -> Vec<u8> {
    [&[name], frame].concat()
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    [u32::try_from(bytes.len()).unwrap().to_le_bytes().as_slice(), bytes].concat()
}

/// A COMMIT whose view is written in two bytes where one is enough.
fn overlong() -> Vec<u8> {
    let canonical = encode(&commit(1));
    assert_eq!(canonical[1], 1, "the view stands behind the kind");
    let bytes = [&canonical[..1], &[0x81, 0x00], &canonical[2..]].concat();
    assert!(tetrarch_types::decode::<Message>(&bytes, 1024).is_err());
    bytes
}

async fn assert_closed(what: &str, streams: &[Vec<u8>], words: &str) {
    let peer = victim().await;
    let rogue = Rogue::member(peer.peers.local_address(), &key(1)).await;
    let mut open = Vec::new();
    for stream in streams {
        open.push(rogue.say(stream).await);
    }
    let (code, reason) = rogue.verdict().await;
    assert_eq!(code, MALFORMED, "{what}: {reason}");
    assert!(reason.contains(words), "{what}: {reason}");
    assert_eq!(peer.peers.counters().rejected, 1, "{what}");
    assert_eq!(peer.peers.counters().frames_in, 0, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_not_the_protocol_close_the_connection() {
    assert_closed("garbage", &[lane(b'v', &framed(&[0xff; 40]))], "not an encoding").await;
    assert_closed("an empty frame", &[lane(b'b', &framed(&[]))], "not an encoding").await;
    assert_closed("an overlong number", &[lane(b'v', &framed(&overlong()))], "not canonical").await;
    let trailing = [encode(&commit(1)), vec![0]].concat();
    assert_closed("trailing bytes", &[lane(b'v', &framed(&trailing))], "behind the value").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_above_the_limit_is_refused_before_its_bytes_come() {
    assert_closed("a vote of 1025 bytes", &[lane(b'v', &1025u32.to_le_bytes())], "larger than the limit of 1024").await;
    let large = u32::try_from(MAX_BULK_BYTES).unwrap() + 1;
    assert_closed("bulk", &[lane(b'b', &large.to_le_bytes())], "larger than the limit").await;
    assert_closed("all ones", &[lane(b'b', &u32::MAX.to_le_bytes())], "larger than the limit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_carry_their_own_kinds_and_are_opened_once() {
    let vote = lane(b'b', &Peers::frame(&commit(1)));
    assert_closed("a vote among the bulk", &[vote], "Commit came on the lane Bulk").await;
    let bulk = lane(b'v', &Peers::frame(&supply(1, 10)));
    assert_closed("bulk among the votes", &[bulk], "Supply came on the lane Votes").await;
    assert_closed("no lane", &[lane(b'x', &[])], "does not name its lane").await;
    assert_closed("one lane twice", &[lane(b'v', &[]), lane(b'v', &[])], "opened a lane twice").await;
}

/// Ended connections keep their places for a moment: who hammers finds none.
const BREATH: Duration = Duration::from_millis(50);

/// Comes in, and says what it must not. The code with which it is sent away.
async fn misbehave(to: SocketAddr) -> u64 {
    tokio::time::sleep(BREATH).await;
    let rogue = Rogue::member(to, &key(1)).await;
    let _stream = rogue.say(&lane(b'x', &[])).await;
    rogue.verdict().await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_misbehaves_again_waits_longer_and_may_come_back() {
    let mut peer = victim().await;
    let to = peer.peers.local_address();
    for _ in 0..2 {
        while misbehave(to).await != MALFORMED {}
    }
    // Who comes so late that it does not have to wait any more waits twice as long for the next time.
    let early = loop {
        match misbehave(to).await {
            MALFORMED => {}
            code => break code,
        }
    };
    assert_eq!(early, TOO_SOON);
    assert!(peer.peers.counters().rejected >= 3);

    let comes_back = async {
        loop {
            tokio::time::sleep(BREATH).await;
            let reformed = Rogue::member(to, &key(1)).await;
            let _stream = reformed.say(&lane(b'v', &Peers::frame(&commit(7)))).await;
            tokio::select! {
                code = reformed.verdict() => assert_eq!(code.0, TOO_SOON),
                received = peer.vote() => break received.message,
            }
        }
    };
    assert_eq!(within(comes_back).await, commit(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_within_a_frame_is_no_misbehaviour() {
    let peer = victim().await;
    let rogue = Rogue::member(peer.peers.local_address(), &key(1)).await;
    let mut stream = rogue.say(&lane(b'v', &Peers::frame(&commit(1))[..20])).await.unwrap();
    stream.finish().unwrap();
    assert_eq!(rogue.verdict().await.0, 0);
    assert_eq!(peer.peers.counters().rejected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_lanes_and_two_way_streams_are_not_granted() {
    let peer = victim().await;
    let rogue = Rogue::member(peer.peers.local_address(), &key(1)).await;
    let _streams = (rogue.say(b"v").await, rogue.say(b"b").await);
    let third = tokio::time::timeout(Duration::from_millis(200), rogue.connection.open_uni()).await;
    assert!(third.is_err());
    let two_way = tokio::time::timeout(Duration::from_millis(200), rogue.connection.open_bi()).await;
    assert!(two_way.is_err());
    assert!(rogue.connection.max_datagram_size().is_none());
}

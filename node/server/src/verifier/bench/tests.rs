//! One worker for a peer at a time, and nobody pays for somebody else's flood.

use tetrarch_crypto::{Digest, Signature};
use tetrarch_transport::Received;
use tetrarch_types::{Fetch, Message, ReplicaId, Signed};

use super::{Bench, Work};
use crate::bounds;
use crate::counters::Counts;

fn message(from: u16, number: u8) -> Received {
    let fetch = Fetch::Batch(Digest::from_bytes([number; 32]));
    let from = ReplicaId::new(from);
    let signed = Signed { payload: fetch, signer: from, signature: Signature::from_bytes([0; 64]) };
    Received { from, message: Message::Fetch(signed) }
}

fn bench(messages: impl IntoIterator<Item = (u16, u8)>) -> Bench {
    let bench = Bench::new(Counts::new());
    messages.into_iter().for_each(|(from, number)| bench.put(message(from, number)));
    bench
}

fn next(bench: &Bench) -> (u16, Vec<Received>) {
    match bench.next(false) {
        Some(Work::Bulk(peer, messages)) => (peer.get(), messages),
        other => panic!("no bulk: {other:?}"),
    }
}

#[test]
fn a_peer_is_with_one_worker_at_a_time_and_in_order() {
    let bench = bench([(1, 1), (1, 2), (2, 1)]);
    assert_eq!(next(&bench), (1, vec![message(1, 1), message(1, 2)]));
    bench.put(message(1, 3));
    assert_eq!(next(&bench).0, 2);
    bench.release(ReplicaId::new(1));
    assert_eq!(next(&bench), (1, vec![message(1, 3)]));
}

#[test]
fn peers_take_turns() {
    let bench = bench([(1, 1), (2, 1), (3, 1)]);
    assert_eq!(next(&bench).0, 1);
    bench.put(message(1, 2));
    bench.release(ReplicaId::new(1));
    assert_eq!(next(&bench).0, 2);
    assert_eq!(next(&bench).0, 3);
    assert_eq!(next(&bench).0, 1);
}

#[test]
fn a_flood_is_dropped_at_its_senders_own_queue() {
    let flood = bounds::PEER_BULK_MESSAGES + 10;
    let bench = bench((0..flood).map(|_| (1, 1)).chain([(2, 1)]));
    assert_eq!(bench.counts.snapshot()["bulk_dropped"], 10);
    let chunk = next(&bench).1.len();
    assert_eq!(chunk, bounds::CHUNK_SIGNATURES);
    assert_eq!(next(&bench).0, 2);
}

#[test]
fn a_closed_bench_gives_nothing() {
    let bench = bench([(1, 1)]);
    bench.close();
    assert!(bench.next(true).is_none());
}

//! What the codec costs: everything that is sent, signed or journalled is encoded, and everything that comes in is decoded, and encoded once
//! more to see that it was canonical. The messages of the normal case, with full batches.

use std::hint::black_box;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tetrarch_crypto::{Digest, MerkleTree, Signature};
use tetrarch_stopwatch::{Processor, Throughput, processor};
use tetrarch_types::{
    Batch, Commit, Message, Outcome, PrePrepare, Proposal, ReplicaId, Reply, Request, Response, Results, SeqNum,
    Signed, SignedResults, Supply, Timestamp, Transaction, TransactionBody, TransactionId, View, decode, encode,
    limits, result_leaf,
};

const VALUE_BYTES: usize = 256;

fn main() {
    let mut times = processor();
    codec(&mut times, "pre_prepare_full", &pre_prepare(limits::MAX_BATCH_TRANSACTIONS));
    codec(&mut times, "pre_prepare_of_16", &pre_prepare(16));
    let (view, seq, digest) = (View::new(5), SeqNum::new(70_000), Digest::from_bytes([3; 32]));
    codec(&mut times, "commit", &Message::Commit(signed(Commit { view, seq, digest })));
    codec(&mut times, "bodies_of_1024", &Message::Supply(signed(Supply::Transactions(transactions(1_024)))));
    codec(&mut times, "submit", &Request::Submit(transactions(1).remove(0)));
    codec(&mut times, "reply", &Response::Reply(reply()));
}

fn codec<T: Serialize + DeserializeOwned>(times: &mut Processor, name: &str, value: &T) {
    let bytes = encode(value);
    assert!(decode::<T>(&bytes, limits::MAX_BULK_BYTES).is_ok_and(|read| encode(&read) == bytes));
    let mut group = times.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |bench| bench.iter(|| encode(black_box(value))));
    group.bench_function("decode", |bench| bench.iter(|| decode::<T>(black_box(&bytes), limits::MAX_BULK_BYTES)));
}

fn pre_prepare(transactions: usize) -> Message {
    let id = |number: usize| TransactionId::new(digest(number));
    let batch = Batch {
        timestamp: Timestamp::from_micros(1_700_000_000_000_000),
        transactions: (0..transactions).map(id).collect(),
    };
    let assignment = PrePrepare { view: View::new(5), seq: SeqNum::new(70_000), digest: batch.digest() };
    Message::PrePrepare(Proposal { pre_prepare: signed(assignment), batch })
}

fn transactions(count: u64) -> Vec<Transaction> {
    let body = |nonce| TransactionBody {
        chain: digest(1),
        sender: tetrarch_crypto::PublicKey::from_bytes([8; 32]),
        nonce,
        valid_until: Timestamp::from_micros(1_700_000_000_000_000),
        command: vec![7; VALUE_BYTES],
    };
    (0..count).map(|nonce| Transaction { body: body(nonce), signature: Signature::from_bytes([4; 64]) }).collect()
}

/// What a client of a full batch is told.
fn reply() -> Reply {
    let (transaction, outcome) = (TransactionId::new(digest(1)), Outcome::Executed(vec![7; 16]));
    let mut leaves: Vec<Digest> = (0..limits::MAX_BATCH_TRANSACTIONS).map(digest).collect();
    leaves[0] = result_leaf(&transaction, &outcome);
    let tree = MerkleTree::new(leaves);
    let Some(path) = tree.path(0) else { panic!("there is a first leaf") };
    let reply = Reply {
        transaction,
        outcome,
        path,
        results: SignedResults::Decided(signed(Results { seq: SeqNum::new(70_000), root: tree.root() })),
    };
    assert!(reply.is_consistent());
    reply
}

fn signed<T>(payload: T) -> Signed<T> {
    Signed { payload, signer: ReplicaId::new(1), signature: Signature::from_bytes([3; 64]) }
}

fn digest(number: usize) -> Digest {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Digest::from_bytes(bytes)
}

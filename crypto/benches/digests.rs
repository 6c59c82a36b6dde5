//! What hashing costs: the digests that name transactions and batches, and the Merkle trees by which one signature answers all clients of a
//! batch.

use std::hint::black_box;

use tetrarch_crypto::{Digest, Domain, MerkleTree};
use tetrarch_stopwatch::{BenchmarkId, Processor, Throughput, processor};

const BYTES: [usize; 5] = [64, 256, 4_096, 65_536, 1_048_576];
/// As many as a batch may have transactions.
const LEAVES: [u64; 5] = [1, 16, 64, 256, 1_024];

fn main() {
    let mut times = processor();
    sha256(&mut times);
    build(&mut times);
    path(&mut times);
    follow(&mut times);
}

fn sha256(times: &mut Processor) {
    let mut group = times.benchmark_group("sha256");
    for bytes in BYTES {
        let data = vec![7; bytes];
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::from_parameter(bytes), |bench| {
            bench.iter(|| Digest::of(Domain::Transaction, &[black_box(&data)]));
        });
    }
}

fn build(times: &mut Processor) {
    let mut group = times.benchmark_group("merkle_tree/build");
    for count in LEAVES {
        let leaves = leaves(count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(count), |bench| {
            bench.iter(|| MerkleTree::new(black_box(&leaves).clone()).root());
        });
    }
}

/// Making the path of one leaf, as a replica does for a reply.
fn path(times: &mut Processor) {
    let mut group = times.benchmark_group("merkle_tree/path");
    for count in LEAVES {
        let tree = MerkleTree::new(leaves(count));
        group.bench_function(BenchmarkId::from_parameter(count), |bench| bench.iter(|| tree.path(black_box(0))));
    }
}

/// Following it from the leaf to the root, as a client does.
fn follow(times: &mut Processor) {
    let mut group = times.benchmark_group("merkle_tree/follow");
    for count in LEAVES {
        let leaf = leaves(count)[0];
        let tree = MerkleTree::new(leaves(count));
        let Some(path) = tree.path(0) else { panic!("there is a first leaf") };
        assert_eq!(path.root_from(leaf), Some(tree.root()));
        group.bench_function(BenchmarkId::from_parameter(count), |bench| {
            bench.iter(|| path.root_from(black_box(leaf)));
        });
    }
}

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|number| Digest::of(Domain::ResultLeaf, &[&number.to_le_bytes()])).collect()
}

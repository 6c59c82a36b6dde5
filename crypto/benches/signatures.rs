//! What signatures cost: they bound what a cluster orders, and `tetrarch bench` compares with that bound.
//!
//! A replica verifies what waits in batches (`Ed25519::accepts_each`): a signature costs less the larger its batch is, and less again where
//! one key signed all of it, as a gateway's clients do. Each batch is valid, the usual case.

use std::hint::black_box;

use tetrarch_crypto::{Claim, Ed25519, SignatureScheme, Signer, SigningKey};
use tetrarch_stopwatch::{BenchmarkId, Processor, Throughput, processor};

/// About what a transaction that puts a small value signs.
const MESSAGE_BYTES: usize = 256;
const BATCHES: [usize; 6] = [1, 4, 16, 64, 256, 1_024];

fn main() {
    let mut times = processor();
    sign(&mut times);
    verify_alone(&mut times);
    verify_batches(&mut times, "one_key", 1);
    verify_batches(&mut times, "distinct_keys", 1_024);
}

fn sign(times: &mut Processor) {
    let mut group = times.benchmark_group("sign");
    for bytes in [64, MESSAGE_BYTES, 4_096] {
        let (key, message) = (key(0), vec![7; bytes]);
        group.bench_function(BenchmarkId::from_parameter(bytes), |bench| bench.iter(|| key.sign(black_box(&message))));
    }
}

fn verify_alone(times: &mut Processor) {
    let claim = claim(0, 1);
    times.bench_function("verify_alone", |bench| bench.iter(|| assert!(Ed25519.accepts(black_box(&claim)))));
}

fn verify_batches(times: &mut Processor, name: &str, keys: usize) {
    let mut group = times.benchmark_group(format!("verify_batch/{name}"));
    for size in BATCHES {
        let claims: Vec<Claim> = (0..size).map(|number| claim(number, keys)).collect();
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter(|| assert!(Ed25519.accepts_each(black_box(&claims)).into_iter().all(|valid| valid)));
        });
    }
}

/// A valid claim of that number; so many keys take turns.
fn claim(number: usize, keys: usize) -> Claim {
    let key = key(number % keys);
    let mut message = vec![7; MESSAGE_BYTES];
    message[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Claim { key: key.public_key(), signature: key.sign(&message), message }
}

fn key(number: usize) -> SigningKey {
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    SigningKey::from_seed(seed)
}

//! What signatures alone would allow.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use tetrarch_crypto::{Claim, Digest, Ed25519, NoEntropy, Scope, SignatureScheme, Signer, SigningKey};
use tetrarch_types::{Timestamp, TransactionBody};

/// Signatures that are verified together, as a busy replica does.
const BATCH: usize = 128;

/// How long it is measured.
const SPAN: Duration = Duration::from_secs(1);

/// What signatures alone would allow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// Transactions a second, if all cores of this machine do nothing but sign each once and verify it once for every replica, in batches.
    pub transactions_per_s: f64,
    /// The cores.
    pub cores: usize,
}

/// Measures for a second what this machine's cores could do if load and `replicas` replicas ran on it and signatures were all that costs.
///
/// # Errors
/// If the system gives no randomness for keys.
pub fn signature_limit(replicas: usize, value_bytes: usize, distinct_keys: bool) -> Result<Limit, NoEntropy> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let keys: Vec<SigningKey> =
        (0..if distinct_keys { BATCH } else { 1 }).map(|_| SigningKey::generate()).collect::<Result<_, _>>()?;
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    done.fetch_add(batch(&keys, replicas, value_bytes), Ordering::Relaxed);
                }
            });
        }
        thread::sleep(SPAN);
        stop.store(true, Ordering::Relaxed);
    });
    let transactions_per_s = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    Ok(Limit { transactions_per_s, cores })
}

/// Signs a batch, and verifies it once for each replica; how many there were.
fn batch(keys: &[SigningKey], replicas: usize, value_bytes: usize) -> u64 {
    let chain = Digest::from_bytes([7; 32]);
    let scope = Scope { genesis: chain, epoch: 0 };
    let claims: Vec<Claim> = keys
        .iter()
        .cycle()
        .zip(0..BATCH as u64)
        .map(|(key, nonce)| {
            let sender = key.public_key();
            let command = vec![7; value_bytes];
            let valid_until = Timestamp::from_micros(u64::MAX);
            TransactionBody { chain, sender, nonce, valid_until, command }.sign(&scope, key).claim(&scope)
        })
        .collect();
    for _ in 0..replicas {
        let valid = Ed25519.accepts_each(&claims).into_iter().filter(|valid| *valid).count();
        assert_eq!(valid, BATCH, "what was just signed is valid");
    }
    BATCH as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_signed_and_verified() {
        let keys: Vec<SigningKey> = (0..3).map(|at| SigningKey::from_seed([at; 32])).collect();
        assert_eq!(batch(&keys, 2, 16), BATCH as u64);
    }
}

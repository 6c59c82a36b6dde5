//! The one rule by which signatures are accepted.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use ed25519_zebra::batch::{Item, Verifier};
use ed25519_zebra::{VerificationKey, VerificationKeyBytes};

use crate::{PublicKey, Signature, WeakKey};

/// Someone's assertion: the owner of `key` signed `message`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Who is said to have signed.
    pub key: PublicKey,
    /// The signed bytes, as [`Domain::signing_bytes`](crate::Domain::signing_bytes) makes them.
    pub message: Vec<u8>,
    /// The signature to be judged.
    pub signature: Signature,
}

/// A predicate over claims, and over keys. Everyone in a cluster must use the same one.
pub trait SignatureScheme: Send + Sync {
    /// Whether the claim holds. The same claim always gets the same verdict.
    fn accepts(&self, claim: &Claim) -> bool;

    /// One verdict a claim, in the same order, each the very one that [`SignatureScheme::accepts`] gives it alone.
    fn accepts_each(&self, claims: &[Claim]) -> Vec<bool>;

    /// Whether a key may be admitted at genesis or at registration.
    ///
    /// # Errors
    /// Says what is wrong with the key.
    fn check_key(&self, key: &PublicKey) -> Result<(), WeakKey>;
}

/// Ed25519 as ZIP-215 defines its acceptance: S is below the group order, A and R decode to points of the curve (in any
/// spelling), and `[8][S]B = [8]R + [8][k]A`, where k hashes the bytes as they were given.
///
/// RFC 8032 leaves it open whether the factor 8 is there, and implementations differ; without it a batch may accept what a
/// single check refuses. With it both agree, and batches cost about a third.
///
/// Batches draw their coefficients from the operating system's randomness; an invalid claim passes with a probability of
/// about 2⁻¹²⁵. Without randomness every claim is verified alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl SignatureScheme for Ed25519 {
    fn accepts(&self, claim: &Claim) -> bool {
        VerificationKey::try_from(*claim.key.as_bytes())
            .and_then(|key| key.verify(&signature_of(claim), &claim.message))
            .is_ok()
    }

    fn accepts_each(&self, claims: &[Claim]) -> Vec<bool> {
        let items: Vec<Item> = claims.iter().map(item_of).collect();
        let mut verdicts = vec![false; items.len()];
        match Search::new(items.len()) {
            Some(mut search) => search.settle(&items, &mut verdicts, false),
            None => settle_singly(&items, &mut verdicts),
        };
        verdicts
    }

    fn check_key(&self, key: &PublicKey) -> Result<(), WeakKey> {
        key.check()
    }
}

fn signature_of(claim: &Claim) -> ed25519_zebra::Signature {
    ed25519_zebra::Signature::from_bytes(claim.signature.as_bytes())
}

fn item_of(claim: &Claim) -> Item {
    let key = VerificationKeyBytes::from(*claim.key.as_bytes());
    Item::from((key, signature_of(claim), claim.message.as_slice()))
}

/// Gives every item its own verdict; whether all were accepted.
fn settle_singly(items: &[Item], verdicts: &mut [bool]) -> bool {
    for (item, verdict) in items.iter().zip(verdicts.iter_mut()) {
        *verdict = item.clone().verify_single().is_ok();
    }
    verdicts.iter().all(|verdict| *verdict)
}

/// A search for the invalid items by bisection. Work in vain is bounded, so that someone who fills a batch with invalid claims
/// cannot make it cost three times what single checks would; one invalid claim among many costs about as much as those.
struct Search {
    coefficients: ChaCha20Rng,
    /// How many more items may go through batches that fail.
    patience: usize,
}

impl Search {
    /// Fewer items than this are not worth a batch.
    const SMALLEST_BATCH: usize = 3;

    /// `None` if the operating system gives no randomness.
    fn new(items: usize) -> Option<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).ok()?;
        Some(Self { coefficients: ChaCha20Rng::from_seed(seed), patience: items.saturating_mul(3) })
    }

    /// Fills in the verdicts; whether all items were accepted. `tainted` if they are known not to be.
    fn settle(&mut self, items: &[Item], verdicts: &mut [bool], tainted: bool) -> bool {
        if items.len() < Self::SMALLEST_BATCH || self.patience < items.len() {
            return settle_singly(items, verdicts);
        }
        if !tainted {
            if self.accepts_all(items) {
                verdicts.fill(true);
                return true;
            }
            self.patience -= items.len();
        }
        let middle = items.len() / 2;
        let (left, right) = items.split_at(middle);
        let (left_verdicts, right_verdicts) = verdicts.split_at_mut(middle);
        let left_is_good = self.settle(left, left_verdicts, false);
        self.settle(right, right_verdicts, left_is_good);
        false
    }

    fn accepts_all(&mut self, items: &[Item]) -> bool {
        let mut batch = Verifier::new();
        items.iter().for_each(|item| batch.queue(item.clone()));
        batch.verify(&mut self.coefficients).is_ok()
    }
}

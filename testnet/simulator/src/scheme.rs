//! How messages are signed: as in production, or at no cost, with a keyed hash that everybody *could* forge and nobody here does.
//!
//! Bulk runs use the hash instead of Ed25519. It keeps what the protocol relies on: one signature fits one key and one message
//! only. It is no secret, so an adversary's code signs with the keys that it was handed, and with no others.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tetrarch_crypto::{Claim, PublicKey, Signature, SignatureScheme, Signer, WeakKey};

use crate::rng::split_mix;

/// How messages are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// With a keyed hash: fast.
    Fake,
    /// With Ed25519, as in production.
    Real,
}

/// Accepts what [`FakeSigner`] signs.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeScheme;

/// Signs with a keyed hash.
#[derive(Clone, Copy, Debug)]
pub struct FakeSigner(PublicKey);

impl FakeSigner {
    /// The signer whose public key is made of these bytes.
    pub const fn from_seed(seed: [u8; 32]) -> Self {
        Self(PublicKey::from_bytes(seed))
    }
}

impl Signer for FakeSigner {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, message: &[u8]) -> Signature {
        keyed_hash(&self.0, message)
    }
}

impl SignatureScheme for FakeScheme {
    fn accepts(&self, claim: &Claim) -> bool {
        keyed_hash(&claim.key, &claim.message) == claim.signature
    }

    fn accepts_each(&self, claims: &[Claim]) -> Vec<bool> {
        claims.iter().map(|claim| self.accepts(claim)).collect()
    }

    fn check_key(&self, _key: &PublicKey) -> Result<(), WeakKey> {
        Ok(())
    }
}

/// Another scheme, of which each claim is asked once: on one machine a signature is checked for everybody who receives it, again
/// inside every certificate that carries it, and by oracles. Real signatures would cost more than all else.
#[derive(Debug, Default)]
pub struct Remembering<S> {
    scheme: S,
    verdicts: Mutex<BTreeMap<ClaimDigest, bool>>,
}

/// Stands for a claim.
type ClaimDigest = [u8; 32];

/// Verdicts that are remembered: more than most runs have signatures.
const REMEMBERED: usize = 1 << 16;

impl<S: SignatureScheme> Remembering<S> {
    /// The verdicts of those claims, by digest, that were given before; the claims that are new.
    fn known(&self, claims: &[Claim]) -> (Vec<(ClaimDigest, Option<bool>)>, Vec<Claim>) {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<_> = claims.iter().map(digest).map(|digest| (digest, verdicts.get(&digest).copied())).collect();
        let unknown = claims.iter().zip(&known).filter(|(_, (_, verdict))| verdict.is_none());
        let unknown = unknown.map(|(claim, _)| claim.clone()).collect();
        (known, unknown)
    }

    fn remember(&self, digest: ClaimDigest, verdict: bool) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.insert(digest, verdict);
        if verdicts.len() > REMEMBERED {
            verdicts.pop_first();
        }
    }
}

impl<S: SignatureScheme> SignatureScheme for Remembering<S> {
    fn accepts(&self, claim: &Claim) -> bool {
        self.accepts_each(std::slice::from_ref(claim)).first().copied().unwrap_or(false)
    }

    fn accepts_each(&self, claims: &[Claim]) -> Vec<bool> {
        let (known, unknown) = self.known(claims);
        let mut new = self.scheme.accepts_each(&unknown).into_iter();
        let mut settle = |(digest, verdict): (ClaimDigest, Option<bool>)| {
            verdict.unwrap_or_else(|| {
                let verdict = new.next().unwrap_or(false);
                self.remember(digest, verdict);
                verdict
            })
        };
        known.into_iter().map(&mut settle).collect()
    }

    fn check_key(&self, key: &PublicKey) -> Result<(), WeakKey> {
        self.scheme.check_key(key)
    }
}

/// Tells a claim from all others. Key and signature have a fixed length, so that nothing can be moved between the parts.
fn digest(claim: &Claim) -> ClaimDigest {
    let Claim { key, message, signature } = claim;
    let parts = Sha256::new().chain_update(key.as_bytes()).chain_update(signature.as_bytes());
    parts.chain_update(message).finalize().into()
}

/// Two hashes of 64 bits each, stretched to a signature.
fn keyed_hash(key: &PublicKey, message: &[u8]) -> Signature {
    let mut lanes = KEYED;
    let (chunks, rest) = message.as_chunks();
    lanes = absorb(lanes, key.as_bytes());
    lanes = chunks.iter().fold(lanes, absorb);
    let mut last = [0; CHUNK];
    last.iter_mut().zip(rest).for_each(|(byte, from)| *byte = *from);
    // The length tells a message from the same one with zeroes behind it.
    let [one, two, three, four] = absorb(lanes, &last);
    let lanes = [mix(one ^ message.len() as u64, two ^ KEYED[0]), mix(three ^ KEYED[1], four ^ message.len() as u64)];
    let mut state = lanes[0] ^ lanes[1].rotate_left(32);
    let mut bytes = [0; Signature::LEN];
    for (index, word) in bytes.chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&(split_mix(&mut state) ^ lanes[index % 2]).to_le_bytes());
    }
    Signature::from_bytes(bytes)
}

/// What is absorbed at a time, in bytes.
const CHUNK: usize = 32;

/// Digits of pi: no structure that a message could have.
const KEYED: [u64; 4] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];

/// Four lanes that do not wait for each other: every word enters two of them, beside another neighbour in each.
fn absorb(lanes: [u64; 4], chunk: &[u8; CHUNK]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(chunk.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let ([one, two, three, four], [a, b, c, d]) = (lanes, words);
    [mix(one ^ a, b ^ KEYED[2]), mix(two ^ c, d ^ KEYED[3]), mix(three ^ b, c ^ KEYED[0]), mix(four ^ d, a ^ KEYED[1])]
}

/// A product of 128 bits, folded.
const fn mix(one: u64, other: u64) -> u64 {
    let product = (one as u128).wrapping_mul(other as u128);
    (product as u64) ^ ((product >> 64) as u64) ^ one.rotate_left(23)
}

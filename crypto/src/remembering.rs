//! Signatures that were found to hold, so that each is examined once.
//!
//! The same signature comes again and again: a batch's results with each reply of it, votes inside certificates and view changes, a request that peers
//! pass on, and everything that this process has signed itself. A verdict depends on the claim's bytes alone, so the first one stands.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Claim, Digest, Domain, PublicKey, Recent, Signature, SignatureScheme, Signer, WeakKey};

/// Claims of the recent past, in each of two generations: about 1 MiB in all.
const GENERATION: usize = 8_192;

/// A scheme that knows again the claims that it accepted lately. Its verdicts are those of the scheme inside.
///
/// Claims that do not hold are not remembered: whoever sends them could make it forget the others.
#[derive(Debug)]
pub struct Remembering<S> {
    scheme: S,
    held: Mutex<Recent<Digest>>,
}

impl<S: SignatureScheme> Remembering<S> {
    /// Nothing is known yet.
    pub const fn new(scheme: S) -> Self {
        Self { scheme, held: Mutex::new(Recent::new(GENERATION)) }
    }

    /// Signs with this key, and remembers each signature: what the process signed itself holds.
    pub fn signer<'a>(&'a self, key: &'a dyn Signer) -> impl Signer + 'a {
        Remembered { scheme: self, key }
    }

    fn held(&self) -> MutexGuard<'_, Recent<Digest>> {
        // A poisoned lock means another thread panicked between two operations on the set, none of which leaves it broken.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scheme's verdicts on those that are not known. As a rule none is, and nothing need be copied.
    fn examine(&self, claims: &[Claim], known: &[bool]) -> Vec<bool> {
        if !known.contains(&true) {
            return self.scheme.accepts_each(claims);
        }
        let fresh: Vec<Claim> =
            claims.iter().zip(known).filter(|(_, known)| !**known).map(|(claim, _)| claim.clone()).collect();
        self.scheme.accepts_each(&fresh)
    }
}

/// The whole claim, signature included: another signature under the same message is another claim.
fn name(key: &PublicKey, message: &[u8], signature: &Signature) -> Digest {
    Digest::of(Domain::Claim, &[key.as_bytes(), signature.as_bytes(), message])
}

fn name_of(claim: &Claim) -> Digest {
    name(&claim.key, &claim.message, &claim.signature)
}

impl<S: SignatureScheme> SignatureScheme for Remembering<S> {
    fn accepts(&self, claim: &Claim) -> bool {
        let name = name_of(claim);
        let accepted = self.held().contains(&name) || self.scheme.accepts(claim);
        if accepted {
            self.held().insert(name);
        }
        accepted
    }

    fn accepts_each(&self, claims: &[Claim]) -> Vec<bool> {
        let names: Vec<Digest> = claims.iter().map(name_of).collect();
        let known: Vec<bool> = {
            let held = self.held();
            names.iter().map(|name| held.contains(name)).collect()
        };
        let mut verdicts = self.examine(claims, &known).into_iter();
        let mut held = self.held();
        let judge = |(name, known): (Digest, bool)| {
            let accepted = known || verdicts.next() == Some(true);
            if accepted {
                held.insert(name);
            }
            accepted
        };
        names.into_iter().zip(known).map(judge).collect()
    }

    fn check_key(&self, key: &PublicKey) -> Result<(), WeakKey> {
        self.scheme.check_key(key)
    }
}

/// A key whose signatures are remembered.
struct Remembered<'a, S> {
    scheme: &'a Remembering<S>,
    key: &'a dyn Signer,
}

impl<S: SignatureScheme> Signer for Remembered<'_, S> {
    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let signature = self.key.sign(message);
        self.scheme.held().insert(name(&self.key.public_key(), message, &signature));
        signature
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{Ed25519, SigningKey};

    /// Ed25519, counting what it is asked.
    #[derive(Debug, Default)]
    struct Counted(AtomicUsize);

    impl SignatureScheme for Counted {
        fn accepts(&self, claim: &Claim) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ed25519.accepts(claim)
        }

        fn accepts_each(&self, claims: &[Claim]) -> Vec<bool> {
            self.0.fetch_add(claims.len(), Ordering::Relaxed);
            Ed25519.accepts_each(claims)
        }

        fn check_key(&self, key: &PublicKey) -> Result<(), WeakKey> {
            Ed25519.check_key(key)
        }
    }

    fn asked(scheme: &Remembering<Counted>) -> usize {
        scheme.scheme.0.load(Ordering::Relaxed)
    }

    fn claim(number: u8) -> Claim {
        let key = SigningKey::from_seed([7; 32]);
        let message = vec![number; 20];
        Claim { key: key.public_key(), signature: key.sign(&message), message }
    }

    fn forged(number: u8) -> Claim {
        Claim { message: vec![number.wrapping_add(1); 20], ..claim(number) }
    }

    #[test]
    fn what_held_once_is_not_examined_again() {
        let scheme = Remembering::new(Counted::default());
        assert!(scheme.accepts(&claim(1)));
        assert_eq!(scheme.accepts_each(&[claim(1), claim(2)]), [true, true]);
        assert!(scheme.accepts(&claim(2)));
        assert_eq!(asked(&scheme), 2);
    }

    #[test]
    fn what_did_not_hold_is_refused_every_time() {
        let scheme = Remembering::new(Counted::default());
        for _ in 0..2 {
            assert!(!scheme.accepts(&forged(1)));
            assert_eq!(scheme.accepts_each(&[claim(1), forged(2), claim(3), forged(1)]), [true, false, true, false]);
        }
        assert_eq!(asked(&scheme), 1 + 4 + 1 + 2);
    }

    #[test]
    fn a_claim_that_differs_in_anything_is_another() {
        let scheme = Remembering::new(Counted::default());
        assert!(scheme.accepts(&claim(1)));
        let other = SigningKey::from_seed([8; 32]);
        assert!(!scheme.accepts(&Claim { key: other.public_key(), ..claim(1) }));
        assert!(!scheme.accepts(&Claim { signature: claim(2).signature, ..claim(1) }));
        assert!(!scheme.accepts(&Claim { message: claim(2).message, ..claim(1) }));
    }

    #[test]
    fn what_was_signed_here_is_known() {
        let scheme = Remembering::new(Counted::default());
        let key = SigningKey::from_seed([7; 32]);
        let signature = scheme.signer(&key).sign(&claim(1).message);
        assert_eq!(signature, claim(1).signature);
        assert!(scheme.accepts(&claim(1)));
        assert_eq!(asked(&scheme), 0);
    }
}

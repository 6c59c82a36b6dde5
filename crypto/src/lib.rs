//! Digests, keys, signing domains, the one rule for accepting signatures, Merkle paths, and the authenticated state tree.
//!
//! Everything that Tetrarch hashes or signs goes through this crate, under three laws:
//!
//! 1. **Every hash and every signature names what it is for.** A [`Domain`] tag stands in front of all bytes, and a
//!    [`Scope`] (chain and epoch) in front of all signed ones. A PREPARE cannot be read as a COMMIT, nor a message of one
//!    chain as another's.
//! 2. **A claim has one verdict.** [`Ed25519`] accepts by ZIP-215, alone and in a batch alike. No neighbour in a batch
//!    changes what becomes of a claim; two honest replicas that see the same bytes agree.
//! 3. **Types hold what came over the wire, checks are explicit.** Decoding a [`PublicKey`] does not judge it;
//!    [`PublicKey::check`] does, once, where a key is admitted (genesis, registration).
//!
//! What is deliberately absent: a fake signature scheme (it lives with the simulator, behind [`SignatureScheme`]), and any
//! knowledge of the messages that are signed.

mod bytes;
mod digest;
mod domain;
mod key_file;
mod key_file_error;
mod merkle;
mod mutated;
mod public_key;
mod recent;
mod remembering;
mod scheme;
mod signature;
mod signing_key;
pub mod state_tree;

pub use bytes::ParseHexError;
pub use digest::Digest;
pub use domain::{Domain, Scope};
pub use key_file_error::KeyFileError;
pub use merkle::{MerklePath, MerkleTree};
pub use public_key::{PublicKey, WeakKey};
pub use recent::Recent;
pub use remembering::Remembering;
pub use scheme::{Claim, Ed25519, SignatureScheme};
pub use signature::Signature;
pub use signing_key::{NoEntropy, Signer, SigningKey};
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use tetrarch_mutants as mutants;

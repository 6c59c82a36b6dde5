//! The authenticated tree over a key-value state: its hashes, its pages, and proofs that need nothing but a root.
//!
//! ```text
//!   row (table, key, value)        path = H(table, key)        256 bits: where its leaf hangs
//!                                  value digest = H(value)
//!
//!        node ───────────── root   node = H(left, right)       at least two leaves below it
//!       0│   │1                    leaf = H(path, value)       as high as it is alone
//!      leaf  node                  nothing = 32 zero bytes
//!           0│  │1
//!     nothing   node …             sixteen neighbours, four levels of it, are a Page
//! ```
//!
//! The shape follows from the set of rows alone, not from the order in which they came (as in the Jellyfish Merkle tree): two
//! replicas with the same rows have the same root. A leaf stands at the highest place where no other is below it, so a proof
//! for n rows has about log2 n digests, and that a row is absent is shown by what stands in its place. Paths are hashes, so nobody
//! makes the tree deep by choosing keys.
//!
//! Four domains keep paths, values, leaves and nodes apart: no node passes for a leaf.

mod branch;
mod page;
mod path;
mod proof;

pub use branch::Branch;
pub use page::Page;
pub use path::{Path, Prefix};
pub use proof::{ProofError, TreeProof};

use crate::{Digest, Domain};

/// A row as the tree sees it: where its leaf hangs, and the digest of its value.
pub type Leaf = (Path, Digest);

/// The digest of a row's value.
pub fn value_digest(value: &[u8]) -> Digest {
    Digest::of(Domain::StateValue, &[value])
}

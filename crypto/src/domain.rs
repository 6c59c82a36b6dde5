//! What a hash or a signature is for.

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::mutated;

/// Declares the domains once, so that [`Domain::ALL`] and the tags cannot fall behind the enum.
macro_rules! domains {
    ($($(#[$doc:meta])* $name:ident => $tag:literal,)+) => {
        /// The purpose of a hash or a signature. Its tag stands in front of the bytes, so that what was made for one purpose
        /// means nothing for another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Domain {
            $($(#[$doc])* $name,)+
        }

        impl Domain {
            /// Every domain, in the order of declaration.
            pub const ALL: &[Domain] = &[$(Domain::$name),+];

            /// The domain's tag: `tetrarch/1/` and its name. The `1` is the version of the hashed and signed forms.
            pub const fn tag(self) -> &'static str {
                match self {
                    $(Domain::$name => concat!("tetrarch/1/", $tag),)+
                }
            }
        }
    };
}

domains! {
    /// The genesis document, whose digest names the chain.
    Genesis => "genesis",
    /// A client's signature under a transaction.
    Transaction => "transaction",
    /// A transaction's id, which leaves its signature out.
    TransactionId => "transaction-id",
    /// An ordered list of transactions.
    Batch => "batch",
    /// A primary's PRE-PREPARE.
    PrePrepare => "pre-prepare",
    /// A backup's PREPARE.
    Prepare => "prepare",
    /// A COMMIT.
    Commit => "commit",
    /// A CHECKPOINT.
    Checkpoint => "checkpoint",
    /// A VIEW-CHANGE.
    ViewChange => "view-change",
    /// A NEW-VIEW.
    NewView => "new-view",
    /// A request for batches, transactions or a state.
    Fetch => "fetch",
    /// The answer to a fetch.
    Supply => "supply",
    /// A replica's report of where it stands.
    Status => "status",
    /// The signed root of one batch's results.
    Results => "results",
    /// The signed root of the results that one batch will have if it is decided.
    TentativeResults => "tentative-results",
    /// One transaction's result, as a leaf of the batch's results.
    ResultLeaf => "result-leaf",
    /// A leaf of a Merkle tree.
    MerkleLeaf => "merkle-leaf",
    /// An inner node or the root of a Merkle tree.
    MerkleNode => "merkle-node",
    /// The hash chain through a replica's own records on disk.
    JournalRecord => "journal-record",
    /// The place of a row in the state tree.
    StatePath => "state-path",
    /// The value of a row in the state tree.
    StateValue => "state-value",
    /// A leaf of the state tree.
    StateLeaf => "state-leaf",
    /// A node of the state tree.
    StateNode => "state-node",
    /// The root over the whole replicated state.
    StateRoot => "state-root",
    /// A key's record, as events of the store name it.
    KvRecord => "kv-record",
    /// A change of one key in the store.
    KvEvent => "kv-event",
    /// The hash chain through the store's events.
    KvChain => "kv-chain",
    /// Proof of a replica's misbehaviour.
    Evidence => "evidence",
    /// A claim that was found to hold, as a process remembers it.
    Claim => "claim",
}

impl Domain {
    /// The bytes that are signed for `payload`: the tag's length (64-bit little-endian), the tag, the 32 bytes of the genesis
    /// digest, the epoch (64-bit little-endian), the payload.
    ///
    /// All before the payload has a length that the bytes themselves tell, so two different (domain, scope, payload) never
    /// give the same bytes.
    pub fn signing_bytes(self, scope: &Scope, payload: &[u8]) -> Vec<u8> {
        let tag = self.tag().as_bytes();
        let mut bytes = Vec::with_capacity(8 + tag.len() + Digest::LEN + 8 + payload.len());
        bytes.extend_from_slice(&(tag.len() as u64).to_le_bytes());
        bytes.extend_from_slice(tag);
        if !mutated!(ScopeNotSigned) {
            bytes.extend_from_slice(scope.genesis.as_bytes());
            bytes.extend_from_slice(&scope.epoch.to_le_bytes());
        }
        bytes.extend_from_slice(payload);
        bytes
    }
}

/// Where a signature counts: on one chain, under one membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The digest of the genesis document: the chain.
    pub genesis: Digest,
    /// The number of the membership, counted from zero at genesis.
    pub epoch: u64,
}

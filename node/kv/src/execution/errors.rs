//! What can go wrong, in sentences that say what to do.

use tetrarch_crypto::Digest;
use tetrarch_storage::StoreError;
use tetrarch_types::SeqNum;

/// Why a store cannot be made, or opened as, the state of a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no chain in the store.
    #[error(
        "the store holds no chain; initialise it first, unless there should be one: then find out where its data directory went"
    )]
    NotInitialised,
    /// `init` on a store that has a chain.
    #[error("the store already holds the chain {chain}; use an empty data directory, nothing was changed in this one")]
    AlreadyInitialised {
        /// Its genesis digest.
        chain: Digest,
    },
    /// The store belongs to another chain.
    #[error(
        "the store holds the chain {theirs}, but the genesis file says {ours}; use the right data directory or genesis file"
    )]
    OtherGenesis {
        /// The chain that was asked for.
        ours: Digest,
        /// The chain in the store.
        theirs: Digest,
    },
    /// Written by a version that keeps its data otherwise.
    #[error(
        "the store's format has version {version}, which this program does not know; use the version that wrote it"
    )]
    UnknownFormat {
        /// The format's version.
        version: u32,
    },
    /// The machine names a table that is not its own.
    #[error("the state machine names a table {table:?}, which is reserved; give the machine's table another name")]
    ReservedTable {
        /// The table's name.
        table: &'static str,
    },
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a batch was not executed. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// Batches execute in order, each once. A mistake in the program.
    #[error("batch {offered} cannot execute now: the last one executed is {executed}")]
    NotNext {
        /// The last batch executed.
        executed: SeqNum,
        /// The batch that was offered.
        offered: SeqNum,
    },
    /// The bodies are not as many as the batch names. A mistake in the program: the verifier compares them one by one.
    #[error("batch {seq} names {named} transactions and comes with {bodies} bodies")]
    WrongBodies {
        /// The batch.
        seq: SeqNum,
        /// Transactions named.
        named: usize,
        /// Bodies that came with it.
        bodies: usize,
    },
    /// The state here is that of no batch.
    #[error(
        "batch {offered} cannot execute: the state here is damaged or being replaced; install that of a stable checkpoint first"
    )]
    Damaged {
        /// The batch that was offered.
        offered: SeqNum,
    },
    /// The disk. The node must stop voting: it no longer knows its own state.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an installation has not ended. Nothing was changed, and it goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallError {
    /// There is nothing to end. A mistake in the program: what is whole must not be replaced.
    #[error("no installation is under way, and the state here is whole; begin one before it is ended")]
    NotBegun,
    /// The rows in place are those of another batch.
    #[error("the state in place is that of batch {executed}, and batch {due} is due; go on with the transfer")]
    OtherBatch {
        /// The batch whose state is installed.
        due: SeqNum,
        /// What the state in place says of itself.
        executed: SeqNum,
    },
    /// The rows in place do not name this chain.
    #[error("the state in place names another chain, or none; go on with the transfer")]
    OtherChain,
    /// The rows in place are not those that the checkpoint vouches for.
    #[error("the state in place has the root {found}, and {due} is due; go on with the transfer")]
    OtherRoot {
        /// The certified root.
        due: Digest,
        /// The root of what is in place.
        found: Digest,
    },
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Not a question that the machine understands; the sentence is for the one who asked.
    #[error("{0}")]
    Malformed(String),
    /// The answer would not fit a response.
    #[error("the answer has {actual} bytes, more than the limit of {limit}; ask for less")]
    TooLarge {
        /// Its bytes.
        actual: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Nothing is answered from a state that is that of no batch.
    #[error("the state here is being repaired and is that of no batch; ask another replica")]
    Damaged,
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

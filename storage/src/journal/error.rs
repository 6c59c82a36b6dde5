//! Why a journal is refused, in sentences that say what to do.

use super::rows::BASE_LENGTH;
use crate::StoreError;

/// Why a journal could not be opened or written. Unless it is [`Store`](Self::Store), [`Stopped`](Self::Stopped) or
/// [`NotReached`](Self::NotReached), this node has lost records that it may have acted on, and must not vote with the rest.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store or the mark failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry, or the one before it, is not what was written.
    #[error(
        "Journal entry {index} does not continue the hash chain: it was changed, moved or written by something else. Do not vote with this journal; keep a copy and let the node recover from its peers."
    )]
    ChainBroken {
        /// The first entry that does not fit.
        index: u64,
    },
    /// Entries are missing in front of others.
    #[error(
        "The journal goes on with entry {found} where entry {expected} should be: records were lost. Do not vote with this journal; keep a copy and let the node recover from its peers."
    )]
    Gap {
        /// The first entry missing.
        expected: u64,
        /// The entry found in its place.
        found: u64,
    },
    /// Entries that were synced, and may have been acted on, are gone from the end, and the mark has no copy of all of them.
    #[error(
        "The journal ends with entry {have}, but its high-water mark says that entry {mark} was on the disk: the tail was cut, or the data directory restored from a backup. Do not vote with this journal; let the node recover from its peers."
    )]
    TailCut {
        /// The last entry there is, or the last one forgotten; 0 if there was none.
        have: u64,
        /// The last entry that must be there.
        mark: u64,
    },
    /// The entry that the mark names has another chain value: the chain holds, but it is not the one that the mark followed.
    #[error(
        "Journal entry {index} is not the one that the high-water mark was set for: the journal and the mark belong to different nodes, or the journal was rewritten. Put the right pair together, or let the node recover from its peers; do not vote before."
    )]
    OtherHistory {
        /// The entry that the mark names.
        index: u64,
    },
    /// No mark was ever set, or it is gone: whether entries went with it cannot be told.
    #[error(
        "The journal goes to entry {have}, but there is no high-water mark beside it: its file was removed or not restored, or its directory was initialised by a version that set none, so a cut tail could not be noticed. Put the file back if it is still there, or initialise anew if nothing ever ran here; else let the node recover from its peers before it votes."
    )]
    MarkMissing {
        /// The last entry there is, or the last one forgotten.
        have: u64,
    },
    /// The mark is older than entries that were forgotten when it had already passed them.
    #[error(
        "The high-water mark stands at entry {mark}, but it had passed entry {forgotten} when that one was forgotten: an older mark was put in its place, and a cut tail could not be noticed. Put the newer file back if it is still there; else let the node recover from its peers before it votes."
    )]
    MarkOlder {
        /// Where the mark stands.
        mark: u64,
        /// The last entry that the journal has forgotten.
        forgotten: u64,
    },
    /// The record of what was forgotten cannot be read.
    #[error(
        "The record of where the journal begins has {length} bytes instead of {BASE_LENGTH}. Do not vote with this journal; keep a copy and let the node recover from its peers."
    )]
    BaseBroken {
        /// How long it is.
        length: usize,
    },
    /// A key that is no index.
    #[error(
        "The journal's table holds the key {key:02x?} after entry {after}, which is no entry's index: something else wrote there. Do not vote with this journal; keep a copy and let the node recover from its peers."
    )]
    ForeignKey {
        /// The last entry before it.
        after: u64,
        /// The key.
        key: Vec<u8>,
    },
    /// An earlier write of the journal or its mark failed, so it takes no more.
    #[error(
        "An earlier write to the journal failed, so how far it goes on the disk is not known and nothing more is appended. Find that first error, mend its cause and start the node again."
    )]
    Stopped,
    /// A truncation past the end. A mistake in the program, not on the disk.
    #[error(
        "Entries below {index} cannot be forgotten, since the next one to be written is {next}. Nothing was forgotten."
    )]
    NotReached {
        /// What was asked.
        index: u64,
        /// The most that could have been.
        next: u64,
    },
}

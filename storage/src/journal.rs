//! A journal that notices when the disk lost or changed some of it.
//!
//! ```text
//!   key (u64 big-endian)   value
//!   0                      base: index of the last forgotten entry, u64 little-endian │ its chain value 32   (once truncated)
//!   1, 2, 3, ...           entry: chain value 32 │ payload
//!
//!   chain(0) = 32 zero bytes
//!   chain(i) = SHA-256( length of the tag, u64 little-endian │ tag │ chain(i-1) │ i, u64 little-endian │ payload )
//! ```
//!
//! The chain tells an entry that was changed, moved or taken out of the middle. It cannot tell a missing tail, since what is
//! left of it is still a chain; the [`HighWaterMark`] does, which is kept apart and says how far the entries went.
//!
//! What a crash can leave, and what `open` makes of it:
//!
//! 1. *A mark behind the last entry*: it came between an append's write and the mark's advance. The entries were never
//!    acknowledged, and are adopted. They may be in the kernel's cache only, or their fsync may have failed, so they are
//!    written once more, synced, before the mark follows them.
//! 2. *Entries that had been truncated*: the truncation was buffered and lost, with its base, since the two are one batch.
//!    They are returned again. An append after a truncation makes it durable.
//! 3. *No mark and no entry*: a new journal. It sets the mark to index 0 before the first append, so that case 1 never looks
//!    like a mark that was removed. A node that lost both looks new as well: only its owner can know better.
//!
//! What it cannot leave, so that `open` refuses it:
//!
//! 4. *A mark ahead of the last entry*: an append syncs its entries before it advances the mark.
//! 5. *A mark behind the base*: only entries that the mark had reached are ever forgotten.
//! 6. *A hole*: the store keeps a batch whole, and loses none before one that it keeps.
//!
//! Entries below the base cannot be left either; they do no harm, and are deleted once the chain and the mark have proved
//! the base right.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use crate::{Direction, Durability, HighWaterMark, Mark, Reader, Store, StoreError, Table, WriteBatch};

/// The table that a [`Journal`] keeps its entries in; the store must have been opened with it. Nobody else writes there.
pub const JOURNAL: Table = Table::new("journal");

const TAG: &[u8] = b"tetrarch/1/journal";
const BASE_KEY: u64 = 0;
/// How many entries one scan reads at most.
const PAGE: usize = 64;
/// What the chain starts from: there is no entry 0.
const ORIGIN: Mark = Mark { index: 0, chain: [0; 32] };

type ChainValue = [u8; 32];

/// One record of a [`Journal`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place, counted from 1 since the journal was made.
    pub index: u64,
    /// What was appended.
    pub payload: Vec<u8>,
}

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
    /// Entries that were synced, and may have been acted on, are gone from the end.
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
    /// There are entries, or there were, but no mark was ever set.
    #[error(
        "The journal goes to entry {have}, but there is no high-water mark beside it: its file was removed or not restored, so a cut tail could not be noticed. Put the file back if it is still there; else let the node recover from its peers before it votes."
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

/// An append-only sequence of records over a [`Store`], whose acknowledged entries survive power failures, and whose damage
/// or loss is found by [`open`](Self::open).
///
/// It keeps 32 bytes in memory for each entry that it has not forgotten. After a failed write it refuses every later one.
pub struct Journal<S: Store> {
    store: S,
    mark: Box<dyn HighWaterMark>,
    chain: Chain,
    stopped: bool,
}

impl<S: Store> Journal<S> {
    /// Opens the journal, checks every entry against the hash chain and the chain against the mark, and returns the entries
    /// in order. All of them are durable, and the mark stands at the last.
    ///
    /// Entries older than the last truncation may be among them, if a crash lost it.
    ///
    /// # Errors
    /// Any [`JournalError`] but [`Stopped`](JournalError::Stopped) and [`NotReached`](JournalError::NotReached). Nothing is
    /// written before everything has been checked.
    pub fn open(store: S, mut mark: Box<dyn HighWaterMark>) -> Result<(Self, Vec<Entry>), JournalError> {
        let (chain, entries) = read(&store)?;
        let vouched = check_mark(&chain, mark.read()?)?;
        adopt(&store, &chain, entries.iter().filter(|entry| entry.index > vouched))?;
        mark.advance(chain.tip())?;
        sweep(&store, chain.base.index)?;
        Ok((Self { store, mark, chain, stopped: false }, entries))
    }

    /// Appends `entries` in one synced write, then advances the mark, and returns the index of the first. Once it has
    /// returned, they survive a power failure, and it would be noticed if they did not. Of no entries, it does nothing.
    ///
    /// # Errors
    /// [`JournalError::Store`] if the store or the mark failed: whether the entries will be there when the journal is opened
    /// again is not known, and until then it answers [`JournalError::Stopped`].
    pub fn append(&mut self, entries: Vec<Vec<u8>>) -> Result<u64, JournalError> {
        self.refuse_if_stopped()?;
        let first = self.next();
        if entries.is_empty() {
            return Ok(first);
        }
        let mut tip = self.chain.tip();
        let mut batch = WriteBatch::new();
        let mut chains = Vec::with_capacity(entries.len());
        for payload in &entries {
            tip = link(tip, payload);
            put_entry(&mut batch, tip, payload);
            chains.push(tip.chain);
        }
        self.stopped = true;
        self.store.write(batch, Durability::Synced)?;
        self.mark.advance(tip)?;
        self.stopped = false;
        self.chain.values.extend(chains);
        Ok(first)
    }

    /// Forgets the entries below `index`, which may be all of them. This is not synced: a crash before the next append may
    /// undo it.
    ///
    /// # Errors
    /// [`JournalError::NotReached`] if `index` is above [`next`](Self::next), and nothing is forgotten.
    /// [`JournalError::Store`] if the store failed; from then on [`JournalError::Stopped`].
    pub fn truncate_before(&mut self, index: u64) -> Result<(), JournalError> {
        self.refuse_if_stopped()?;
        if index <= self.first() {
            return Ok(());
        }
        let not_reached = JournalError::NotReached { index, next: self.next() };
        let base = self.chain.at(index - 1).ok_or(not_reached)?;
        let mut batch = WriteBatch::new();
        batch.delete_range(JOURNAL, key(self.first()), key(index));
        batch.put(JOURNAL, key(BASE_KEY), encode_base(base));
        self.stopped = true;
        self.store.write(batch, Durability::Buffered)?;
        self.stopped = false;
        self.chain.rebase(base);
        Ok(())
    }

    /// The oldest entry kept; the same as [`next`](Self::next) if none is.
    pub fn first(&self) -> u64 {
        after(self.chain.base.index)
    }

    /// The index that the next entry will get.
    pub fn next(&self) -> u64 {
        after(self.chain.tip().index)
    }

    fn refuse_if_stopped(&self) -> Result<(), JournalError> {
        if self.stopped { Err(JournalError::Stopped) } else { Ok(()) }
    }
}

/// The chain's values from the base through the last entry.
struct Chain {
    /// The last entry forgotten, or `ORIGIN`.
    base: Mark,
    /// Those of the entries after it, without a gap.
    values: VecDeque<ChainValue>,
}

impl Chain {
    fn tip(&self) -> Mark {
        let chain = self.values.back().copied().unwrap_or(self.base.chain);
        Mark { index: self.base.index.saturating_add(self.values.len() as u64), chain }
    }

    /// Where the chain stood at `index`; `None` below the base and above the tip.
    fn at(&self, index: u64) -> Option<Mark> {
        let behind_base = index.checked_sub(self.base.index)?;
        let Some(position) = behind_base.checked_sub(1) else { return Some(self.base) };
        let chain = *self.values.get(usize::try_from(position).ok()?)?;
        Some(Mark { index, chain })
    }

    /// Forgets everything before `base`, which was got from [`at`](Self::at).
    fn rebase(&mut self, base: Mark) {
        let forgotten = (base.index - self.base.index) as usize;
        self.values.drain(..forgotten);
        self.base = base;
    }

    /// Takes the next stored entry if it continues the chain.
    fn accept(&mut self, key: &[u8], mut value: Vec<u8>) -> Result<Entry, JournalError> {
        let tip = self.tip();
        let foreign = || JournalError::ForeignKey { after: tip.index, key: key.to_vec() };
        let index = key.try_into().map(u64::from_be_bytes).map_err(|_| foreign())?;
        if index != after(tip.index) {
            return Err(JournalError::Gap { expected: after(tip.index), found: index });
        }
        let stored = value.first_chunk::<32>().copied().ok_or(JournalError::ChainBroken { index })?;
        value.drain(..stored.len());
        if link(tip, &value).chain != stored {
            return Err(JournalError::ChainBroken { index });
        }
        self.values.push_back(stored);
        Ok(Entry { index, payload: value })
    }
}

/// Reads everything from the base on.
fn read(store: &impl Reader) -> Result<(Chain, Vec<Entry>), JournalError> {
    let mut chain = Chain { base: read_base(store)?, values: VecDeque::new() };
    let mut entries = Vec::new();
    loop {
        let page = store.scan(JOURNAL, &key(after(chain.tip().index)), &[], Direction::Ascending, PAGE)?;
        let is_last = page.len() < PAGE;
        for (key, value) in page {
            entries.push(chain.accept(&key, value)?);
        }
        if is_last {
            return Ok((chain, entries));
        }
    }
}

/// How far the mark vouches for the chain, if the two agree.
fn check_mark(chain: &Chain, mark: Option<Mark>) -> Result<u64, JournalError> {
    let have = chain.tip().index;
    match mark {
        None if have == ORIGIN.index => Ok(have),
        None => Err(JournalError::MarkMissing { have }),
        Some(mark) if mark.index > have => Err(JournalError::TailCut { have, mark: mark.index }),
        Some(mark) => match chain.at(mark.index) {
            Some(there) if there == mark => Ok(mark.index),
            Some(_) => Err(JournalError::OtherHistory { index: mark.index }),
            None => Err(JournalError::MarkOlder { mark: mark.index, forgotten: chain.base.index }),
        },
    }
}

/// Makes entries durable that the mark does not vouch for. Writing them anew, instead of syncing what is there, also holds
/// when their first fsync failed and the kernel took the pages for clean.
fn adopt<'a>(store: &impl Store, chain: &Chain, entries: impl Iterator<Item = &'a Entry>) -> Result<(), JournalError> {
    let mut batch = WriteBatch::new();
    for entry in entries {
        if let Some(link) = chain.at(entry.index) {
            put_entry(&mut batch, link, &entry.payload);
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    Ok(store.write(batch, Durability::Synced)?)
}

/// Deletes what is left below the base.
fn sweep(store: &impl Store, base: u64) -> Result<(), JournalError> {
    let (from, to) = (key(after(ORIGIN.index)), key(after(base)));
    if store.scan(JOURNAL, &from, &to, Direction::Ascending, 1)?.is_empty() {
        return Ok(());
    }
    let mut batch = WriteBatch::new();
    batch.delete_range(JOURNAL, from, to);
    Ok(store.write(batch, Durability::Buffered)?)
}

/// The chain after an entry of `payload` behind `previous`.
fn link(previous: Mark, payload: &[u8]) -> Mark {
    let index = after(previous.index);
    let mut hash = Sha256::new();
    hash.update((TAG.len() as u64).to_le_bytes());
    hash.update(TAG);
    hash.update(previous.chain);
    hash.update(index.to_le_bytes());
    hash.update(payload);
    Mark { index, chain: hash.finalize().into() }
}

fn put_entry(batch: &mut WriteBatch, link: Mark, payload: &[u8]) {
    batch.put(JOURNAL, key(link.index), [&link.chain, payload].concat());
}

const BASE_LENGTH: usize = 8 + 32;

fn encode_base(base: Mark) -> Vec<u8> {
    [&base.index.to_le_bytes()[..], &base.chain].concat()
}

fn read_base(store: &impl Reader) -> Result<Mark, JournalError> {
    let Some(value) = store.get(JOURNAL, &key(BASE_KEY))? else { return Ok(ORIGIN) };
    decode_base(&value).ok_or(JournalError::BaseBroken { length: value.len() })
}

fn decode_base(value: &[u8]) -> Option<Mark> {
    let (index, chain) = value.split_first_chunk::<8>()?;
    Some(Mark { index: u64::from_le_bytes(*index), chain: chain.try_into().ok()? })
}

fn key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

/// The index after `index`. A damaged base may hold the largest number there is: it stays there, and the mark refutes it.
fn after(index: u64) -> u64 {
    index.saturating_add(1)
}

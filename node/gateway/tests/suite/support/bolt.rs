//! A reader of bbolt's files that knows nothing of the writer, and refuses whatever bbolt's own check would refuse.

use std::collections::{BTreeMap, BTreeSet};

const PAGE: usize = 4_096;
const HEADER: usize = 16;
const ELEMENT: usize = 16;

/// Stands for a list of free pages that is not kept: etcd lets bbolt find them, and so does whatever reads its files.
const NO_LIST: u64 = u64::MAX;

/// Buckets by name, and what is in them.
pub(crate) type Buckets = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

/// Reads a file and checks all of it.
pub(crate) fn read(file: &[u8]) -> Buckets {
    let meta = [0, 1].into_iter().filter_map(|page| Meta::read(file, page)).max_by_key(|meta| meta.transaction);
    let Some(meta) = meta else { panic!("neither of the two first pages is whole") };
    assert!(file.len() as u64 >= meta.pages * PAGE as u64, "the file is shorter than it says");
    let mut reader = Reader { file, used: BTreeSet::from([0, 1]), pages: meta.pages, depth: None };
    let free = reader.free(meta.freelist);
    let names = reader.bucket(meta.root);
    let buckets = names.into_iter().map(|entry| {
        assert_eq!(entry.flags, 1, "what is in the root is a bucket");
        (String::from_utf8(entry.key).unwrap(), reader.values(&entry.value))
    });
    let buckets = buckets.collect();
    if let Some(free) = free {
        assert!(reader.used.is_disjoint(&free), "a page is used and free");
        let known = (reader.used.len() + free.len()) as u64;
        assert_eq!(known, meta.pages, "a page is neither used nor free");
    }
    buckets
}

/// How many pages the first two say that there are, if each is whole by itself and has a list of free pages.
pub(crate) fn pages(file: &[u8]) -> Option<u64> {
    let [one, other] = [0, 1].map(|page| Meta::read(file, page));
    let (one, other) = (one?, other?);
    let agree = (one.pages, one.root, one.freelist) == (other.pages, other.root, other.freelist);
    (agree && one.freelist != NO_LIST).then_some(one.pages)
}

struct Meta {
    root: u64,
    freelist: u64,
    pages: u64,
    transaction: u64,
}

impl Meta {
    fn read(file: &[u8], page: usize) -> Option<Self> {
        let meta = &file[page * PAGE + HEADER..];
        let whole = u16_at(file, page * PAGE + 8) == 0x04
            && u32_at(meta, 0) == 0xED0C_DAED
            && u32_at(meta, 4) == 2
            && u32_at(meta, 8) == 4_096
            && u64_at(meta, 56) == fnv(&meta[..56]);
        let field = |at| u64_at(meta, at);
        whole.then(|| Self { root: field(16), freelist: field(32), pages: field(40), transaction: field(48) })
    }
}

struct Entry {
    flags: u32,
    key: Vec<u8>,
    value: Vec<u8>,
}

struct Reader<'f> {
    file: &'f [u8],
    used: BTreeSet<u64>,
    pages: u64,
    /// How far down the leaves of the tree are that is being read.
    depth: Option<usize>,
}

impl<'f> Reader<'f> {
    /// The pages that are listed as free, if there is a list.
    fn free(&mut self, number: u64) -> Option<BTreeSet<u64>> {
        if number == NO_LIST {
            return None;
        }
        let page = self.page(number);
        assert_eq!(u16_at(page, 8), 0x10, "page {number} is the list of free pages");
        let count = usize::from(u16_at(page, 10));
        let free: BTreeSet<u64> = (0..count).map(|at| u64_at(page, HEADER + 8 * at)).collect();
        assert_eq!(free.len(), count, "a page is free twice");
        Some(free)
    }

    fn values(&mut self, bucket: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let root = u64_at(bucket, 0);
        // A small bucket of etcd's lies in the entry that names it.
        let entries = if root == 0 { leaf(&bucket[16..]) } else { self.bucket(root) };
        assert!(entries.iter().all(|entry| entry.flags == 0), "no bucket in a bucket");
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    fn bucket(&mut self, root: u64) -> Vec<Entry> {
        self.depth = None;
        let entries = self.tree(root, 0);
        let ordered = entries.windows(2).all(|pair| pair[0].key < pair[1].key);
        assert!(ordered && entries.iter().all(|entry| !entry.key.is_empty()), "keys are in order");
        entries
    }

    fn tree(&mut self, number: u64, depth: usize) -> Vec<Entry> {
        let page = self.page(number);
        match u16_at(page, 8) {
            0x02 => {
                assert_eq!(*self.depth.get_or_insert(depth), depth, "all leaves are equally far down");
                leaf(page)
            }
            0x01 => self.branch(page, depth),
            kind => panic!("page {number} is of kind {kind:#x}"),
        }
    }

    fn branch(&mut self, page: &[u8], depth: usize) -> Vec<Entry> {
        let count = usize::from(u16_at(page, 10));
        assert!(count >= 2, "a branch has {count} children");
        let mut entries: Vec<Entry> = Vec::new();
        for at in (0..count).map(|at| HEADER + at * ELEMENT) {
            let (from, bytes) = (at + u32_at(page, at) as usize, u32_at(page, at + 4) as usize);
            let key = &page[from..from + bytes];
            let below = self.tree(u64_at(page, at + 8), depth + 1);
            assert!(key <= below[0].key.as_slice(), "what is below a key is not less");
            assert!(entries.last().is_none_or(|last| last.key.as_slice() < key), "what is before a key is less");
            entries.extend(below);
        }
        entries
    }

    /// A page with those that belong to it.
    fn page(&mut self, number: u64) -> &'f [u8] {
        let at = usize::try_from(number).unwrap() * PAGE;
        assert_eq!(u64_at(self.file, at), number, "a page has its number");
        let more = u32_at(self.file, at + 12);
        for page in number..=number + u64::from(more) {
            assert!(page < self.pages && self.used.insert(page), "page {page} is used twice, or there is none");
        }
        &self.file[at..at + (more as usize + 1) * PAGE]
    }
}

fn leaf(page: &[u8]) -> Vec<Entry> {
    let count = usize::from(u16_at(page, 10));
    let entry = |at: usize| {
        let from = at + u32_at(page, at + 4) as usize;
        let behind = from + u32_at(page, at + 8) as usize;
        let value = page[behind..behind + u32_at(page, at + 12) as usize].to_vec();
        assert!(from >= HEADER + count * ELEMENT, "keys and values are behind what says where they are");
        Entry { flags: u32_at(page, at), key: page[from..behind].to_vec(), value }
    };
    (0..count).map(|at| entry(HEADER + at * ELEMENT)).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// FNV-1a of 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 14_695_981_039_346_656_037_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211);
    }
    hash
}

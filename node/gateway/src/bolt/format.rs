//! Pages, byte by byte.

use std::io;

/// A page's bytes.
pub const PAGE_BYTES: usize = 4_096;

/// What stands in front of each page: its number (8), kind (2), how many elements it has (2), and how many pages it takes beyond the first (4).
pub(super) const HEADER_BYTES: usize = 16;

/// What stands in a page for each entry or child, in front of all keys and values: where they are, and how long.
pub(super) const ELEMENT_BYTES: usize = 16;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const FREELIST: u16 = 0x10;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;

/// The page that would list free pages.
pub(super) const FREELIST_PAGE: u64 = 2;

/// What the entries of a leaf are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Keys and values.
    Values,
    /// Names of buckets, and where their trees begin.
    Buckets,
}

/// One of the two first pages.
pub(super) fn meta(number: u8, root: u64, pages: u64) -> io::Result<Vec<u8>> {
    let mut meta = Vec::new();
    for field in [MAGIC, VERSION, length(PAGE_BYTES)?, 0] {
        meta.extend(field.to_le_bytes());
    }
    meta.extend(bucket(root));
    // The last number is that of the transaction that wrote it: the first two of a database, one in each page.
    for field in [FREELIST_PAGE, pages, u64::from(number)] {
        meta.extend(field.to_le_bytes());
    }
    let checksum = fnv(&meta);
    meta.extend(checksum.to_le_bytes());
    page(u64::from(number), META, 0, &meta)
}

/// A list of no free pages.
pub(super) fn freelist() -> io::Result<Vec<u8>> {
    page(FREELIST_PAGE, FREELIST, 0, &[])
}

/// A leaf with these entries.
pub(super) fn leaf(number: u64, holds: Holds, entries: &[(Vec<u8>, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let (mut elements, mut contents) = (Vec::new(), Vec::new());
    for (at, (key, value)) in entries.iter().enumerate() {
        let is_bucket = u32::from(holds == Holds::Buckets);
        for field in [is_bucket, place(entries.len(), at, &contents)?, length(key.len())?, length(value.len())?] {
            elements.extend(field.to_le_bytes());
        }
        contents.extend_from_slice(key);
        contents.extend_from_slice(value);
    }
    elements.extend(contents);
    page(number, LEAF, entries.len(), &elements)
}

/// A branch with these children: their first keys, and their pages.
pub(super) fn branch(number: u64, children: &[(Vec<u8>, u64)]) -> io::Result<Vec<u8>> {
    let (mut elements, mut contents) = (Vec::new(), Vec::new());
    for (at, (key, child)) in children.iter().enumerate() {
        for field in [place(children.len(), at, &contents)?, length(key.len())?] {
            elements.extend(field.to_le_bytes());
        }
        elements.extend(child.to_le_bytes());
        contents.extend_from_slice(key);
    }
    elements.extend(contents);
    page(number, BRANCH, children.len(), &elements)
}

/// The value of an entry that is a bucket: its root, and a sequence that is not used.
pub(super) fn bucket(root: u64) -> Vec<u8> {
    [root.to_le_bytes(), 0_u64.to_le_bytes()].concat()
}

/// How many pages so many bytes take, with their header.
pub(super) const fn pages(bytes: usize) -> u64 {
    (HEADER_BYTES + bytes).div_ceil(PAGE_BYTES) as u64
}

/// Where a key begins, counted from its element.
fn place(count: usize, at: usize, contents: &[u8]) -> io::Result<u32> {
    length((count - at) * ELEMENT_BYTES + contents.len())
}

fn page(number: u64, kind: u16, count: usize, contents: &[u8]) -> io::Result<Vec<u8>> {
    let pages = pages(contents.len());
    let bytes = usize::try_from(pages).map_err(|_| too_large())? * PAGE_BYTES;
    let mut page = Vec::with_capacity(bytes);
    page.extend(number.to_le_bytes());
    page.extend(kind.to_le_bytes());
    page.extend(u16::try_from(count).map_err(|_| too_large())?.to_le_bytes());
    page.extend(u32::try_from(pages - 1).map_err(|_| too_large())?.to_le_bytes());
    page.extend_from_slice(contents);
    page.resize(bytes, 0);
    Ok(page)
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "larger than a page can be")
}

/// FNV-1a of 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

//! Sixteen neighbours: four levels of the tree, stored and sent as one.

use serde::{Deserialize, Serialize};

use super::{Branch, Path, Prefix};
use crate::Digest;

/// What the kinds of branches begin with, as bytes.
const EMPTY: u8 = 0;
const LEAF: u8 = 1;
const NODE: u8 = 2;

/// The bytes of a digest or path.
const DIGEST: usize = 32;

/// Sixteen neighbouring branches, by the nibble that leads to each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page(pub [Branch; 16]);

impl Page {
    /// The branch that a nibble leads to.
    pub fn branch(&self, nibble: u8) -> Branch {
        self.0.get(usize::from(nibble)).copied().unwrap_or_default()
    }

    /// Puts a branch where a nibble leads.
    pub fn set(&mut self, nibble: u8, branch: Branch) {
        if let Some(place) = self.0.get_mut(usize::from(nibble)) {
            *place = branch;
        }
    }

    /// The page in the form that postcard gives it, several times as fast: pages are read and written more often than anything else.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        for branch in &self.0 {
            match branch {
                Branch::Empty => bytes.push(EMPTY),
                Branch::Leaf { path, value } => {
                    bytes.push(LEAF);
                    bytes.extend_from_slice(path.as_bytes());
                    bytes.extend_from_slice(value.as_bytes());
                }
                Branch::Node(digest) => {
                    bytes.push(NODE);
                    bytes.extend_from_slice(digest.as_bytes());
                }
            }
        }
        bytes
    }

    /// How many bytes [`to_bytes`](Self::to_bytes) writes.
    pub fn encoded_len(&self) -> usize {
        let size = |branch: &Branch| match branch {
            Branch::Empty => 1,
            Branch::Leaf { .. } => 1 + 2 * DIGEST,
            Branch::Node(_) => 1 + DIGEST,
        };
        self.0.iter().map(size).sum()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes; nothing if it is anything else.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut page = Self::default();
        for branch in &mut page.0 {
            let (kind, rest) = bytes.split_first()?;
            (*branch, bytes) = match *kind {
                EMPTY => (Branch::Empty, rest),
                LEAF => {
                    let (path, rest) = rest.split_first_chunk::<DIGEST>()?;
                    let (value, rest) = rest.split_first_chunk::<DIGEST>()?;
                    (Branch::Leaf { path: Path::from_bytes(*path), value: Digest::from_bytes(*value) }, rest)
                }
                NODE => {
                    let (digest, rest) = rest.split_first_chunk::<DIGEST>()?;
                    (Branch::Node(Digest::from_bytes(*digest)), rest)
                }
                _ => return None,
            };
        }
        bytes.is_empty().then_some(page)
    }

    /// What hangs where the page does.
    pub fn joined(&self) -> Branch {
        let mut level = self.0;
        for half in [8, 4, 2, 1] {
            for at in 0..half {
                level[at] = Branch::join(level[2 * at], level[2 * at + 1]);
            }
        }
        level[0]
    }

    /// Whether its leaves belong below this place, each behind its own nibble. What a page says of nodes cannot be seen by itself.
    pub fn fits(&self, place: &Prefix) -> bool {
        (0_u8..).zip(&self.0).all(|(nibble, branch)| match branch {
            Branch::Leaf { path, .. } => place.child(nibble).contains(path),
            _ => place.len() < Path::NIBBLES,
        })
    }

    /// From what hangs at the page's place, down four levels of one bit each until `path` meets a leaf or nothing, or leaves the
    /// page: the neighbours passed on the way, and what was met.
    pub(super) fn walk(&self, path: &Path, depth: usize) -> (Vec<Digest>, Branch) {
        let levels = self.levels();
        let mut siblings = Vec::new();
        let mut at = 0_usize;
        let mut branch = self.joined();
        for (step, level) in levels.iter().enumerate().skip(1) {
            if !matches!(branch, Branch::Node(_)) {
                break;
            }
            at = at * 2 + usize::from(path.bit(depth + step - 1));
            siblings.push(level.get(at ^ 1).copied().unwrap_or_default().digest());
            branch = level.get(at).copied().unwrap_or_default();
        }
        (siblings, branch)
    }

    /// The branches of each level, the top first: one, two, four, eight, sixteen.
    fn levels(&self) -> [Vec<Branch>; 5] {
        let mut levels: [Vec<Branch>; 5] = Default::default();
        levels[4] = self.0.to_vec();
        for level in (0..4).rev() {
            let pairs = levels[level + 1].chunks(2);
            levels[level] = pairs.map(|pair| Branch::join(first(pair), last(pair))).collect();
        }
        levels
    }
}

fn first(pair: &[Branch]) -> Branch {
    pair.first().copied().unwrap_or_default()
}

fn last(pair: &[Branch]) -> Branch {
    pair.last().copied().unwrap_or_default()
}

//! Which entry goes into which page.

use std::io::{self, Write};

use super::entries::Entries;
use super::format::{ELEMENT_BYTES, HEADER_BYTES, Holds, PAGE_BYTES, branch, leaf, pages};

/// A tree, as it will lie in the file: its leaves, then the branches above them, up to the root.
#[derive(Debug)]
pub(super) struct Tree {
    levels: Vec<Level>,
}

/// The nodes of one height, in the order of their keys.
#[derive(Debug)]
struct Level {
    nodes: Vec<Node>,
    /// How many entries or children they have together.
    elements: usize,
    /// The page behind the last.
    end: u64,
}

#[derive(Debug)]
struct Node {
    /// The first of the entries, or of the children.
    first: usize,
    /// The first page.
    page: u64,
}

impl Tree {
    /// Plans a tree that begins with this page. Without entries it is one empty leaf.
    pub(super) fn plan(entries: &dyn Entries, page: u64) -> Self {
        let entry = |at| ELEMENT_BYTES + entries.key_len(at) + entries.value_len(at);
        let mut tree = Self { levels: vec![Level::plan(entries.count(), entry, 1, page)] };
        while tree.top().nodes.len() > 1 {
            let below = tree.levels.len() - 1;
            let child = |at| ELEMENT_BYTES + entries.key_len(tree.first_entry(below, at));
            // With two children at least each level has half the nodes of that below, however long keys are.
            let level = Level::plan(tree.top().nodes.len(), child, 2, tree.end());
            tree.levels.push(level);
        }
        tree
    }

    /// The page of the root.
    pub(super) fn root(&self) -> u64 {
        self.top().nodes[0].page
    }

    /// The page behind the last.
    pub(super) fn end(&self) -> u64 {
        self.top().end
    }

    /// Writes its pages.
    pub(super) fn write(&self, holds: Holds, entries: &mut dyn Entries, out: &mut dyn Write) -> io::Result<()> {
        for (height, level) in self.levels.iter().enumerate() {
            for (at, node) in level.nodes.iter().enumerate() {
                let elements = node.first..level.behind(at);
                let page = if height == 0 {
                    let held: io::Result<Vec<_>> = elements.map(|entry| read(entries, entry)).collect();
                    leaf(node.page, holds, &held?)?
                } else {
                    let child = |at| (entries.key(self.first_entry(height - 1, at)), self.page(height - 1, at));
                    branch(node.page, &elements.map(child).collect::<Vec<_>>())?
                };
                out.write_all(&page)?;
            }
        }
        Ok(())
    }

    fn top(&self) -> &Level {
        &self.levels[self.levels.len() - 1]
    }

    fn page(&self, height: usize, at: usize) -> u64 {
        self.levels[height].nodes[at].page
    }

    /// The first entry below a node.
    fn first_entry(&self, height: usize, at: usize) -> usize {
        (0..=height).rev().fold(at, |at, height| self.levels[height].nodes[at].first)
    }
}

impl Level {
    /// Fills nodes one after the other, each with at least so many elements, if there are so many.
    fn plan(elements: usize, bytes: impl Fn(usize) -> usize, least: usize, page: u64) -> Self {
        let mut level = Self { nodes: Vec::new(), elements, end: page };
        for first in starts(elements, &bytes, least) {
            level.nodes.push(Node { first, page: 0 });
        }
        for at in 0..level.nodes.len() {
            level.nodes[at].page = level.end;
            level.end += pages((level.nodes[at].first..level.behind(at)).map(&bytes).sum());
        }
        level
    }

    /// The element behind a node's last.
    fn behind(&self, at: usize) -> usize {
        self.nodes.get(at + 1).map_or(self.elements, |next| next.first)
    }
}

/// Where nodes begin.
fn starts(elements: usize, bytes: &impl Fn(usize) -> usize, least: usize) -> Vec<usize> {
    let (mut starts, mut start, mut filled) = (vec![0], 0, HEADER_BYTES);
    for at in 0..elements {
        let more = bytes(at);
        if filled + more > PAGE_BYTES && at - start >= least {
            starts.push(at);
            (start, filled) = (at, HEADER_BYTES);
        }
        filled += more;
    }
    // The last may have too few: it takes what it lacks from the one before, or goes up in it.
    if elements - start < least && starts.len() > 1 {
        starts.pop();
        let before = starts[starts.len() - 1];
        let start = elements - least;
        if start - before >= least {
            starts.push(start);
        }
    }
    starts
}

/// An entry whose value is as long as was planned.
fn read(entries: &mut dyn Entries, at: usize) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (key, value) = (entries.key(at), entries.value(at)?);
    if (key.len(), value.len()) == (entries.key_len(at), entries.value_len(at)) {
        Ok((key, value))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "an entry has another length than was said"))
    }
}

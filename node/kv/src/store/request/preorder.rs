//! Trees without recursion: a decoder that calls itself for each level could be led out of its stack by a few bytes a level.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::store::bounds::{MAX_TXN_DEPTH, MAX_TXN_OPERATIONS};

/// A tree that is written down as a list of its nodes, each before its children.
pub(in crate::store) trait Tree: Sized {
    /// A node without its children, but with their places.
    type Node;

    /// Takes it apart; the children in order.
    fn split(self, children: &mut Vec<Self>) -> Self::Node;

    /// Puts it together, with one child after the other; none if there are too few.
    fn join(node: Self::Node, child: &mut dyn FnMut() -> Option<Self>) -> Option<Self>;
}

/// The nodes of a tree, as many as a transaction may have operations, and itself. More are not even read: a few bytes stand for a node, which
/// takes a hundred times as many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(in crate::store) struct Nodes<N>(Vec<N>);

impl<'de, N: Deserialize<'de>> Deserialize<'de> for Nodes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Counting(PhantomData))
    }
}

struct Counting<N>(PhantomData<N>);

impl<'de, N: Deserialize<'de>> Visitor<'de> for Counting<N> {
    type Value = Nodes<N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {} nodes", MAX_TXN_OPERATIONS + 1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut nodes: A) -> Result<Nodes<N>, A::Error> {
        let mut read = Vec::new();
        while let Some(node) = nodes.next_element()? {
            if read.len() > MAX_TXN_OPERATIONS {
                return Err(A::Error::custom("too many nodes"));
            }
            read.push(node);
        }
        Ok(Nodes(read))
    }
}

/// The nodes of a tree.
pub(in crate::store) fn list<T: Tree>(tree: T) -> Nodes<T::Node> {
    let (mut nodes, mut waiting) = (Vec::new(), vec![tree]);
    while let Some(tree) = waiting.pop() {
        let mut children = Vec::new();
        nodes.push(tree.split(&mut children));
        waiting.extend(children.into_iter().rev());
    }
    Nodes(nodes)
}

/// The tree of these nodes; none if they are not exactly one tree, or a higher one than is allowed.
pub(in crate::store) fn tree<T: Tree>(nodes: Nodes<T::Node>) -> Option<T> {
    let mut waiting: Vec<(usize, T)> = Vec::new();
    for node in nodes.0.into_iter().rev() {
        let mut height = 1;
        let tree = T::join(node, &mut || {
            let (below, child) = waiting.pop()?;
            height = height.max(below + 1);
            Some(child)
        })?;
        if height > MAX_TXN_DEPTH {
            return None;
        }
        waiting.push((height, tree));
    }
    let (_, tree) = waiting.pop()?;
    waiting.is_empty().then_some(tree)
}

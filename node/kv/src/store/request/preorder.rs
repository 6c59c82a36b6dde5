//! Trees without recursion: a decoder that calls itself for each level could be led out of its stack by a few bytes a level.

use crate::store::bounds::MAX_TXN_DEPTH;

/// A tree that is written down as a list of its nodes, each before its children.
pub(in crate::store) trait Tree: Sized {
    /// A node without its children, but with their places.
    type Node;

    /// Takes it apart; the children in order.
    fn split(self, children: &mut Vec<Self>) -> Self::Node;

    /// Puts it together, with one child after the other; none if there are too few.
    fn join(node: Self::Node, child: &mut dyn FnMut() -> Option<Self>) -> Option<Self>;
}

/// The nodes of a tree.
pub(in crate::store) fn list<T: Tree>(tree: T) -> Vec<T::Node> {
    let (mut nodes, mut waiting) = (Vec::new(), vec![tree]);
    while let Some(tree) = waiting.pop() {
        let mut children = Vec::new();
        nodes.push(tree.split(&mut children));
        waiting.extend(children.into_iter().rev());
    }
    nodes
}

/// The tree of these nodes; none if they are not exactly one tree, or a higher one than is allowed.
pub(in crate::store) fn tree<T: Tree>(nodes: Vec<T::Node>) -> Option<T> {
    let mut waiting: Vec<(usize, T)> = Vec::new();
    for node in nodes.into_iter().rev() {
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

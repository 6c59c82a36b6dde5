//! Proptest strategies for the replicated state as it travels. Places need not exist, pages need not fit, proofs prove nothing.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tetrarch_crypto::state_tree::{Branch, Page, Path, Prefix, TreeProof};
use tetrarch_types::{CheckpointCertificate, StatePart, StateProof, StateRow, TransferProgress, decode, encode};

use super::plain::{bytes, digest, number, seq, text};

fn path() -> impl Strategy<Value = Path> + Clone {
    any::<[u8; 32]>().prop_map(Path::from_bytes)
}

/// Places, and lists of bytes that are none.
pub(crate) fn prefix() -> impl Strategy<Value = Prefix> {
    prop_oneof![vec(0..16_u8, 0..=64), vec(any::<u8>(), 0..80)]
        .prop_map(|nibbles| decode(&encode(&nibbles), usize::MAX).unwrap())
}

fn branch() -> impl Strategy<Value = Branch> + Clone {
    prop_oneof![
        Just(Branch::Empty),
        (path(), digest()).prop_map(|(path, value)| Branch::Leaf { path, value }),
        digest().prop_map(Branch::Node),
    ]
}

fn page() -> impl Strategy<Value = Page> {
    vec(branch(), 16).prop_map(|branches| Page(branches.try_into().unwrap()))
}

pub(crate) fn row() -> impl Strategy<Value = StateRow> {
    (text(), bytes(), bytes()).prop_map(|(table, key, value)| StateRow { table, key, value })
}

pub(crate) fn part() -> impl Strategy<Value = StatePart> {
    prop_oneof![page().prop_map(|page| StatePart::Page(Box::new(page))), vec(row(), 0..4).prop_map(StatePart::Rows),]
}

fn tree_proof() -> impl Strategy<Value = TreeProof> {
    // A proof can be made of pages only; its bytes are its neighbours and what stands at the end.
    (vec(digest(), 0..12), option::of((path(), digest())))
        .prop_map(|parts| decode(&encode(&parts), usize::MAX).unwrap())
}

pub(crate) fn state_proof(
    certificate: impl Strategy<Value = CheckpointCertificate>,
) -> impl Strategy<Value = StateProof> {
    (certificate, text(), bytes(), option::of(bytes()), tree_proof())
        .prop_map(|(certificate, table, key, value, proof)| StateProof { certificate, table, key, value, proof })
}

pub(crate) fn transfer() -> impl Strategy<Value = TransferProgress> {
    (seq(), any::<u16>(), number(), number(), any::<u32>(), any::<u32>()).prop_map(
        |(checkpoint, permille, rows, bytes, outstanding, liars)| TransferProgress {
            checkpoint,
            permille,
            rows,
            bytes,
            outstanding,
            liars,
        },
    )
}

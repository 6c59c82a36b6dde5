//! Evidence convicts only whom its own signatures contradict.

use crate::support::{Chain, VIEW, digest, id, seq};
use tetrarch_crypto::{Ed25519, SigningKey};
use tetrarch_types::{Checkpoint, Commit, Evidence, PrePrepare, Prepare, Signable, Signed, View};

/// Builds each kind of statement at a place, about a digest byte.
trait Statement: Signable + PartialEq + Clone {
    fn at(view: View, number: u64, about: u8) -> Self;
    fn evidence(one: Signed<Self>, two: Signed<Self>) -> Evidence;
}

macro_rules! statement {
    ($($kind:ident),*) => {
        $(impl Statement for $kind {
            fn at(view: View, number: u64, about: u8) -> Self {
                Self { view, seq: seq(number), digest: digest(about) }
            }
            fn evidence(one: Signed<Self>, two: Signed<Self>) -> Evidence {
                Evidence::$kind(one, two)
            }
        })*
    };
}

statement!(PrePrepare, Prepare, Commit);

impl Statement for Checkpoint {
    fn at(_view: View, number: u64, about: u8) -> Self {
        Self { seq: seq(number), state_root: digest(about) }
    }
    fn evidence(one: Signed<Self>, two: Signed<Self>) -> Evidence {
        Evidence::Checkpoint(one, two)
    }
}

fn holds<T: Statement>(chain: &Chain, one: &Signed<T>, two: &Signed<T>) -> bool {
    let verdict =
        |one: &Signed<T>, two: &Signed<T>| T::evidence(one.clone(), two.clone()).holds(&chain.membership, &Ed25519);
    assert_eq!(verdict(one, two), verdict(two, one), "the order of the statements counts for nothing");
    verdict(one, two)
}

fn every_way<T: Statement>() {
    let (chain, liar) = (Chain::of(4), id(2));
    let say = |view, number, about| chain.signed(T::at(view, number, about), liar);
    let (one, two) = (say(VIEW, 9, 1), say(VIEW, 9, 2));
    assert!(holds(&chain, &one, &two));
    assert_eq!(T::evidence(one.clone(), two.clone()).accused(), liar);

    assert!(!holds(&chain, &one, &one), "the same statement twice");
    assert!(!holds(&chain, &one, &say(VIEW, 10, 2)), "another sequence number");
    let other = chain.signed(two.payload.clone(), id(3));
    assert!(!holds(&chain, &one, &other), "two replicas that disagree");

    let framed = Signed { signer: id(3), ..two.clone() };
    let framed_too = Signed { signer: id(3), ..one.clone() };
    assert!(!holds(&chain, &framed, &framed_too), "someone else's signatures");
    let mislabelled = Signed { signer: id(3), ..two.clone() };
    assert!(!holds(&chain, &one, &mislabelled), "it accuses one replica only");
    let stranger = |it: &Signed<T>| {
        let payload = it.payload.clone();
        Signed::new(payload, id(4), chain.scope(), &SigningKey::from_seed([9; 32]))
    };
    assert!(!holds(&chain, &stranger(&one), &stranger(&two)), "no member");

    let unsigned = Signed { signature: one.signature, ..two.clone() };
    assert!(!holds(&chain, &one, &unsigned), "a signature that does not hold");
    let in_epoch_one = chain.in_epoch(1);
    assert!(!T::evidence(one, two).holds(&in_epoch_one, &Ed25519), "another epoch");
}

#[test]
fn pre_prepares() {
    every_way::<PrePrepare>();
}

#[test]
fn prepares() {
    every_way::<Prepare>();
}

#[test]
fn commits() {
    every_way::<Commit>();
}

#[test]
fn checkpoints() {
    every_way::<Checkpoint>();
}

fn another_view_is_no_contradiction<T: Statement>() {
    let chain = Chain::of(4);
    let one = chain.signed(T::at(VIEW, 9, 1), id(2));
    let two = chain.signed(T::at(VIEW.next(), 9, 2), id(2));
    assert!(!holds(&chain, &one, &two));
}

#[test]
fn an_honest_replica_may_vote_otherwise_in_another_view() {
    another_view_is_no_contradiction::<PrePrepare>();
    another_view_is_no_contradiction::<Prepare>();
    another_view_is_no_contradiction::<Commit>();
}

#[test]
fn one_statement_under_two_signatures_is_no_contradiction() {
    let chain = Chain::of(4);
    let one = chain.signed(Commit { view: VIEW, seq: seq(9), digest: digest(1) }, id(2));
    let mut two = one.clone();
    two.signature = chain.signature(&Commit { view: VIEW, seq: seq(10), digest: digest(1) }, id(2));
    assert!(!holds(&chain, &one, &two));
}

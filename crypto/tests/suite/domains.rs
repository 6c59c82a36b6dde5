//! Domains keep hashes and signatures of different purposes apart, and their bytes never change unnoticed.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tetrarch_crypto::{Digest, Domain, Scope};

fn arb_domain() -> impl Strategy<Value = Domain> {
    prop::sample::select(Domain::ALL)
}

fn arb_scope() -> impl Strategy<Value = Scope> {
    let genesis = prop_oneof![Just([0; 32]), any::<[u8; 32]>()].prop_map(Digest::from_bytes);
    (genesis, prop_oneof![0u64..3, any::<u64>()]).prop_map(|(genesis, epoch)| Scope { genesis, epoch })
}

fn arb_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..50)
}

#[test]
fn all_tags_are_unique_and_versioned() {
    let tags: BTreeSet<&str> = Domain::ALL.iter().map(|domain| domain.tag()).collect();
    assert_eq!(tags.len(), Domain::ALL.len());
    assert_eq!(tags.len(), 29);
    assert!(tags.iter().all(|tag| tag.starts_with("tetrarch/1/")));
}

#[test]
fn tags_are_these() {
    let tags: Vec<&str> = Domain::ALL.iter().filter_map(|domain| domain.tag().strip_prefix("tetrarch/1/")).collect();
    let expected = "genesis transaction transaction-id batch pre-prepare prepare commit checkpoint view-change new-view fetch \
                    supply status results tentative-results result-leaf merkle-leaf merkle-node journal-record state-path state-value state-leaf \
                    state-node state-root kv-record kv-event kv-chain evidence claim";
    assert_eq!(tags.join(" "), expected);
}

/// A domain whose tag begins another's must not be able to borrow the rest from the payload.
#[test]
fn no_signing_bytes_begin_another_domains() {
    let scope = Scope { genesis: Digest::ZERO, epoch: 0 };
    for one in Domain::ALL {
        let start = &one.signing_bytes(&scope, b"")[..8 + one.tag().len()];
        for other in Domain::ALL.iter().filter(|other| *other != one) {
            assert!(!other.signing_bytes(&scope, b"payload").starts_with(start), "{one:?} begins {other:?}");
        }
    }
}

#[test]
fn the_cut_between_parts_counts() {
    let digest = |parts: &[&[u8]]| Digest::of(Domain::Batch, parts);
    let all = [
        digest(&[]),
        digest(&[b""]),
        digest(&[b"", b""]),
        digest(&[b"abc"]),
        digest(&[b"ab", b"c"]),
        digest(&[b"a", b"bc"]),
        digest(&[b"abc", b""]),
        digest(&[b"", b"abc"]),
    ];
    assert_eq!(BTreeSet::from(all).len(), all.len());
}

proptest! {
    #[test]
    fn different_purposes_scopes_or_payloads_give_different_bytes(
        one in (arb_domain(), arb_scope(), arb_bytes()),
        other in (arb_domain(), arb_scope(), arb_bytes()),
    ) {
        let bytes = |(domain, scope, payload): &(Domain, Scope, Vec<u8>)| domain.signing_bytes(scope, payload);
        prop_assert_eq!(bytes(&one) == bytes(&other), one == other);
        // The same payload under the other's domain and scope, and the other way round.
        let swapped = (other.0, other.1, one.2.clone());
        prop_assert_eq!(bytes(&one) == bytes(&swapped), one == swapped);
    }

    #[test]
    fn different_parts_give_different_digests(
        one in prop::collection::vec(arb_bytes(), 0..4),
        other in prop::collection::vec(arb_bytes(), 0..4),
    ) {
        let digest = |parts: &[Vec<u8>]| Digest::of(Domain::Batch, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert_eq!(digest(&one) == digest(&other), one == other);
    }
}

/// Computed apart from this crate: SHA-256 over length-prefixed parts.
#[test]
fn digests_are_these() {
    let golden: [(&[&[u8]], Domain, &str); 3] = [
        (&[], Domain::Batch, "1b10eab13a55b204c883c54c272fd5f3255c776c8bffa9c82a165e26d2cf3996"),
        (&[b"abc"], Domain::Prepare, "871cf1f46fe4b7dbc9adf63c9a1a463ff3a8255b2fe3f16773c807259de4866d"),
        (&[b"ab", b"c"], Domain::Prepare, "381c0d934278fa4e744506471279b8d1c0815c6e96614661ba945cb92bb6cd14"),
    ];
    for (parts, domain, expected) in golden {
        assert_eq!(Digest::of(domain, parts).to_string(), expected);
    }
}

#[test]
fn signing_bytes_are_these() {
    let scope = Scope { genesis: Digest::from_bytes(std::array::from_fn(|at| at as u8)), epoch: 7 };
    let expected = [
        "1200000000000000",
        "74657472617263682f312f70726570617265",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "0700000000000000",
        "7061796c6f6164",
    ];
    assert_eq!(hex::encode(Domain::Prepare.signing_bytes(&scope, b"payload")), expected.concat());
}

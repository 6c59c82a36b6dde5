//! The store against the reference, which is so simple that it is right by inspection: random requests, bundled at random into commands
//! and batches, while time moves on.

use crate::requests::{self, Step, steps};
use crate::support::{NOW, Node, ask, batch_at, fresh, result, transaction_until};
use proptest::prelude::*;
use tetrarch_kv::store::{Detail, Place, Previous, chain};
use tetrarch_kv::{Command, KeyRange, KvError, KvQuery, QueryAnswer, RangeRequest};
use tetrarch_reference::Reference;
use tetrarch_types::Timestamp;

/// Every revision that can be read, and one on both sides.
fn same_history(node: &Node, reference: &Reference) {
    for revision in 0..=reference.revision + 1 {
        let request = RangeRequest::prefix("").at(revision);
        let found = ask(node, &KvQuery::Range(request.clone()));
        assert_eq!((found.revision, found.compacted), (reference.revision, reference.compacted));
        let expected = reference.readable(revision).map(|records| tetrarch_reference::select(records, &request));
        assert_eq!(found.selection(), expected, "at {revision}");
    }
}

fn same_leases(node: &Node, reference: &Reference) {
    let QueryAnswer::Leases(list) = ask(node, &KvQuery::Leases { from: 0 }).answer.unwrap() else { panic!() };
    let listed: Vec<_> = list.leases.iter().map(|lease| (lease.id, lease.ttl)).collect();
    let expected: Vec<_> = reference.leases.iter().map(|(id, lease)| (*id, lease.ttl)).collect();
    assert_eq!((listed, list.more), (expected, false));
    for id in 0..6 {
        let QueryAnswer::Lease(found) = ask(node, &KvQuery::Lease { id, keys: true }).answer.unwrap() else { panic!() };
        let found = found.map(|lease| (lease.ttl, lease.deadline, lease.keys));
        let expected = reference.leases.get(&id);
        let expected = expected.map(|lease| (lease.ttl, Timestamp::from_micros(lease.deadline), reference.keys_of(id)));
        assert_eq!(found, expected, "lease {id}");
    }
}

/// The story from wherever it may begin, with a chain that its events lead to.
fn same_story(node: &Node, reference: &Reference) {
    for start in 0..=reference.revision + 2 {
        let query = KvQuery::Story { from: Place { revision: start, event: 0 }, detail: Detail::Previous };
        let story = match ask(node, &query).answer {
            Ok(QueryAnswer::Story(story)) => story,
            other => {
                assert_eq!(other, Err(KvError::Compacted));
                assert!(start < reference.compacted);
                continue;
            }
        };
        assert!(start >= reference.compacted);
        let mut chain = story.before;
        let expected = reference.events.range(start.max(2)..);
        for (told, (revision, events)) in story.revisions.iter().zip(expected.clone()) {
            assert_eq!(
                (told.revision, told.count as usize, told.events.len()),
                (*revision, events.len(), events.len())
            );
            for (event, (key, put, previous)) in told.events.iter().zip(events) {
                assert_eq!((&event.key, &event.put), (key, put));
                match &event.previous {
                    Previous::Nothing => assert_eq!(*previous, None),
                    Previous::Record(record) => assert_eq!(Some(record), previous.as_ref()),
                    Previous::Digest(digest) => {
                        assert_eq!(Some(*digest), previous.as_ref().map(tetrarch_kv::KeyRecord::digest));
                        assert!(*revision <= reference.compacted, "only what is compacted may be gone");
                    }
                }
            }
            let digests: Vec<_> = told.events.iter().map(tetrarch_kv::store::EventTold::digest).collect();
            chain = chain::next(&chain, *revision, &digests);
            assert_eq!(chain, told.chain);
            assert_eq!(hash(node, *revision), Ok((*revision, chain)));
        }
        assert_eq!(story.revisions.len(), expected.count());
        assert_eq!(story.next.revision, (reference.revision + 1).max(start).max(2));
        if start <= 2 {
            assert_eq!(story.before, chain::start());
        }
        if start <= reference.revision + 1 {
            assert_eq!(hash(node, 0), Ok((reference.revision, chain)));
        }
    }
}

fn hash(node: &Node, revision: u64) -> Result<(u64, tetrarch_crypto::Digest), KvError> {
    ask(node, &KvQuery::Hash { revision }).answer.map(|answer| match answer {
        QueryAnswer::Hash { revision, chain } => (revision, chain),
        other => panic!("{other:?}"),
    })
}

fn follow(node: &Node, other: &Node, steps: &[Step]) -> Reference {
    let mut reference = Reference::default();
    let (mut now, mut nonce) = (NOW, 0);
    for (seq, step) in (1..).zip(steps) {
        now += step.passes * 1_000;
        let transactions = step.commands.iter().map(|requests| {
            nonce += 1;
            transaction_until(1, nonce, now, &Command::new(requests.clone()))
        });
        let committed = batch_at(seq, now, transactions.collect());
        let executed = node.execute(&committed).unwrap();
        assert_eq!(other.execute(&committed).unwrap(), executed);
        reference.begin_batch(now);
        assert_eq!(executed.replies.len(), step.commands.len());
        for (reply, requests) in executed.replies.iter().zip(&step.commands) {
            let expected = reference.execute(&Command::new(requests.clone()), now);
            assert_eq!(result(&reply.outcome), expected, "{requests:#?}");
        }
    }
    reference
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_reference_does(steps in steps()) {
        let (node, other) = (fresh(), fresh());
        let reference = follow(&node, &other, &steps);
        same_history(&node, &reference);
        same_leases(&node, &reference);
        same_story(&node, &reference);
    }

    #[test]
    fn a_prefix_is_the_keys_that_begin_with_it(prefix in requests::bound(), key in requests::key()) {
        let inside = tetrarch_reference::contains(&KeyRange::prefix(prefix.clone()), &key);
        prop_assert_eq!(inside, key.starts_with(&prefix));
    }

    #[test]
    fn a_range_between_bounds_is_what_lies_there(from in requests::bound(), to in requests::bound(), key in requests::key()) {
        let inside = tetrarch_reference::contains(&KeyRange::between(from.clone(), to.clone()), &key);
        prop_assert_eq!(inside, key >= from && (to.is_empty() || key < to));
    }
}

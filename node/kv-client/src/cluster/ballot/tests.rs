use tetrarch_crypto::{Digest, PublicKey};
use tetrarch_kv::{QueryAnswer, Selection};
use tetrarch_types::{Answer, Epoch, Parameters, SeqNum};

use super::*;

fn membership(n: u8) -> Membership {
    let parameters = Parameters { checkpoint_interval: 128, window: 256 };
    let keys = (0..n).map(|id| PublicKey::from_bytes([id + 1; 32])).collect();
    Membership::new(Digest::from_bytes([7; 32]), Epoch::ZERO, parameters, keys)
}

fn result(revision: u64, count: u64) -> QueryResult {
    let selection = Selection { count, ..Selection::default() };
    QueryResult { revision, compacted: revision / 2, answer: Ok(QueryAnswer::Range(selection)) }
}

fn says(revision: u64, count: u64) -> Result<Response, Trouble> {
    Ok(Response::Answer(Answer { executed: SeqNum::new(revision), bytes: result(revision, count).encode() }))
}

fn ballot(n: u8, pinned: Option<u64>, answers: &[(u64, u64)]) -> Ballot {
    let membership = membership(n);
    let mut ballot = Ballot::new(&membership, membership.quorum(), pinned);
    for (id, (revision, count)) in membership.ids().zip(answers) {
        assert!(ballot.hear(id, says(*revision, *count)).is_ok());
    }
    ballot
}

#[test]
fn a_quorum_of_equal_answers_agrees_and_one_of_equal_values_does_not() {
    assert_eq!(ballot(4, None, &[(5, 1), (5, 1), (5, 1)]).agreed(), Some(result(5, 1)));
    let other_revisions = ballot(4, None, &[(5, 1), (6, 1), (7, 1), (7, 1)]);
    assert_eq!(other_revisions.agreed(), None, "a value that comes back hides what was between");
    assert!(other_revisions.is_split());
}

#[test]
fn a_round_is_split_only_when_the_silent_could_not_mend_it() {
    assert!(!ballot(4, None, &[(5, 1), (5, 1), (6, 1)]).is_split());
    assert!(ballot(4, None, &[(5, 1), (6, 1), (7, 1)]).is_split());
    assert!(!ballot(4, None, &[(5, 1), (6, 1)]).is_split(), "too few have answered");
}

#[test]
fn the_floor_is_as_high_as_what_was_acknowledged_and_no_liars_when_all_answer() {
    let all = ballot(4, None, &[(9, 0), (u64::MAX, 0), (8, 0), (7, 0)]);
    assert_eq!(all.floor(), Some(9), "one liar's word does not count");
    let three = ballot(4, None, &[(9, 0), (8, 0), (8, 0)]);
    assert_eq!(three.floor(), Some(9), "the silent one and one of these may be those who executed it, with a liar");
    assert_eq!(ballot(4, None, &[(9, 0), (8, 0)]).floor(), None);
    assert_eq!(ballot(7, None, &[(9, 0), (9, 0), (8, 0), (7, 0), (6, 0), (5, 0), (4, 0)]).floor(), Some(8));
    assert_eq!(ballot(1, None, &[(3, 0)]).floor(), Some(3));
}

/// Every way in which q of four replicas may have executed a write, with every liar and every set of q who answer.
#[test]
fn no_acknowledged_write_is_above_the_floor() {
    for (liar, behind, silent) in (0..4).flat_map(|a| (0..4).flat_map(move |b| (0..5).map(move |c| (a, b, c)))) {
        for lie in [0, 5, 99] {
            let membership = membership(4);
            let mut ballot = Ballot::new(&membership, 3, None);
            for (at, id) in membership.ids().enumerate().filter(|(at, _)| *at != silent) {
                let revision = if at == liar {
                    lie
                } else if at == behind {
                    4
                } else {
                    5
                };
                assert!(ballot.hear(id, says(revision, 0)).is_ok());
            }
            assert!(ballot.floor().is_some_and(|floor| floor >= 5), "{liar} {behind} {silent} {lie}");
        }
    }
}

#[test]
fn at_a_pinned_revision_answers_alone_are_compared() {
    let ballot = ballot(4, Some(5), &[(5, 1), (8, 1), (9, 1), (9, 2)]);
    assert_eq!(ballot.agreed(), Some(QueryResult { revision: 5, compacted: 4, ..result(0, 1) }));
}

#[test]
fn who_is_behind_the_pinned_revision_is_asked_again() {
    let membership = membership(4);
    let mut ballot = Ballot::new(&membership, 3, Some(5));
    let behind = ballot.hear(ReplicaId::new(2), says(4, 1)).unwrap_err();
    assert_eq!(behind.executed, SeqNum::new(4));
    assert!(ballot.agreed().is_none() && !ballot.has_quorum());
}

#[test]
fn garbage_and_refusals_are_no_answers() {
    let membership = membership(4);
    let mut ballot = Ballot::new(&membership, 3, None);
    let garbage = Response::Answer(Answer { executed: SeqNum::ZERO, bytes: vec![255; 40] });
    assert!(ballot.hear(ReplicaId::new(0), Ok(garbage)).is_ok());
    let malformed = || Ok(Response::Refused(Refusal::Malformed("what".to_owned())));
    assert!(ballot.hear(ReplicaId::new(1), malformed()).is_ok());
    assert_eq!(ballot.refusal(), None, "one replica may lie");
    assert!(matches!(ballot.failure(), BackendError::Unavailable(why) if why.contains("0: its answer does not hold")));
    assert!(ballot.hear(ReplicaId::new(2), malformed()).is_ok());
    assert!(matches!(ballot.failure(), BackendError::Refused(_)));
}

/// Who follows the state is answered whatever others were told: what must not be stale is never asked so.
#[test]
fn a_linearizable_read_is_never_asked_as_one_that_follows_the_state() {
    use super::super::read::next_question;
    use crate::Freshness::{Linearizable, Serializable};
    use tetrarch_kv::KvQuery;
    use tetrarch_types::Query;

    let differing = ballot(4, None, &[(9, 0), (8, 0), (7, 0), (7, 0)]);
    let query = KvQuery::Leases { from: 0 };
    for attempt in 0..4 {
        let question = next_question(&query, &differing, Linearizable, attempt);
        assert!(matches!(question, Query::Read(_)), "{question:?}");
    }
    let stale = next_question(&query, &differing, Serializable, 1);
    assert!(matches!(stale, Query::ReadStale(_)), "{stale:?}");
    let follows = next_question(&query, &differing, Serializable, 0);
    assert!(matches!(follows, Query::ReadAfter { executed, .. } if executed == SeqNum::new(8)), "{follows:?}");
}

//! A row of the state or its absence, proven to whoever holds the genesis file (rule S-3), with real keys.

use crate::support::state::{ROWS, STABLE, row, state_root, tree_proof};
use crate::support::{Chain, SIZES, digest, id, seq};
use tetrarch_crypto::Ed25519;
use tetrarch_crypto::state_tree::{ProofError, TreeProof};
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Commit, Rejection, StateProof, StateProofError, View, decode, encode,
};

type Verdict = Result<(), StateProofError>;

const AMPLE: usize = 1 << 20;
const OTHER_VALUE: Verdict = Err(StateProofError::OtherValue);

fn verify(chain: &Chain, proof: &StateProof) -> Verdict {
    proof.verify(&chain.membership, &Ed25519)
}

fn changed(chain: &Chain, number: usize, change: impl FnOnce(&mut StateProof)) -> Verdict {
    let mut proof = chain.state_proof(number);
    change(&mut proof);
    verify(chain, &proof)
}

/// A proof whose certificate alone was changed.
fn certified(chain: &Chain, change: impl FnOnce(&mut CheckpointCertificate)) -> Verdict {
    changed(chain, 3, |it| change(&mut it.certificate))
}

const fn refused(rejection: Rejection) -> Verdict {
    Err(StateProofError::Certificate(rejection))
}

#[test]
fn rows_and_their_absence_are_proven() {
    for size in SIZES {
        let chain = Chain::of(size);
        for number in [0, 3, ROWS - 1, ROWS, ROWS + 1, 1_000] {
            let proof = chain.state_proof(number);
            assert_eq!(proof.value.is_some(), number < ROWS);
            assert_eq!(verify(&chain, &proof), Ok(()), "row {number} at n = {size}");
        }
    }
}

#[test]
fn a_proof_travels_unchanged() {
    let chain = Chain::of(4);
    for number in [3, ROWS] {
        let proof = chain.state_proof(number);
        let back: StateProof = decode(&encode(&proof), AMPLE).unwrap();
        assert_eq!(verify(&chain, &back), Ok(()));
        assert_eq!(back, proof);
    }
}

#[test]
fn another_value_is_refused() {
    let chain = Chain::of(4);
    for value in [Some(Vec::new()), Some(row(4).value), Some(b"value 3 ".to_vec()), None] {
        assert_eq!(changed(&chain, 3, |it| it.value = value.clone()), OTHER_VALUE, "{value:?} for row 3");
    }
    for value in [Some(Vec::new()), Some(row(ROWS).value)] {
        assert_eq!(changed(&chain, ROWS, |it| it.value = value), OTHER_VALUE, "of a row that is not there");
    }
}

#[test]
fn a_proof_is_of_its_key_and_table() {
    let chain = Chain::of(4);
    for number in (0..ROWS).filter(|number| *number != 3) {
        let verdict = changed(&chain, 3, |it| it.key = row(number).key);
        assert!(verdict.is_err(), "row 3's proof and value for row {number}");
        let verdict = changed(&chain, 3, |it| (it.key, it.value) = (row(number).key, Some(row(number).value)));
        assert!(verdict.is_err(), "row 3's proof for row {number} and its value");
        let verdict = changed(&chain, 3, |it| (it.key, it.value) = (row(number).key, None));
        assert!(verdict.is_err(), "row 3's proof that row {number} is absent");
        let verdict = changed(&chain, ROWS, |it| it.key = row(number).key);
        assert!(verdict.is_err(), "an absent row's proof that row {number} is absent");
    }
    assert!(changed(&chain, 3, |it| it.table = "kv.events".into()).is_err());
    assert!(changed(&chain, 3, |it| it.table.clear()).is_err());
    // What moves from the key to the table makes another row, although the bytes one after the other are the same.
    let moved = |it: &mut StateProof| {
        it.table.push('k');
        it.key.remove(0);
    };
    assert!(changed(&chain, 3, moved).is_err());
}

#[test]
fn another_rows_way_is_refused() {
    let chain = Chain::of(4);
    for number in (0..ROWS).filter(|number| *number != 3) {
        let verdict = changed(&chain, 3, |it| it.proof = tree_proof(&row(number).path()));
        assert!(verdict.is_err(), "the way to {number}");
    }
    let wrong_root = Err(StateProofError::Proof(ProofError::WrongRoot));
    assert_eq!(changed(&chain, 3, |it| it.proof = TreeProof::default()), wrong_root);
    assert_eq!(changed(&chain, ROWS, |it| it.proof = TreeProof::default()), wrong_root);
}

#[test]
fn the_chains_start_proves_nothing() {
    let chain = Chain::of(4);
    let genesis = CheckpointCertificate::genesis();
    assert_eq!(certified(&chain, |it| *it = genesis.clone()), Err(StateProofError::Genesis));
    // Its zero root is that of the empty tree, in which everything is absent: no replica vouched for that.
    let absent = |it: &mut StateProof| (it.certificate, it.proof, it.value) = (genesis, TreeProof::default(), None);
    assert_eq!(changed(&chain, 3, absent), Err(StateProofError::Genesis));
    assert_eq!(certified(&chain, |it| it.seq = seq(0)), refused(Rejection::MisplacedCertificate));
    let unsigned = CheckpointCertificate { votes: Vec::new(), ..chain.checkpoint_of(STABLE, state_root()) };
    assert_eq!(certified(&chain, |it| *it = unsigned), refused(Rejection::TooFewVotes { have: 0, need: 3 }));
}

#[test]
fn an_empty_state_that_was_certified_proves_absence() {
    let chain = Chain::of(4);
    let certificate = chain.checkpoint_of(STABLE, digest(0));
    let empty = |it: &mut StateProof| (it.certificate, it.proof, it.value) = (certificate, TreeProof::default(), None);
    assert_eq!(changed(&chain, 3, empty), Ok(()));
}

#[test]
fn exactly_a_quorum_vouches() {
    for size in SIZES {
        let chain = Chain::of(size);
        let need = chain.membership.quorum();
        let verdict = certified(&chain, |it| it.votes.truncate(need - 1));
        assert_eq!(verdict, refused(Rejection::TooFewVotes { have: need - 1, need }), "n = {size}");
        let checkpoint = Checkpoint { seq: STABLE, state_root: state_root() };
        let all = chain.votes(&checkpoint, size, None);
        assert_eq!(certified(&chain, |it| it.votes = all), Ok(()), "n = {size}: all of them");
    }
}

#[test]
fn votes_are_distinct_members_for_this_root() {
    let chain = Chain::of(4);
    assert_eq!(certified(&chain, |it| it.votes[2] = it.votes[1]), refused(Rejection::UnorderedVotes));
    assert_eq!(certified(&chain, |it| it.votes.push(it.votes[0])), refused(Rejection::UnorderedVotes));
    assert_eq!(certified(&chain, |it| it.votes.reverse()), refused(Rejection::UnorderedVotes));
    assert_eq!(certified(&chain, |it| it.votes[2].0 = id(4)), refused(Rejection::NotAMember(id(4))));
    assert_eq!(certified(&chain, |it| it.votes[2].0 = id(3)), refused(Rejection::BadSignature));
    assert_eq!(certified(&chain, |it| it.state_root = digest(1)), refused(Rejection::BadSignature));
    assert_eq!(certified(&chain, |it| it.seq = seq(12)), refused(Rejection::BadSignature));
    assert_eq!(certified(&chain, |it| it.seq = seq(9)), refused(Rejection::MisplacedCertificate));
    let commit = Commit { view: View::ZERO, seq: STABLE, digest: state_root() };
    let commits = chain.votes(&commit, 3, None);
    assert_eq!(certified(&chain, |it| it.votes = commits), refused(Rejection::BadSignature));
    // Certified by all, but another state than the one the proof leads to.
    let elsewhere = chain.checkpoint_of(STABLE, digest(1));
    assert_eq!(certified(&chain, |it| *it = elsewhere), Err(StateProofError::Proof(ProofError::WrongRoot)));
}

#[test]
fn one_forged_vote_spoils_the_certificate() {
    for size in [4, 10] {
        let chain = Chain::of(size);
        for place in 0..chain.membership.quorum() {
            let forger = id((place + 1) % size);
            let checkpoint = Checkpoint { seq: STABLE, state_root: state_root() };
            let forged = chain.signature(&checkpoint, forger);
            let verdict = certified(&chain, |it| it.votes[place].1 = forged);
            assert_eq!(verdict, refused(Rejection::BadSignature), "vote {place} at n = {size}");
        }
    }
}

#[test]
fn another_chain_or_epoch_does_not_believe_it() {
    let chain = Chain::of(4);
    let proof = chain.state_proof(3);
    let mut other = Chain::of(4).genesis;
    other.salt = digest(0xee);
    let bad = refused(Rejection::BadSignature);
    assert_eq!(proof.verify(&other.membership(), &Ed25519), bad, "the same replicas, another chain");
    assert_eq!(proof.verify(&chain.in_epoch(1), &Ed25519), bad);
    assert_eq!(proof.verify(&chain.in_epoch(0), &Ed25519), Ok(()));
    let need = Chain::of(10).membership.quorum();
    assert_eq!(verify(&Chain::of(10), &proof), refused(Rejection::TooFewVotes { have: 3, need }));
}

/// Accepted after a change only if it says nothing false: an absence may be moved to another row that is absent too.
fn is_true(proof: &StateProof) -> bool {
    let known = (0..ROWS).map(row).find(|row| (&row.table, &row.key) == (&proof.table, &proof.key));
    known.map(|row| row.value) == proof.value
}

#[test]
fn every_changed_byte_is_refused() {
    let chain = Chain::of(4);
    for number in [3, ROWS] {
        let honest = chain.state_proof(number);
        let bytes = encode(&honest);
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut other = bytes.clone();
                other[at] ^= change;
                let Ok(proof) = decode::<StateProof>(&other, AMPLE) else { continue };
                assert_ne!(proof, honest, "a proof has one encoding");
                let accepted = verify(&chain, &proof).is_ok();
                let moved = number == ROWS && (&proof.table, &proof.key) != (&honest.table, &honest.key);
                assert!(
                    !accepted || moved && is_true(&proof),
                    "byte {at} of row {number}'s proof, changed by {change:#x}"
                );
            }
        }
    }
}

#[test]
fn every_cut_and_longer_proof_is_refused() {
    let bytes = encode(&Chain::of(4).state_proof(3));
    for len in 0..bytes.len() {
        assert!(decode::<StateProof>(&bytes[..len], AMPLE).is_err(), "{len} bytes");
    }
    assert!(decode::<StateProof>(&[bytes.as_slice(), &[0]].concat(), AMPLE).is_err());
}

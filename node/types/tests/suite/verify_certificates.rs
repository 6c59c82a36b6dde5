//! Certificates: votes of distinct members, enough of them, in order, each for the very statement (rules Q-2, N-4, N-6, C-2).

use crate::support::{self, Chain, SIZES, VIEW, digest, id, seq};
use tetrarch_crypto::Signature;
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Commit, CommittedBatch, Payload, PrePrepare, Prepare, PreparedCertificate,
    Rejection, ReplicaId, SeqNum, Signable, Supply, View, ViewChange, Votes,
};

/// One kind of certificate: how to judge it with other votes, and what its votes state.
struct Kind {
    name: &'static str,
    judge: fn(&Chain, Votes) -> Result<(), Rejection>,
    votes: fn(&Chain) -> Votes,
    vote: fn(&Chain, ReplicaId) -> Signature,
    need: fn(&Chain) -> usize,
}

const DIGEST: u8 = 0x21;
const CERTIFIED: View = View::new(2);

fn prepare() -> Prepare {
    Prepare { view: CERTIFIED, seq: seq(5), digest: digest(DIGEST) }
}

fn kinds() -> [Kind; 3] {
    let prepared = Kind {
        name: "prepared",
        judge: |chain, prepares| judge_prepared(chain, PreparedCertificate { prepares, ..prepared(chain) }),
        votes: |chain| prepared(chain).prepares,
        vote: |chain, voter| chain.signature(&prepare(), voter),
        need: |chain| chain.membership.quorum() - 1,
    };
    let committed = Kind {
        name: "committed",
        judge: |chain, commits| judge_committed(chain, |it| it.certificate.commits = commits),
        votes: |chain| chain.committed_batch(seq(9)).certificate.commits,
        vote: |chain, voter| {
            let digest = chain.batch().0.digest();
            chain.signature(&Commit { view: VIEW, seq: seq(9), digest }, voter)
        },
        need: |chain| chain.membership.quorum(),
    };
    let stable = Kind {
        name: "stable",
        judge: |chain, votes| judge_stable(chain, CheckpointCertificate { votes, ..chain.checkpoint(seq(4)) }),
        votes: |chain| chain.checkpoint(seq(4)).votes,
        vote: |chain, voter| {
            let state_root = chain.checkpoint(seq(4)).state_root;
            chain.signature(&Checkpoint { seq: seq(4), state_root }, voter)
        },
        need: |chain| chain.membership.quorum(),
    };
    [prepared, committed, stable]
}

fn prepared(chain: &Chain) -> PreparedCertificate {
    chain.prepared(CERTIFIED, seq(5), digest(DIGEST))
}

fn judge_prepared(chain: &Chain, certificate: PreparedCertificate) -> Result<(), Rejection> {
    judge_view_change(chain, ViewChange { prepared: vec![certificate], ..chain.view_change() })
}

fn judge_stable(chain: &Chain, stable: CheckpointCertificate) -> Result<(), Rejection> {
    judge_view_change(chain, ViewChange { view: VIEW, stable, prepared: Vec::new() })
}

fn judge_view_change(chain: &Chain, view_change: ViewChange) -> Result<(), Rejection> {
    chain.judge(chain.message(Payload::ViewChange(view_change), chain.backup()))
}

fn judge_committed(chain: &Chain, change: impl FnOnce(&mut CommittedBatch)) -> Result<(), Rejection> {
    let mut committed = chain.committed_batch(seq(9));
    change(&mut committed);
    chain.judge(chain.message(Payload::Supply(Supply::Committed(vec![committed])), chain.backup()))
}

#[test]
fn exactly_enough_votes_pass_and_one_less_does_not() {
    for size in SIZES {
        let chain = Chain::of(size);
        for kind in kinds() {
            let (mut votes, need) = ((kind.votes)(&chain), (kind.need)(&chain));
            assert_eq!(votes.len(), need, "{} at n = {size}", kind.name);
            assert_eq!((kind.judge)(&chain, votes.clone()), Ok(()), "{} at n = {size}", kind.name);
            if votes.pop().is_some() {
                let expected = Rejection::TooFewVotes { have: need - 1, need };
                assert_eq!((kind.judge)(&chain, votes), Err(expected), "{} at n = {size}", kind.name);
            }
        }
    }
}

#[test]
fn more_votes_than_needed_pass() {
    let chain = Chain::of(4);
    for kind in kinds() {
        let prepared = kind.name == "prepared";
        let primary = chain.membership.primary(CERTIFIED);
        let voters = chain.membership.ids().filter(|voter| !prepared || *voter != primary);
        let votes: Votes = voters.map(|voter| (voter, (kind.vote)(&chain, voter))).collect();
        assert_eq!((kind.judge)(&chain, votes), Ok(()), "{}", kind.name);
    }
}

#[test]
fn the_same_vote_counts_once() {
    let chain = Chain::of(4);
    for kind in kinds() {
        let mut votes = (kind.votes)(&chain);
        let last = votes.len() - 1;
        votes[last] = votes[last - 1];
        assert_eq!((kind.judge)(&chain, votes), Err(Rejection::UnorderedVotes), "{}", kind.name);
        let mut votes = (kind.votes)(&chain);
        votes.push(votes[last]);
        assert_eq!((kind.judge)(&chain, votes), Err(Rejection::UnorderedVotes), "{}: one too many", kind.name);
    }
}

#[test]
fn votes_out_of_order_are_refused() {
    let chain = Chain::of(4);
    for kind in kinds() {
        let mut votes = (kind.votes)(&chain);
        votes.reverse();
        assert_eq!((kind.judge)(&chain, votes), Err(Rejection::UnorderedVotes), "{}", kind.name);
    }
}

#[test]
fn a_strangers_vote_is_refused_even_beside_enough_others() {
    let chain = Chain::of(4);
    for kind in kinds() {
        let mut votes = (kind.votes)(&chain);
        let stranger = ReplicaId::new(4);
        votes.push((stranger, votes[0].1));
        assert_eq!((kind.judge)(&chain, votes), Err(Rejection::NotAMember(stranger)), "{}", kind.name);
    }
}

#[test]
fn every_single_vote_must_hold() {
    let chain = Chain::of(4);
    for kind in kinds() {
        for place in 0..(kind.need)(&chain) {
            let mut votes = (kind.votes)(&chain);
            let other = id((votes[place].0.index() + 1) % 4);
            votes[place].1 = (kind.vote)(&chain, other);
            assert_eq!((kind.judge)(&chain, votes), Err(Rejection::BadSignature), "{} vote {place}", kind.name);
        }
    }
}

#[test]
fn votes_of_other_kinds_places_and_digests_are_refused() {
    let chain = Chain::of(4);
    let (view, seq, digest) = (CERTIFIED, seq(5), digest(DIGEST));
    let spoiled = |signature: &dyn Fn(ReplicaId) -> Signature| {
        let mut certificate = prepared(&chain);
        certificate.prepares[0].1 = signature(certificate.prepares[0].0);
        judge_prepared(&chain, certificate)
    };
    let honest = |voter| chain.signature(&Prepare { view, seq, digest }, voter);
    assert_eq!(spoiled(&honest), Ok(()));
    let wrong: [&dyn Fn(ReplicaId) -> Signature; 5] = [
        &|voter| chain.signature(&Commit { view, seq, digest }, voter),
        &|voter| chain.signature(&PrePrepare { view, seq, digest }, voter),
        &|voter| chain.signature(&Prepare { view: view.next(), seq, digest }, voter),
        &|voter| chain.signature(&Prepare { view, seq: seq.next(), digest }, voter),
        &|voter| chain.signature(&Prepare { view, seq, digest: support::digest(0) }, voter),
    ];
    for signature in wrong {
        assert_eq!(spoiled(signature), Err(Rejection::BadSignature));
    }
}

#[test]
fn a_primary_among_the_prepares_is_refused() {
    for size in SIZES {
        let chain = Chain::of(size);
        let mut certificate = prepared(&chain);
        let primary = chain.membership.primary(CERTIFIED);
        certificate.prepares.push((primary, chain.signature(&prepare(), primary)));
        certificate.prepares.sort_by_key(|(voter, _)| *voter);
        assert_eq!(judge_prepared(&chain, certificate), Err(Rejection::WrongPrimary), "n = {size}");
    }
}

#[test]
fn the_pre_prepare_of_a_prepared_certificate_is_the_primarys_own() {
    let chain = Chain::of(4);
    let (view, seq, digest) = (CERTIFIED, seq(5), digest(DIGEST));
    let primary = chain.membership.primary(view);
    fn made<T: Signable>(chain: &Chain, payload: &T, signer: ReplicaId) -> Result<(), Rejection> {
        let pre_prepare = chain.signature(payload, signer);
        judge_prepared(chain, PreparedCertificate { pre_prepare, ..prepared(chain) })
    }
    assert_eq!(made(&chain, &PrePrepare { view, seq, digest }, primary), Ok(()));
    assert_eq!(made(&chain, &PrePrepare { view, seq, digest }, chain.primary()), Err(Rejection::BadSignature));
    assert_eq!(made(&chain, &Prepare { view, seq, digest }, primary), Err(Rejection::BadSignature));
    let other = PrePrepare { view, seq, digest: support::digest(0) };
    assert_eq!(made(&chain, &other, primary), Err(Rejection::BadSignature));
}

#[test]
fn a_commit_certificate_is_for_its_batch_and_its_place() {
    let chain = Chain::of(4);
    assert_eq!(judge_committed(&chain, |_| ()), Ok(()));
    assert_eq!(judge_committed(&chain, |it| it.seq = seq(10)), Err(Rejection::WrongDigest));
    assert_eq!(judge_committed(&chain, |it| it.certificate.seq = seq(10)), Err(Rejection::WrongDigest));
    assert_eq!(judge_committed(&chain, |it| it.certificate.digest = digest(0)), Err(Rejection::WrongDigest));
    let later = |it: &mut CommittedBatch| it.batch.timestamp = it.batch.timestamp.next();
    assert_eq!(judge_committed(&chain, later), Err(Rejection::WrongDigest));
    assert_eq!(judge_committed(&chain, |it| it.certificate.view = View::ZERO), Err(Rejection::BadSignature));
    let moved = |it: &mut CommittedBatch| (it.seq, it.certificate.seq) = (seq(10), seq(10));
    assert_eq!(judge_committed(&chain, moved), Err(Rejection::BadSignature), "COMMITs for another place");
}

#[test]
fn one_bad_batch_spoils_a_supply_of_many() {
    let chain = Chain::of(4);
    for place in 0..3 {
        let mut batches: Vec<CommittedBatch> = (9..12).map(|number| chain.committed_batch(seq(number))).collect();
        batches[place].certificate.commits[1].1 = Signature::from_bytes([3; 64]);
        let message = chain.message(Payload::Supply(Supply::Committed(batches)), chain.backup());
        assert_eq!(chain.judge(message), Err(Rejection::BadSignature), "batch {place}");
    }
}

#[test]
fn a_stable_checkpoint_stands_at_a_multiple_of_the_interval() {
    let chain = Chain::of(4);
    for number in 1..=12 {
        let expected = if number % 4 == 0 { Ok(()) } else { Err(Rejection::MisplacedCertificate) };
        assert_eq!(judge_stable(&chain, chain.checkpoint(seq(number))), expected, "checkpoint at {number}");
    }
}

#[test]
fn zero_is_stable_with_no_votes_and_a_zero_root_only() {
    let chain = Chain::of(4);
    let genesis = CheckpointCertificate::genesis();
    assert_eq!(judge_stable(&chain, genesis.clone()), Ok(()));
    let rooted = CheckpointCertificate { state_root: digest(1), ..genesis.clone() };
    let voted = chain.checkpoint(SeqNum::ZERO);
    for wrong in [rooted, voted] {
        assert_eq!(judge_stable(&chain, wrong), Err(Rejection::MisplacedCertificate));
    }
    let ahead = CheckpointCertificate { seq: seq(4), ..genesis };
    assert_eq!(judge_stable(&chain, ahead), Err(Rejection::TooFewVotes { have: 0, need: 3 }));
}

#[test]
fn a_stable_checkpoint_is_for_its_root() {
    let chain = Chain::of(4);
    let other_root = CheckpointCertificate { state_root: digest(1), ..chain.checkpoint(seq(4)) };
    assert_eq!(judge_stable(&chain, other_root), Err(Rejection::BadSignature));
    let moved = CheckpointCertificate { seq: seq(8), ..chain.checkpoint(seq(4)) };
    assert_eq!(judge_stable(&chain, moved), Err(Rejection::BadSignature));
}

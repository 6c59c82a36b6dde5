//! Replies, and the certificates that prove an outcome to strangers (rules ).

use crate::support::{Chain, SIZES, digest, id, seq};
use tetrarch_crypto::{Ed25519, PublicKey, Signature, WeakKey};

use tetrarch_types::{
    Commit, Outcome, Rejection, Reply, ReplyCertificate, Results, Signed, SignedResults, TentativeResults,
    TransactionId, View,
};

fn judge_reply(chain: &Chain, change: impl FnOnce(&mut Reply)) -> Result<(), Rejection> {
    let mut reply = chain.reply(id(2));
    change(&mut reply);
    chain.verifier().reply(reply).map(|_| ())
}

fn decided(reply: &mut Reply) -> &mut Signed<Results> {
    match &mut reply.results {
        SignedResults::Decided(signed) => signed,
        SignedResults::Tentative(_) => panic!("it is of what is decided"),
    }
}

fn judge(chain: &Chain, change: impl FnOnce(&mut ReplyCertificate)) -> Result<(), Rejection> {
    let mut certificate = chain.reply_certificate();
    change(&mut certificate);
    certificate.check(&chain.membership, &Ed25519)
}

#[test]
fn a_reply_passes_from_every_member() {
    let chain = Chain::of(4);
    for member in chain.membership.ids() {
        for reply in [chain.reply(member), chain.tentative_reply(member)] {
            assert!(reply.is_consistent());
            assert_eq!(chain.verifier().reply(reply.clone()).unwrap().into_inner(), reply);
        }
    }
}

#[test]
fn a_reply_with_any_part_changed_is_refused() {
    let chain = Chain::of(4);
    let wrong_path = Err(Rejection::WrongPath);
    assert_eq!(judge_reply(&chain, |it| it.transaction = TransactionId::new(digest(0))), wrong_path);
    assert_eq!(judge_reply(&chain, |it| it.outcome = Outcome::Expired), wrong_path);
    assert_eq!(judge_reply(&chain, |it| it.path.index = 0), wrong_path);
    assert_eq!(judge_reply(&chain, |it| it.path.leaves = 4), wrong_path);
    assert_eq!(judge_reply(&chain, |it| it.path.siblings[0] = digest(0)), wrong_path);
    assert_eq!(judge_reply(&chain, |it| it.path.siblings.truncate(1)), wrong_path);
    assert_eq!(judge_reply(&chain, |it| it.path.siblings.push(digest(0))), wrong_path);
    assert_eq!(judge_reply(&chain, |it| decided(it).payload.root = digest(0)), wrong_path);
    assert_eq!(judge_reply(&chain, |it| decided(it).payload.seq = seq(10)), Err(Rejection::BadSignature));
    assert_eq!(judge_reply(&chain, |it| decided(it).signer = id(3)), Err(Rejection::BadSignature));
    assert_eq!(judge_reply(&chain, |it| decided(it).signer = id(4)), Err(Rejection::NotAMember(id(4))));
    let elsewhere = chain.in_epoch(1);
    let later = |it: &mut Reply| {
        let results = decided(it);
        *results = Signed::new(results.payload, id(2), elsewhere.scope(), &chain.keys[2]);
    };
    assert_eq!(judge_reply(&chain, later), Err(Rejection::BadSignature));
}

#[test]
fn a_certificate_needs_one_more_vote_than_there_are_liars() {
    for size in SIZES {
        let chain = Chain::of(size);
        let need = chain.membership.faults() + 1;
        assert_eq!(judge(&chain, |_| ()), Ok(()), "n = {size}");
        assert_eq!(chain.reply_certificate().votes.len(), need, "n = {size}");
        let fewer = judge(&chain, |it| it.votes.truncate(need - 1));
        assert_eq!(fewer, Err(Rejection::TooFewVotes { have: need - 1, need }), "n = {size}");
    }
}

#[test]
fn more_votes_pass_if_all_of_them_hold() {
    let chain = Chain::of(4);
    let results = decided(&mut chain.reply(id(0))).payload;
    assert_eq!(judge(&chain, |it| it.votes = chain.votes(&results, 4, None)), Ok(()));
    let one_forged = judge(&chain, |it| {
        it.votes = chain.votes(&results, 4, None);
        it.votes[3].1 = it.votes[2].1;
    });
    assert_eq!(one_forged, Err(Rejection::BadSignature));
}

#[test]
fn votes_are_of_distinct_members_in_order() {
    let chain = Chain::of(4);
    assert_eq!(judge(&chain, |it| it.votes.reverse()), Err(Rejection::UnorderedVotes));
    assert_eq!(judge(&chain, |it| it.votes[1] = it.votes[0]), Err(Rejection::UnorderedVotes));
    assert_eq!(judge(&chain, |it| it.votes[1].0 = id(4)), Err(Rejection::NotAMember(id(4))));
    assert_eq!(judge(&chain, |it| it.votes[1].0 = id(2)), Err(Rejection::BadSignature));
}

#[test]
fn votes_are_for_these_results() {
    let chain = Chain::of(4);
    let honest = decided(&mut chain.reply(id(1))).payload;
    let bad = Err(Rejection::BadSignature);
    let other_root = Results { root: digest(0), ..honest };
    assert_eq!(judge(&chain, |it| it.votes[1].1 = chain.signature(&other_root, id(1))), bad);
    let other_seq = Results { seq: seq(10), ..honest };
    assert_eq!(judge(&chain, |it| it.votes[1].1 = chain.signature(&other_seq, id(1))), bad);
    let commit = Commit { view: View::ZERO, seq: honest.seq, digest: honest.root };
    assert_eq!(judge(&chain, |it| it.votes[1].1 = chain.signature(&commit, id(1))), bad, "in another domain");
    assert_eq!(judge(&chain, |it| it.seq = seq(10)), bad);
}

#[test]
fn another_path_or_outcome_leads_elsewhere() {
    let chain = Chain::of(4);
    let bad = Err(Rejection::BadSignature);
    assert_eq!(judge(&chain, |it| it.outcome = Outcome::Executed(b"done 7".to_vec())), bad);
    assert_eq!(judge(&chain, |it| it.outcome = Outcome::Expired), bad);
    assert_eq!(judge(&chain, |it| it.path.index = 0), bad);
    assert_eq!(judge(&chain, |it| it.path.siblings.swap(0, 1)), bad);
    assert_eq!(judge(&chain, |it| it.path.siblings[1] = digest(0)), bad);
    let wrong_path = Err(Rejection::WrongPath);
    assert_eq!(judge(&chain, |it| it.path.siblings.truncate(1)), wrong_path);
    assert_eq!(judge(&chain, |it| it.path.siblings.push(digest(0))), wrong_path);
    assert_eq!(judge(&chain, |it| it.path.index = it.path.leaves), wrong_path);
    assert_eq!(judge(&chain, |it| it.path.leaves = 0), wrong_path);
}

#[test]
fn it_proves_the_one_transaction_only() {
    let chain = Chain::of(4);
    let bad = Err(Rejection::BadSignature);
    assert_eq!(judge(&chain, |it| it.transaction = chain.transaction(1)), bad, "another of the same batch");
    assert_eq!(judge(&chain, |it| it.transaction = chain.transaction(99)), bad, "one that was never ordered");
    assert_eq!(judge(&chain, |it| it.transaction.body.nonce += 1), bad);
    assert_eq!(judge(&chain, |it| it.transaction.signature = Signature::from_bytes([1; 64])), bad, "not its sender's");
    assert_eq!(judge(&chain, |it| it.transaction.body.chain = digest(1)), Err(Rejection::WrongChain));
    let weak = |it: &mut ReplyCertificate| it.transaction.body.sender = PublicKey::from_bytes([0; 32]);
    assert_eq!(judge(&chain, weak), Err(Rejection::WeakKey(WeakKey::SmallOrder)));
}

#[test]
fn it_counts_in_its_own_epoch_and_on_its_own_chain_only() {
    let chain = Chain::of(4);
    let certificate = chain.reply_certificate();
    assert_eq!(certificate.check(&chain.in_epoch(1), &Ed25519), Err(Rejection::BadSignature));
    let mut elsewhere = chain.genesis.clone();
    elsewhere.salt = digest(1);
    assert_eq!(certificate.check(&elsewhere.membership(), &Ed25519), Err(Rejection::WrongChain));
}

fn judge_tentative(chain: &Chain, change: impl FnOnce(&mut ReplyCertificate)) -> Result<(), Rejection> {
    let mut certificate = chain.tentative_certificate();
    change(&mut certificate);
    certificate.check(&chain.membership, &Ed25519)
}

#[test]
fn what_is_prepared_is_never_taken_for_what_is_decided() {
    let chain = Chain::of(4);
    let SignedResults::Tentative(Signed { payload, signer, signature }) = chain.tentative_reply(id(2)).results else {
        panic!("it is of what is prepared");
    };
    let bad = Err(Rejection::BadSignature);
    let as_decided = Signed { payload: Results { seq: payload.seq, root: payload.root }, signer, signature };
    assert_eq!(judge_reply(&chain, |it| it.results = SignedResults::Decided(as_decided)), bad);
    let in_view =
        |view| SignedResults::Tentative(Signed { payload: TentativeResults { view, ..payload }, signer, signature });
    assert_eq!(judge_reply(&chain, |it| it.results = in_view(payload.view)), Ok(()));
    assert_eq!(judge_reply(&chain, |it| it.results = in_view(payload.view.next())), bad);
}

#[test]
fn what_is_prepared_is_proven_by_a_quorum() {
    // One alone has no other beside the one that calls it decided.
    for size in SIZES.into_iter().filter(|size| *size > 1) {
        let chain = Chain::of(size);
        let need = chain.membership.quorum();
        assert_eq!(judge_tentative(&chain, |_| ()), Ok(()), "n = {size}");
        let signers: Vec<_> = chain.membership.ids().take(need).collect();
        assert_eq!(
            (chain.tentative_certificate().signers(), need),
            (signers, chain.tentative_certificate().needed(&chain.membership))
        );
        // As many as prove what is decided are not enough, whichever of them are left out.
        let weak = chain.membership.weak_quorum();
        let fewer = judge_tentative(&chain, |it| {
            it.votes.clear();
            it.tentative.as_mut().unwrap().votes.truncate(weak);
        });
        let have = weak.min(need - 1);
        assert_eq!(fewer, Err(Rejection::TooFewVotes { have, need }), "n = {size}");
        let without_last = judge_tentative(&chain, |it| it.tentative.as_mut().unwrap().votes.truncate(need - 2));
        assert_eq!(without_last, Err(Rejection::TooFewVotes { have: need - 1, need }), "n = {size}");
    }
}

#[test]
fn signatures_of_both_kinds_are_of_distinct_members_and_one_view() {
    let chain = Chain::of(4);
    let bad = Err(Rejection::BadSignature);
    let change = |change: fn(&mut tetrarch_types::TentativeVotes)| {
        judge_tentative(&chain, |it| change(it.tentative.as_mut().unwrap()))
    };
    assert_eq!(change(|it| it.view = it.view.next()), bad);
    assert_eq!(change(|it| it.votes.reverse()), Err(Rejection::UnorderedVotes));
    assert_eq!(change(|it| it.votes[1] = it.votes[0]), Err(Rejection::UnorderedVotes));
    assert_eq!(change(|it| it.votes[0].0 = id(0)), Err(Rejection::UnorderedVotes), "it signed twice");
    assert_eq!(change(|it| it.votes[1].0 = id(9)), Err(Rejection::NotAMember(id(9))));
    assert_eq!(change(|it| it.votes.clear()), Err(Rejection::TooFewVotes { have: 0, need: 1 }));
    let moved = judge_tentative(&chain, |it| it.votes.extend(it.tentative.take().unwrap().votes));
    assert_eq!(moved, bad, "they did not sign that it is decided");
}

#[test]
fn with_enough_that_call_it_decided_the_others_still_have_to_hold() {
    let chain = Chain::of(4);
    let decided = chain.reply_certificate().votes;
    let with_both = |change: fn(&mut tetrarch_types::TentativeVotes)| {
        judge_tentative(&chain, |it| {
            it.votes.clone_from(&decided);
            let tentative = it.tentative.as_mut().unwrap();
            tentative.votes.remove(0);
            change(tentative);
        })
    };
    assert_eq!(with_both(|_| ()), Ok(()));
    assert_eq!(with_both(|it| it.votes[0].1 = Signature::from_bytes([7; 64])), Err(Rejection::BadSignature));
}

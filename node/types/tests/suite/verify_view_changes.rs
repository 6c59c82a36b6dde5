//! What a VIEW-CHANGE may carry, and what a NEW-VIEW must rest on (rules V-3 and V-5).

use crate::support::{Chain, SIZES, VIEW, digest, id, seq};
use tetrarch_types::limits::MAX_WINDOW;
use tetrarch_types::{
    CheckpointCertificate, Message, NewView, Payload, PrePrepare, PreparedCertificate, Rejection, SeqNum, Signed, View,
    ViewChange,
};

const MISPLACED: Result<(), Rejection> = Err(Rejection::MisplacedCertificate);

/// A VIEW-CHANGE to view 5 above a checkpoint at 4 with a window of 8, and these prepared certificates.
fn carrying(chain: &Chain, prepared: Vec<PreparedCertificate>) -> Result<(), Rejection> {
    let view_change = ViewChange { prepared, ..chain.view_change() };
    chain.judge(chain.message(Payload::ViewChange(view_change), chain.backup()))
}

fn prepared(chain: &Chain, view: u64, number: u64) -> PreparedCertificate {
    chain.prepared(View::new(view), seq(number), digest(1))
}

#[test]
fn certificates_lie_inside_the_window() {
    let chain = Chain::of(4);
    for number in 0..16 {
        let expected = if (5..=12).contains(&number) { Ok(()) } else { MISPLACED };
        assert_eq!(carrying(&chain, vec![prepared(&chain, 4, number)]), expected, "at {number}");
    }
    assert_eq!(carrying(&chain, vec![prepared(&chain, 4, u64::MAX)]), MISPLACED);
}

#[test]
fn certificates_are_of_earlier_views() {
    let chain = Chain::of(4);
    for view in 0..8 {
        let expected = if view < VIEW.get() { Ok(()) } else { MISPLACED };
        assert_eq!(carrying(&chain, vec![prepared(&chain, view, 6)]), expected, "view {view}");
    }
}

#[test]
fn there_is_one_for_a_sequence_number_ascending() {
    let chain = Chain::of(4);
    let all: Vec<_> = (5..=12).map(|number| prepared(&chain, 4, number)).collect();
    assert_eq!(carrying(&chain, all.clone()), Ok(()), "a full window");
    assert_eq!(carrying(&chain, Vec::new()), Ok(()));
    assert_eq!(carrying(&chain, all.into_iter().rev().collect()), MISPLACED);
    assert_eq!(carrying(&chain, vec![prepared(&chain, 4, 6), prepared(&chain, 4, 6)]), MISPLACED, "twice");
    assert_eq!(carrying(&chain, vec![prepared(&chain, 3, 6), prepared(&chain, 4, 6)]), MISPLACED, "two views");
}

#[test]
fn the_window_does_not_overflow_at_the_end_of_the_numbers() {
    let chain = Chain::of(4);
    let last = u64::MAX / 4 * 4;
    let stable = chain.checkpoint(seq(last));
    let view_change = ViewChange { view: VIEW, stable, prepared: vec![prepared(&chain, 4, u64::MAX)] };
    assert_eq!(chain.judge(chain.message(Payload::ViewChange(view_change), chain.backup())), Ok(()));
}

#[test]
fn a_bad_certificate_anywhere_spoils_the_view_change() {
    let chain = Chain::of(4);
    for place in 0..2 {
        let mut certificates = chain.view_change().prepared;
        certificates[place].digest = digest(0xee);
        assert_eq!(carrying(&chain, certificates), Err(Rejection::BadSignature), "certificate {place}");
    }
}

/// The chain's NEW-VIEW after a change, signed by its primary again so that nothing else is wrong.
fn judge(chain: &Chain, change: impl FnOnce(&mut NewView)) -> Result<(), Rejection> {
    let mut new_view = chain.new_view();
    change(&mut new_view);
    chain.judge(Message::NewView(chain.signed(new_view, chain.primary())))
}

#[test]
fn only_the_new_views_primary_starts_it() {
    let chain = Chain::of(4);
    for signer in chain.membership.ids() {
        let expected = if signer == chain.primary() { Ok(()) } else { Err(Rejection::WrongPrimary) };
        assert_eq!(chain.judge(Message::NewView(chain.signed(chain.new_view(), signer))), expected, "{signer}");
    }
}

#[test]
fn it_rests_on_exactly_a_quorum() {
    for size in SIZES.into_iter().filter(|size| *size > 1) {
        let chain = Chain::of(size);
        let need = chain.membership.quorum();
        let fewer = judge(&chain, |it| it.view_changes.truncate(need - 1));
        assert_eq!(fewer, Err(Rejection::TooFewVotes { have: need - 1, need }), "n = {size}");
        let one_more = if need < size { chain.signed(chain.view_change(), id(need)) } else { continue };
        let more = judge(&chain, |it| it.view_changes.push(one_more));
        assert_eq!(more, Err(Rejection::TooFewVotes { have: need + 1, need }), "n = {size}");
    }
}

#[test]
fn its_view_changes_are_of_distinct_members_in_order() {
    let chain = Chain::of(4);
    let unordered = Err(Rejection::UnorderedVotes);
    assert_eq!(judge(&chain, |it| it.view_changes.reverse()), unordered);
    assert_eq!(judge(&chain, |it| it.view_changes[1] = it.view_changes[0].clone()), unordered);
    let second_by_0 = chain.signed(ViewChange { prepared: Vec::new(), ..chain.view_change() }, id(0));
    assert_eq!(judge(&chain, |it| it.view_changes[1] = second_by_0), unordered, "two of one member");
    let stranger = Signed { signer: id(4), ..chain.signed(chain.view_change(), id(2)) };
    assert_eq!(judge(&chain, |it| it.view_changes[2] = stranger), Err(Rejection::NotAMember(id(4))));
}

#[test]
fn its_view_changes_are_for_this_very_view() {
    let chain = Chain::of(4);
    // Views 9 and 6: the same primary's next turn, and another's.
    for view in [View::new(6), View::new(9)] {
        for place in 0..3 {
            let stray = chain.signed(ViewChange { view, ..chain.view_change() }, id(place));
            assert_eq!(judge(&chain, |it| it.view_changes[place] = stray), MISPLACED, "{view} at {place}");
        }
    }
}

#[test]
fn its_view_changes_are_verified_whole() {
    let chain = Chain::of(4);
    for place in 0..3 {
        let forged = Signed { signer: id(place), ..chain.signed(chain.view_change(), id(3)) };
        assert_eq!(judge(&chain, |it| it.view_changes[place] = forged), Err(Rejection::BadSignature));
        let mut nested = chain.view_change();
        nested.prepared[1].prepares[0].1 = nested.prepared[0].prepares[0].1;
        let nested = chain.signed(nested, id(place));
        assert_eq!(judge(&chain, |it| it.view_changes[place] = nested), Err(Rejection::BadSignature));
        let mut early = chain.view_change();
        early.prepared[0] = prepared(&chain, 4, 4);
        let early = chain.signed(early, id(place));
        assert_eq!(judge(&chain, |it| it.view_changes[place] = early), MISPLACED);
        let mut thin = chain.view_change();
        thin.stable.votes.pop();
        let thin = chain.signed(thin, id(place));
        assert_eq!(judge(&chain, |it| it.view_changes[place] = thin), Err(Rejection::TooFewVotes { have: 2, need: 3 }));
    }
}

#[test]
fn its_proposals_are_its_signers_for_this_view() {
    let chain = Chain::of(4);
    let assignment = |view| PrePrepare { view, seq: seq(5), digest: digest(0x21) };
    for place in 0..2 {
        let foreign = chain.signed(assignment(VIEW), id(2));
        assert_eq!(judge(&chain, |it| it.proposals[place] = foreign), MISPLACED, "another signer");
        for view in [View::new(4), View::new(9)] {
            let stray = chain.signed(assignment(view), chain.primary());
            assert_eq!(judge(&chain, |it| it.proposals[place] = stray), MISPLACED, "of view {view}");
        }
        let signature = chain.signature(&assignment(VIEW), id(2));
        let forged = Signed { payload: assignment(VIEW), signer: chain.primary(), signature };
        assert_eq!(judge(&chain, |it| it.proposals[place] = forged), Err(Rejection::BadSignature));
    }
}

#[test]
fn its_proposals_are_bounded() {
    let chain = Chain::of(4);
    let one = chain.new_view().proposals[0].clone();
    let many = vec![one; usize::try_from(MAX_WINDOW).unwrap() * 2 + 1];
    assert_eq!(judge(&chain, |it| it.proposals = many), Err(Rejection::TooMany));
    assert_eq!(judge(&chain, |it| it.proposals.clear()), Ok(()), "whether any must be there is the replica's to say");
}

#[test]
fn a_fresh_chain_changes_its_view_from_genesis() {
    let chain = Chain::of(4);
    let start = ViewChange { view: VIEW, stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
    let proved = judge(&chain, |it| {
        it.view_changes = (0..3).map(|changer| chain.signed(start.clone(), id(changer))).collect();
        it.proposals.clear();
    });
    assert_eq!(proved, Ok(()));
    let first = ViewChange { prepared: vec![prepared(&chain, 0, 1)], ..start.clone() };
    assert_eq!(chain.judge(Message::ViewChange(chain.signed(first, id(0)))), Ok(()));
    let zeroth = ViewChange { prepared: vec![prepared(&chain, 0, SeqNum::ZERO.get())], ..start };
    assert_eq!(chain.judge(Message::ViewChange(chain.signed(zeroth, id(0)))), MISPLACED);
}

//! What a start asks and is answered (rule A-1), and what a state transfer asks and is sent (rules S-1, B-5).

use crate::support::state::STABLE;
use crate::support::{Chain, SIZES, VIEW, digest, id, seq};
use tetrarch_crypto::Signature;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_types::limits::MAX_STATE_PARTS;
use tetrarch_types::{
    CheckpointCertificate, Commit, Fetch, Held, HeldVote, Message, Payload, PrePrepare, Prepare, Rejection, Signed,
    StatePart, StateRow, Supply, View, ViewChange, decode, encode,
};

const MISPLACED: Result<(), Rejection> = Err(Rejection::MisplacedCertificate);
const FORGED: Result<(), Rejection> = Err(Rejection::BadSignature);

/// The chain's specimen after a change, signed again by its sender so that nothing else is wrong.
fn judge(chain: &Chain, change: impl FnOnce(&mut Held)) -> Result<(), Rejection> {
    let mut held = chain.held();
    change(&mut held);
    chain.judge(chain.message(Payload::Supply(Supply::Held(held)), chain.backup()))
}

fn commit(number: u64) -> Commit {
    Commit { view: VIEW, seq: seq(number), digest: digest(1) }
}

#[test]
fn what_is_held_passes_at_every_size() {
    for size in SIZES {
        let chain = Chain::of(size);
        assert_eq!(judge(&chain, |_| ()), Ok(()), "n = {size}");
        assert_eq!(judge(&chain, |it| it.view_change = None), Ok(()), "n = {size}: no VIEW-CHANGE");
        assert_eq!(judge(&chain, |it| it.votes.clear()), Ok(()), "n = {size}: no votes");
    }
}

#[test]
fn a_member_that_holds_nothing_may_say_so() {
    let chain = Chain::of(4);
    let empty = Held {
        about: id(3),
        start: u64::MAX,
        view: View::ZERO,
        stable: CheckpointCertificate::genesis(),
        votes: Vec::new(),
        view_change: None,
    };
    assert_eq!(judge(&chain, |it| *it = empty), Ok(()));
}

fn with_signature(vote: &HeldVote, signature: Signature) -> HeldVote {
    match vote.clone() {
        HeldVote::PrePrepare(signed) => HeldVote::PrePrepare(Signed { signature, ..signed }),
        HeldVote::Prepare(signed) => HeldVote::Prepare(Signed { signature, ..signed }),
        HeldVote::Commit(signed) => HeldVote::Commit(Signed { signature, ..signed }),
    }
}

fn signature_of(vote: &HeldVote) -> Signature {
    match vote {
        HeldVote::PrePrepare(signed) => signed.signature,
        HeldVote::Prepare(signed) => signed.signature,
        HeldVote::Commit(signed) => signed.signature,
    }
}

#[test]
fn each_vote_held_is_signed_for_itself() {
    let chain = Chain::of(4);
    let votes = chain.held().votes;
    for (place, vote) in votes.iter().enumerate() {
        let neighbours = votes[(place + 1) % votes.len()].clone();
        for signature in [signature_of(&neighbours), Signature::from_bytes([0; 64]), Signature::from_bytes([3; 64])] {
            let forged = with_signature(vote, signature);
            assert_eq!(judge(&chain, |it| it.votes[place] = forged), FORGED, "vote {place}");
        }
    }
}

#[test]
fn no_vote_can_be_invented_for_the_one_it_is_about() {
    let chain = Chain::of(4);
    let (about, liar) = (chain.held().about.index(), chain.backup().index());
    let (view, here) = (VIEW, seq(9));
    let invented = [
        HeldVote::PrePrepare(chain.forged(PrePrepare { view, seq: here, digest: digest(2) }, about, liar)),
        HeldVote::Prepare(chain.forged(Prepare { view, seq: here, digest: digest(2) }, about, liar)),
        HeldVote::Commit(chain.forged(commit(9), about, liar)),
    ];
    for vote in invented {
        assert_eq!(judge(&chain, |it| it.votes.push(vote)), FORGED);
    }
    let view_change = Box::new(chain.forged(chain.view_change(), about, liar));
    assert_eq!(judge(&chain, |it| it.view_change = Some(view_change)), FORGED);
}

/// A PREPARE is no COMMIT, and a vote for one place none for another, although its owner signed both.
#[test]
fn a_vote_held_is_of_its_kind_and_place() {
    let chain = Chain::of(4);
    let about = chain.held().about;
    let (view, here, digest) = (VIEW, seq(9), digest(1));
    let prepare = chain.signature(&Prepare { view, seq: here, digest }, about);
    let moved = [
        HeldVote::Commit(Signed { payload: Commit { view, seq: here, digest }, signer: about, signature: prepare }),
        HeldVote::PrePrepare(Signed {
            payload: PrePrepare { view, seq: here, digest },
            signer: about,
            signature: prepare,
        }),
        HeldVote::Prepare(Signed {
            payload: Prepare { view, seq: here.next(), digest },
            signer: about,
            signature: prepare,
        }),
    ];
    for vote in moved {
        assert_eq!(judge(&chain, |it| it.votes = vec![vote]), FORGED);
    }
}

#[test]
fn votes_of_another_are_refused_although_they_hold() {
    let chain = Chain::of(4);
    for other in chain.membership.ids().filter(|other| *other != chain.held().about) {
        for place in 0..3 {
            let stray = HeldVote::Commit(chain.signed(commit(9), other));
            assert_eq!(judge(&chain, |it| it.votes[place] = stray), MISPLACED, "of {other} at {place}");
        }
        let stray = Box::new(chain.signed(chain.view_change(), other));
        assert_eq!(judge(&chain, |it| it.view_change = Some(stray)), MISPLACED, "the VIEW-CHANGE of {other}");
        assert_eq!(judge(&chain, |it| it.about = other), MISPLACED, "all of them, about {other}");
    }
}

#[test]
fn a_stranger_has_no_votes() {
    let chain = Chain::of(4);
    let stranger = id(4);
    let about_stranger = |held: &mut Held| {
        held.about = stranger;
        held.votes = vec![HeldVote::Commit(Signed { signer: stranger, ..chain.signed(commit(9), id(0)) })];
        held.view_change = None;
    };
    assert_eq!(judge(&chain, about_stranger), Err(Rejection::NotAMember(stranger)));
    let changing = |held: &mut Held| {
        held.about = stranger;
        held.votes.clear();
        held.view_change = Some(Box::new(Signed { signer: stranger, ..chain.signed(chain.view_change(), id(0)) }));
    };
    assert_eq!(judge(&chain, changing), Err(Rejection::NotAMember(stranger)));
}

#[test]
fn votes_held_are_four_for_each_number_of_the_window() {
    let chain = Chain::of(4);
    let most = 4 * usize::try_from(chain.membership.parameters().window).unwrap();
    let about = chain.held().about;
    let many = |count: usize| {
        let vote = HeldVote::Commit(chain.signed(commit(9), about));
        vec![vote; count]
    };
    assert_eq!(judge(&chain, |it| it.votes = many(most)), Ok(()));
    assert_eq!(judge(&chain, |it| it.votes = many(most + 1)), Err(Rejection::TooMany));
}

#[test]
fn one_bad_vote_among_many_spoils_all() {
    let chain = Chain::of(4);
    let about = chain.held().about;
    for bad in [0, 1, 15, 30, 31] {
        let vote = |number: usize| match number == bad {
            true => HeldVote::Commit(chain.forged(commit(9), about.index(), 3)),
            false => HeldVote::Commit(chain.signed(commit(number as u64), about)),
        };
        assert_eq!(judge(&chain, |it| it.votes = (0..32).map(vote).collect()), FORGED, "vote {bad} of 32");
    }
}

/// The bad one is refused, its neighbours in the same signature batch are not.
#[test]
fn a_bad_answer_does_not_taint_its_neighbours() {
    let chain = Chain::of(4);
    let message = |held| chain.message(Payload::Supply(Supply::Held(held)), chain.backup());
    for bad in 0..4 {
        let answers = (0..4).map(|place| {
            let mut held = chain.held();
            if place == bad {
                held.votes[1] = with_signature(&held.votes[1], signature_of(&held.votes[2]));
            }
            message(held)
        });
        let verdicts = chain.verifier().messages(answers.collect());
        let accepted: Vec<bool> = verdicts.iter().map(Result::is_ok).collect();
        assert_eq!(accepted, (0..4).map(|place| place != bad).collect::<Vec<_>>());
    }
}

#[test]
fn the_view_change_held_is_verified_whole() {
    let chain = Chain::of(4);
    let about = chain.held().about;
    let with = |view_change: ViewChange| {
        let signed = Box::new(chain.signed(view_change, about));
        judge(&chain, |it| it.view_change = Some(signed))
    };
    let mut nested = chain.view_change();
    nested.prepared[1].prepares[0].1 = nested.prepared[0].prepares[0].1;
    assert_eq!(with(nested), FORGED);
    let mut late = chain.view_change();
    late.prepared[0] = chain.prepared(VIEW, seq(5), digest(0x21));
    assert_eq!(with(late), MISPLACED, "prepared in the view it moves to");
    let mut thin = chain.view_change();
    thin.stable.votes.pop();
    assert_eq!(with(thin), Err(Rejection::TooFewVotes { have: 2, need: 3 }));
    assert_eq!(with(ViewChange { view: View::new(u64::MAX), ..chain.view_change() }), Ok(()));
}

#[test]
fn the_stable_checkpoint_held_is_proven() {
    let chain = Chain::of(4);
    let stable = |change: &dyn Fn(&mut CheckpointCertificate)| judge(&chain, |it| change(&mut it.stable));
    assert_eq!(stable(&|it| it.votes.truncate(2)), Err(Rejection::TooFewVotes { have: 2, need: 3 }));
    assert_eq!(stable(&|it| it.votes[1] = it.votes[0]), Err(Rejection::UnorderedVotes));
    assert_eq!(stable(&|it| it.votes.reverse()), Err(Rejection::UnorderedVotes));
    assert_eq!(stable(&|it| it.votes[2].0 = id(4)), Err(Rejection::NotAMember(id(4))));
    assert_eq!(stable(&|it| it.votes[0].1 = it.votes[1].1), FORGED);
    assert_eq!(stable(&|it| it.state_root = digest(1)), FORGED);
    assert_eq!(stable(&|it| it.seq = seq(12)), FORGED);
    assert_eq!(stable(&|it| it.seq = seq(9)), MISPLACED);
    assert_eq!(stable(&|it| it.seq = seq(0)), MISPLACED);
    assert_eq!(stable(&|it| *it = CheckpointCertificate::genesis()), Ok(()));
}

/// Places that are none: they can be sent, because a list of bytes is all they are on the wire.
fn strays() -> Vec<Prefix> {
    let nibbles: [Vec<u8>; 4] = [vec![16], vec![0, 3, 255], vec![0; 65], vec![15; 1_000]];
    nibbles.iter().map(|nibbles| decode(&encode(nibbles), usize::MAX).unwrap()).collect()
}

fn places(count: usize) -> Vec<Prefix> {
    (0..count).map(|number| Prefix::ROOT.child((number / 16 % 16) as u8).child((number % 16) as u8)).collect()
}

fn ask(chain: &Chain, parts: Vec<Prefix>) -> Result<(), Rejection> {
    let fetch = Fetch::State { checkpoint: STABLE, parts, rows_up_to: u32::MAX };
    chain.judge(chain.message(Payload::Fetch(fetch), chain.backup()))
}

fn send(chain: &Chain, places: Vec<Prefix>) -> Result<(), Rejection> {
    let parts = places.into_iter().map(|place| (place, StatePart::Rows(Vec::new()))).collect();
    chain.judge(chain.message(Payload::Supply(Supply::State { checkpoint: STABLE, parts }), chain.backup()))
}

#[test]
fn parts_asked_for_and_sent_are_bounded() {
    let chain = Chain::of(4);
    for judge in [ask, send] {
        for count in [0, 1, MAX_STATE_PARTS] {
            assert_eq!(judge(&chain, places(count)), Ok(()), "{count} parts");
        }
        for count in [MAX_STATE_PARTS + 1, 4 * MAX_STATE_PARTS] {
            assert_eq!(judge(&chain, places(count)), Err(Rejection::TooMany), "{count} parts");
        }
    }
}

#[test]
fn parts_asked_for_and_sent_are_at_places_that_exist() {
    let chain = Chain::of(4);
    let deepest = Prefix::new(vec![15; 64]).unwrap();
    for judge in [ask, send] {
        assert_eq!(judge(&chain, vec![Prefix::ROOT, deepest.clone()]), Ok(()));
        for stray in strays() {
            for at in [0, 31, MAX_STATE_PARTS - 1] {
                let mut list = places(MAX_STATE_PARTS);
                list[at] = stray.clone();
                assert_eq!(judge(&chain, list), Err(Rejection::BadPlace), "{stray} at {at}");
            }
        }
    }
}

/// Whether a part is what is due is for whoever knows the digest due: the verifier lets anything of the right form through.
#[test]
fn what_a_part_holds_is_not_the_verifiers_to_judge() {
    let chain = Chain::of(4);
    let row = StateRow { table: "no table".into(), key: vec![1], value: Vec::new() };
    let parts = vec![(Prefix::ROOT, StatePart::Rows(vec![row.clone(), row]))];
    let message = chain.message(Payload::Supply(Supply::State { checkpoint: seq(3), parts }), chain.backup());
    assert_eq!(chain.judge(message), Ok(()));
}

#[test]
fn questions_and_refusals_are_their_signers() {
    let chain = Chain::of(4);
    let questions = [Fetch::Held { start: 7 }, Fetch::State { checkpoint: STABLE, parts: places(2), rows_up_to: 1 }];
    for fetch in questions {
        assert_eq!(chain.judge(Message::Fetch(chain.forged(fetch.clone(), 2, 3))), FORGED);
        assert_eq!(chain.judge(Message::Fetch(chain.signed(fetch, id(2)))), Ok(()));
    }
    let none = Supply::NoState { checkpoint: STABLE };
    assert_eq!(chain.judge(Message::Supply(chain.forged(none.clone(), 2, 3))), FORGED);
    assert_eq!(chain.judge(Message::Supply(chain.signed(none.clone(), id(2)))), Ok(()));
    let mut moved = chain.signed(none, id(2));
    moved.payload = Supply::NoState { checkpoint: STABLE.next() };
    assert_eq!(chain.judge(Message::Supply(moved)), FORGED);
}

#[test]
fn nothing_of_a_state_supply_passes_for_transactions() {
    let chain = Chain::of(4);
    for (name, message) in chain.state_messages().into_iter().filter(|(name, _)| name.starts_with("Supply")) {
        let verified = chain.verifier().message(message).unwrap();
        let supply = verified.into_supply().unwrap_or_else(|_| unreachable!("{name} is a supply"));
        assert!(supply.into_transactions().is_empty(), "{name}");
    }
}

#[test]
fn a_held_vote_names_its_signer_and_place() {
    let chain = Chain::of(4);
    let held = chain.held();
    let places: Vec<_> = held.votes.iter().map(|vote| (vote.signer(), vote.place())).collect();
    let (late, early) = ((held.about, (VIEW, seq(9))), (held.about, (View::new(4), seq(9))));
    assert_eq!(places, [late, early, early]);
}

#[test]
fn a_row_costs_no_less_than_its_bytes() {
    for (table, key, value) in [(0, 0, 0), (1, 127, 128), (20, 16_384, 0), (64, 300, 2_000_000)] {
        let row = StateRow { table: "t".repeat(table), key: vec![1; key], value: vec![2; value] };
        assert!(encode(&row).len() <= row.cost(), "{table}, {key}, {value}");
        assert_eq!(row.cost(), table + key + value + 16);
    }
}

//! VIEW-CHANGEs and NEW-VIEWs, altered, to the verifier and to replicas (rules V-3 to V-6).
//!
//! The verifier's verdict must be that of a look at every condition, and a replica must enter exactly the views whose re-proposals are
//! those of a naive recomputation. As the primary it must propose just these itself.

use tetrarch_crypto::{Digest, Signature};
use tetrarch_types::{
    Batch, CheckpointCertificate, Message, NewView, PrePrepare, SeqNum, Signed, Timestamp, View, ViewChange,
};

use super::Reach;
use crate::chain::{Chain, INTERVAL, WINDOW, id};
use crate::choices::Choices;
use crate::naive::certificates::{primary, quorum};
use crate::naive::reproposals::reproposals;
use crate::naive::view_changes::{is_new_view, is_view_change};
use crate::play::{Machine, Node, Stage, Step};

const SIZES: [usize; 4] = [4, 5, 6, 7];

pub(super) fn run(data: &[u8]) -> Reach {
    let mut choices = Choices::new(data);
    let chain = Chain::new(choices.one_of(&SIZES));
    let view = View::new(1 + choices.below(9) as u64);
    let view_changes = view_changes(&chain, &mut choices, view);
    if choices.flag() {
        return Reach::of(lead(&chain, view, &view_changes));
    }
    let new_view = new_view(&chain, &mut choices, view, view_changes);
    let message = Message::NewView(new_view.clone());
    let holds = is_new_view(&chain, &new_view);
    let verdict = chain.verifier.message(message);
    assert_eq!(verdict.is_ok(), holds, "{:?}: {new_view:?}", verdict.err());
    Reach::of(holds && follow(&chain, new_view))
}

/// A batch's digest, by its place and what distinguishes liars: honest quorums agree on one in each view.
fn content(view: View, seq: SeqNum, lie: u64) -> Digest {
    let stamp = view.get() * 100 + seq.get() + lie * 10_000;
    Batch { timestamp: Timestamp::from_micros(stamp), transactions: Vec::new() }.digest()
}

/// A VIEW-CHANGE of most members, some of them altered.
fn view_changes(chain: &Chain, choices: &mut Choices<'_>, view: View) -> Vec<Signed<ViewChange>> {
    let least = quorum(chain.size());
    let count = if choices.rarely(8) { choices.below(chain.size() + 1) } else { least };
    let first = choices.below(chain.size());
    let mut movers: Vec<usize> = (0..count).map(|offset| (first + offset) % chain.size()).collect();
    movers.sort_unstable();
    let mut made: Vec<_> = movers.into_iter().map(|mover| view_change(chain, choices, view, mover)).collect();
    for _ in 0..choices.below(3) {
        let (one, other) = (choices.below(made.len()), choices.below(made.len()));
        match choices.below(12) {
            0 if !made.is_empty() => made.swap(one, other),
            1 if !made.is_empty() => made[one] = made[other].clone(),
            2 if !made.is_empty() => drop(made.remove(one)),
            _ => {}
        }
    }
    made
}

fn view_change(chain: &Chain, choices: &mut Choices<'_>, view: View, mover: usize) -> Signed<ViewChange> {
    let stable = chain.stable(SeqNum::new(INTERVAL * choices.one_of(&[0, 0, 1, 2])), Digest::from_bytes([7; 32]));
    let mut change = ViewChange { view, prepared: Vec::new(), stable };
    for offset in 1..=WINDOW {
        let seq = change.stable.seq.plus(offset);
        if choices.flag() {
            let of = View::new(choices.below(view.get() as usize) as u64);
            change.prepared.push(chain.prepared(of, seq, content(of, seq, u64::from(choices.rarely(16)))));
        }
    }
    if choices.rarely(6) {
        alter(chain, choices, &mut change);
    }
    let mut signed = chain.signed(change, id(mover));
    match choices.below(40) {
        1 => signed.signature = Signature::from_bytes([1; 64]),
        2 => signed.payload.view = View::new(choices.number()),
        3 => signed.signer = id(choices.below(chain.size() + 1)),
        _ => {}
    }
    signed
}

/// What a liar may put into its VIEW-CHANGE before it signs it.
fn alter(chain: &Chain, choices: &mut Choices<'_>, change: &mut ViewChange) {
    let at = choices.below(change.prepared.len());
    let some = !change.prepared.is_empty();
    match choices.below(10) {
        0 => change.view = View::new(choices.number()),
        1 => change.stable.seq = SeqNum::new(choices.number()),
        2 => drop(change.stable.votes.pop()),
        3 if some => change.prepared.reverse(),
        4 if some => change.prepared.push(change.prepared[at].clone()),
        5 if some => drop(change.prepared[at].prepares.pop()),
        6 if some => change.prepared[at].digest = Digest::from_bytes([choices.byte(); 32]),
        7 if some => change.prepared[at].view = View::new(choices.number()),
        8 => {
            let (of, seq) = (View::new(choices.number()), SeqNum::new(choices.number()));
            change.prepared.push(chain.prepared(of, seq, content(View::ZERO, SeqNum::ZERO, 3)));
        }
        _ => change.stable = CheckpointCertificate::genesis(),
    }
}

fn new_view(
    chain: &Chain,
    choices: &mut Choices<'_>,
    view: View,
    view_changes: Vec<Signed<ViewChange>>,
) -> Signed<NewView> {
    let leader = primary(chain.size(), view);
    let mut proposals = if view_changes.iter().all(|it| is_view_change(chain, it)) {
        reproposals(view, &view_changes)
    } else {
        Vec::new()
    };
    if choices.rarely(3) {
        alter_proposals(choices, view, &mut proposals);
    }
    let mut proposals: Vec<_> = proposals.into_iter().map(|it| chain.signed(it, leader)).collect();
    if let Some(one) = proposals.last_mut().filter(|_| choices.rarely(20)) {
        *one = chain.signed(one.payload, id(choices.below(chain.size())));
    }
    let signer = if choices.rarely(20) { id(choices.below(chain.size() + 1)) } else { leader };
    chain.signed(NewView { view, view_changes, proposals }, signer)
}

fn alter_proposals(choices: &mut Choices<'_>, view: View, proposals: &mut Vec<PrePrepare>) {
    let (one, other) = (choices.below(proposals.len()), choices.below(proposals.len()));
    let invented = PrePrepare { view, seq: SeqNum::new(choices.number()), digest: Digest::from_bytes([9; 32]) };
    match (choices.below(6), proposals.is_empty()) {
        (0, _) => drop(proposals.pop()),
        (1, false) => proposals.swap(one, other),
        (2, false) => proposals[one].digest = invented.digest,
        (3, false) => proposals[one].view = View::new(choices.number()),
        (4, false) => drop(proposals.remove(one)),
        _ => proposals.insert(one, invented),
    }
}

/// A replica that votes, in view 0.
fn voter(size: usize, own: usize) -> Node {
    let node = Node::new(size, id(own), Machine::default(), Vec::new()).expect("an empty journal is no riddle");
    let mut stage = Stage::new(node);
    stage.node.turn(vec![tetrarch_replica::Input::Start]);
    stage.play(Step::Held { voters: u8::MAX, stable: 0, leaves: 0 });
    stage.node
}

/// A backup enters a view if, and only if, its re-proposals follow.
fn follow(chain: &Chain, new_view: Signed<NewView>) -> bool {
    let NewView { view, view_changes, proposals } = &new_view.payload;
    let follows = proposals.iter().map(|it| it.payload).eq(reproposals(*view, view_changes));
    let view = *view;
    let own = (0..chain.size()).find(|it| id(*it) != primary(chain.size(), view)).unwrap_or_default();
    let mut node = voter(chain.size(), own);
    assert!(node.hear(Message::NewView(new_view)), "it was verified before");
    let status = node.replica.status();
    assert_eq!((status.view == view) && !status.changing, follows, "{status:?}");
    follows
}

/// The primary of a view that hears VIEW-CHANGEs joins it, and starts it with what follows.
fn lead(chain: &Chain, view: View, view_changes: &[Signed<ViewChange>]) -> bool {
    let leader = primary(chain.size(), view);
    let mut node = voter(chain.size(), leader.index());
    for signed in view_changes {
        let holds = is_view_change(chain, signed);
        if signed.signer == leader {
            let verdict = chain.verifier.message(Message::ViewChange(signed.clone()));
            assert_eq!(verdict.is_ok(), holds, "{:?}: {signed:?}", verdict.err());
        } else {
            // Its own it says itself.
            assert_eq!(node.hear(Message::ViewChange(signed.clone())), holds, "{signed:?}");
        }
    }
    let mut started = false;
    for said in &node.said {
        let Message::NewView(said) = said else { continue };
        let NewView { view, view_changes, proposals } = &said.payload;
        assert!(is_new_view(chain, said), "{said:?}");
        let proposed = proposals.iter().map(|it| it.payload);
        assert!(proposed.eq(reproposals(*view, view_changes)), "{said:?}");
        started = true;
    }
    started
}

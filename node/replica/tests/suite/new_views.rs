//! What a new view starts from (rules V-5, V-6), seen through the public door: VIEW-CHANGEs go in at the primary, a NEW-VIEW comes out,
//! and every backup accepts that one and no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::chain::Chain;
use crate::support::{id, seq, view};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_replica::{Config, Effect, Effects, Event, Input, Replica};
use tetrarch_types::{
    Applied, Batch, Checkpoint, CheckpointCertificate, Held, Message, Now, Payload, PrePrepare, ReplicaId, SeqNum,
    Supply, ViewChange,
};

/// The view that starts; replica 1 leads it.
const TARGET: u64 = 5;
const PRIMARY: usize = 1;
const WINDOW: u64 = 8;

/// What one member shows: its stable checkpoint (in intervals of 4), and above it what it prepared in which view.
#[derive(Clone, Debug)]
struct Shown {
    stable: u64,
    prepared: BTreeMap<u64, (u64, u8)>,
}

fn shown() -> impl Strategy<Value = Shown> {
    let prepared = prop::collection::btree_map(1..=WINDOW, (0..TARGET, 0..3_u8), 0..5);
    (0..3_u64, prepared).prop_map(|(stable, prepared)| Shown { stable: stable * 4, prepared })
}

/// A primary proposes one batch at a place in a view: the digest follows from both, but for two that differ by content.
fn digest(view: u64, place: u64, content: u8) -> Digest {
    let content = if view.is_multiple_of(2) { 0 } else { content };
    let mut bytes = [0xaa; 32];
    bytes[..3].copy_from_slice(&[content, u8::try_from(view / 2).unwrap(), u8::try_from(place).unwrap()]);
    Digest::from_bytes(bytes)
}

fn certificate(chain: &Chain, stable: u64) -> CheckpointCertificate {
    if stable == 0 {
        return CheckpointCertificate::genesis();
    }
    let (seq, state_root) = (seq(stable), Digest::from_bytes([0x77; 32]));
    let votes = chain.votes(&Checkpoint { seq, state_root }, 3, None);
    CheckpointCertificate { seq, state_root, votes }
}

fn view_change(chain: &Chain, shown: &Shown) -> ViewChange {
    let stable = certificate(chain, shown.stable);
    let certificate = |(offset, (of, content)): (&u64, &(u64, u8))| {
        let place = shown.stable + offset;
        chain.prepared(view(*of), seq(place), digest(*of, place, *content))
    };
    ViewChange { view: view(TARGET), stable, prepared: shown.prepared.iter().map(certificate).collect() }
}

/// One that has members' VIEW-CHANGEs in it; what it does then.
fn told(chain: &Chain, who: usize, messages: Vec<Message>) -> Vec<Effect> {
    told_beside(chain, 0, who, messages)
}

/// The same, where the answers to its question show a stable checkpoint.
fn told_beside(chain: &Chain, stable: u64, who: usize, messages: Vec<Message>) -> Vec<Effect> {
    let config = Config::new(id(who), Arc::clone(&chain.membership));
    let mut replica = Replica::recover(config, Applied::default(), []).unwrap();
    let mut effects = Effects::new();
    // It votes once two others have told it what they hold of it (rule A-1).
    let others = chain.ids().filter(|other| *other != id(who)).take(2);
    let held = |other| {
        let stable = certificate(chain, stable);
        let held = Held { about: id(who), start: 0, view: view(0), stable, votes: Vec::new(), view_change: None };
        chain.sign(Payload::Supply(Supply::Held(held)), other)
    };
    for message in others.map(held).chain(messages) {
        replica.step(Now::default(), Input::Message(chain.verified(message)), &mut effects);
    }
    effects.take()
}

fn started(effects: Vec<Effect>) -> Option<Payload> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Send { payload: payload @ Payload::NewView { .. }, .. } => Some(payload),
        _ => None,
    })
}

/// The rule in other words than production's: the plainest search for each number.
fn expected(all: &[Shown]) -> Vec<(u64, Option<(u64, u64)>)> {
    let stable = all.iter().map(|it| it.stable).max().unwrap();
    let at = |place: u64| {
        let views = all.iter().filter_map(|it| it.prepared.get(&place.checked_sub(it.stable)?).map(|(view, _)| *view));
        views.max().map(|view| (view, place))
    };
    let top = all.iter().flat_map(|it| it.prepared.keys().map(|offset| it.stable + offset)).max().unwrap_or(0);
    (stable + 1..=top).map(|place| (place, at(place))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn highest_views_win_and_gaps_are_filled(all in prop::collection::vec(shown(), 3), alone in 0..3_usize, alter in any::<usize>()) {
        let chain = Chain::new(4, 4, WINDOW);
        let signers: Vec<ReplicaId> = (0..4).filter(|it| *it != alone).map(id).collect();
        let messages = signers.iter().zip(&all).map(|(signer, shown)| {
            chain.sign(Payload::ViewChange(view_change(&chain, shown)), *signer)
        });
        let payload = started(told(&chain, PRIMARY, messages.collect()));
        let Some(Payload::NewView { view_changes, proposals, .. }) = payload.clone() else { panic!("no NEW-VIEW") };
        prop_assert_eq!(view_changes.len(), 3);
        let expected = expected(&all);
        prop_assert_eq!(proposals.len(), expected.len());
        for (proposal, (place, best)) in proposals.iter().zip(&expected) {
            prop_assert_eq!(proposal.seq, seq(*place));
            let possible: Vec<Digest> = match best {
                None => vec![Batch::noop().digest()],
                Some((of, place)) => (0..3).map(|content| digest(*of, *place, content)).collect(),
            };
            prop_assert!(possible.contains(&proposal.digest));
        }
        let honest = chain.sign(payload.clone().unwrap(), id(PRIMARY));
        prop_assert!(entered(&told(&chain, 0, vec![honest])));
        let lie = chain.sign(altered(payload.unwrap(), alter), id(PRIMARY));
        let effects = told(&chain, 0, vec![lie]);
        prop_assert!(!entered(&effects));
        let refused = |effect: &Effect| matches!(effect, Effect::Observe(Event::NewViewRefused { .. }));
        prop_assert!(effects.iter().any(refused));
    }
}

/// Rule A-4. It may have started the view before, and otherwise: of what lies at or below the checkpoint that the answers show nobody could tell.
#[test]
fn no_view_is_started_that_proposes_again_at_or_below_a_checkpoint_that_the_answers_show() {
    let chain = Chain::new(4, 4, WINDOW);
    let starts = |answered: u64, stable: u64, place: u64| {
        let shown = Shown { stable, prepared: BTreeMap::from([(place - stable, (2, 0))]) };
        let change = |signer| chain.sign(Payload::ViewChange(view_change(&chain, &shown)), id(signer));
        started(told_beside(&chain, answered, PRIMARY, [0, 2, 3].map(change).into())).is_some()
    };
    assert!(starts(0, 0, 1));
    assert!(!starts(4, 0, 1) && !starts(4, 0, 4), "at or below");
    assert!(!starts(4, 0, 6), "a number below is filled");
    assert!(starts(4, 4, 6) && starts(4, 8, 9), "above");
}

fn entered(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Observe(Event::ViewEntered { .. })))
}

/// The same VIEW-CHANGEs with one re-proposal changed, left out or added.
fn altered(payload: Payload, how: usize) -> Payload {
    let Payload::NewView { view, view_changes, mut proposals } = payload else { unreachable!() };
    let last = proposals.last().map_or(SeqNum::new(100), |proposal| proposal.seq);
    let extra = PrePrepare { view, seq: last.next(), digest: Batch::noop().digest() };
    match how % 3 {
        0 if !proposals.is_empty() => {
            let index = how / 3 % proposals.len();
            proposals[index].digest = Digest::from_bytes([0xee; 32]);
        }
        1 if !proposals.is_empty() => drop(proposals.remove(how / 3 % proposals.len())),
        _ => proposals.push(extra),
    }
    Payload::NewView { view, view_changes, proposals }
}

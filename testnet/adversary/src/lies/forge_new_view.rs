//! NEW-VIEWs that rest on too little: too few VIEW-CHANGEs, one of them repeated, one alone, others' VIEW-CHANGEs with something cut out;
//! and genuine VIEW-CHANGEs in the NEW-VIEW of a replica whose turn it is not. The re-proposals follow from what is shown.

use tetrarch_chance::Rate;
use tetrarch_types::{CheckpointCertificate, Message, NewView, ReplicaId, Signed, View, ViewChange};

use super::once_per_view::OncePerView;
use super::{Teller, own};
use crate::Word;
use crate::follow;
use crate::hand::Hand;

/// One VIEW-CHANGE fewer than a quorum.
const TOO_FEW: &str = "forge-new-view-too-few";
/// As many as a quorum, all of them the same.
const REPEATED: &str = "forge-new-view-repeated";
/// Others' VIEW-CHANGEs without what they prepared, and with their old signatures.
const DOCTORED: &str = "forge-new-view-doctored";
/// Before anyone asked for the view, on one empty VIEW-CHANGE.
const ALONE: &str = "forge-new-view-alone";
/// By a replica that is not the view's primary.
const WRONG_PRIMARY: &str = "forge-new-view-wrong-primary";

pub(super) const FORMS: &[&str] = &[TOO_FEW, REPEATED, DOCTORED, ALONE, WRONG_PRIMARY];

/// How often a NEW-VIEW comes that is nobody's turn.
const RATE: Rate = 200;

/// What becomes of a NEW-VIEW that the liar's node sends.
const CHANGED: &[&str] = &[TOO_FEW, REPEATED, DOCTORED];

pub(super) struct ForgeNewView(OncePerView);

impl ForgeNewView {
    pub(super) fn new() -> Self {
        Self(OncePerView::new(CHANGED))
    }
}

impl Teller for ForgeNewView {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if let Some(truth) = own::new_view(&word.message, hand) {
            let lie = self.0.lie(truth.view, hand, |form, hand| {
                let view_changes = changed(form, &truth.view_changes, hand)?;
                new_view(hand.id, truth.view, view_changes, hand)
            });
            return vec![word.or(lie)];
        }
        let mut said = vec![word];
        if hand.rng.chance(RATE) {
            let out_of_turn = if hand.rng.chance(5_000) { alone(hand) } else { wrong_primary(hand) };
            said.extend(out_of_turn.map(|message| said[0].instead(message)));
        }
        said
    }
}

/// What a NEW-VIEW is to rest on. None if there is nothing to cut out.
fn changed(form: &'static str, truth: &[Signed<ViewChange>], hand: &Hand<'_>) -> Option<Vec<Signed<ViewChange>>> {
    let mut view_changes = truth.to_vec();
    match form {
        TOO_FEW => {
            view_changes.pop()?;
        }
        REPEATED => {
            // The one that shows least.
            let one = view_changes.iter().min_by_key(|it| it.payload.prepared.len()).cloned()?;
            view_changes = vec![one; view_changes.len()];
        }
        _ => {
            let is_own = |it: &Signed<ViewChange>| it.signer == hand.id;
            let shows = |it: &Signed<ViewChange>| !it.payload.prepared.is_empty() || !it.payload.stable.is_genesis();
            view_changes.iter().find(|it| !is_own(it) && shows(it))?;
            view_changes.iter_mut().filter(|it| it.signer != hand.id).for_each(cut);
        }
    }
    Some(view_changes)
}

/// Nothing prepared any more; without certificates no checkpoint either.
fn cut(view_change: &mut Signed<ViewChange>) {
    let is_empty = view_change.payload.prepared.is_empty();
    view_change.payload.prepared.clear();
    if is_empty {
        view_change.payload.stable = CheckpointCertificate::genesis();
    }
}

/// The next view whose primary is one of those that lie together, on nothing but its own VIEW-CHANGE.
fn alone(hand: &mut Hand<'_>) -> Option<Message> {
    let accomplices: Vec<ReplicaId> = hand.accomplices().collect();
    let now = hand.overheard.view().get();
    let mut views = (1..=hand.membership().size() as u64).map(|ahead| View::new(now.saturating_add(ahead)));
    let view = views.find(|view| accomplices.contains(&hand.membership().primary(*view)))?;
    let primary = hand.membership().primary(view);
    let empty = ViewChange { view, stable: hand.overheard.stable(), prepared: Vec::new() };
    let forged = new_view(primary, view, vec![hand.sign_as(primary, empty)?], hand)?;
    hand.lied_as(ALONE);
    Some(forged)
}

/// A view that a quorum asks for, started by a liar whose turn it is not.
fn wrong_primary(hand: &mut Hand<'_>) -> Option<Message> {
    let need = hand.membership().quorum();
    let views: Vec<View> = hand.overheard.view_changes.values().map(|it| it.payload.view).collect();
    let asked = |view: &&View| views.iter().filter(|other| other == view).count() + hand.keyring.keys.len() >= need;
    let view = *views.iter().filter(asked).find(|view| !hand.is_primary(**view))?;
    let own = ViewChange { view, stable: hand.overheard.stable(), prepared: Vec::new() };
    let mut view_changes = hand.sign_as_all(&own);
    let others = hand.overheard.view_changes.values().filter(|it| it.payload.view == view);
    view_changes.extend(others.filter(|it| !hand.keyring.keys.contains_key(&it.signer)).cloned());
    view_changes.sort_unstable_by_key(|it| it.signer);
    view_changes.truncate(need);
    if view_changes.len() < need {
        return None;
    }
    let forged = new_view(hand.id, view, view_changes, hand)?;
    hand.lied_as(WRONG_PRIMARY);
    Some(forged)
}

/// A NEW-VIEW by one of those that lie together, with the re-proposals that follow from what it shows.
fn new_view(by: ReplicaId, view: View, view_changes: Vec<Signed<ViewChange>>, hand: &Hand<'_>) -> Option<Message> {
    let proposals = follow::proposals(view, &view_changes);
    let proposals = proposals.into_iter().map(|it| hand.sign_as(by, it)).collect::<Option<Vec<_>>>()?;
    hand.sign_as(by, NewView { view, view_changes, proposals }).map(Message::NewView)
}

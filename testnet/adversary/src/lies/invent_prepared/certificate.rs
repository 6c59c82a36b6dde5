//! Prepared certificates with exactly one thing wrong.

use tetrarch_crypto::Signature;
use tetrarch_types::{PrePrepare, Prepare, PreparedCertificate, SeqNum, View, ViewChange, Votes};

use crate::forge::{Flaw, votes};
use crate::hand::Hand;
use crate::overheard::{Place, Signatures, Support};

/// An assignment that its primary signed, and the PREPAREs that were overheard for it.
struct Assignment {
    place: Place,
    pre_prepare: Signature,
    prepares: Signatures,
}

/// A certificate whose PREPAREs have a flaw: for an invention if one of those that lie together was primary and so can have proposed it,
/// else for what an honest primary proposed.
pub(super) fn flawed(flaw: Flaw, truth: &ViewChange, hand: &mut Hand<'_>) -> Option<PreparedCertificate> {
    let mut candidates: Vec<Assignment> = invented(truth, hand).into_iter().collect();
    candidates.extend(proposed(truth, hand));
    if flaw == Flaw::Garbage && candidates.is_empty() {
        candidates.push(unsigned(truth, hand));
    }
    candidates.into_iter().find_map(|it| {
        let (view, seq, digest) = it.place;
        let primary = hand.membership().primary(view);
        let need = hand.membership().quorum().saturating_sub(1);
        let prepare = Prepare { view, seq, digest };
        let prepares = votes(&prepare, &it.prepares, |id| id != primary, need, flaw, hand)?;
        Some(PreparedCertificate { view, seq, digest, pre_prepare: it.pre_prepare, prepares })
    })
}

/// Genuine PREPAREs that are one too few without the primary's own.
pub(super) fn with_primary(truth: &ViewChange, hand: &mut Hand<'_>) -> Option<PreparedCertificate> {
    let need = hand.membership().quorum().saturating_sub(1);
    proposed(truth, hand).into_iter().find_map(|it| {
        let (view, seq, digest) = it.place;
        let primary = hand.membership().primary(view);
        let own = hand.sign_as(primary, Prepare { view, seq, digest })?;
        let backups = it.prepares.iter().filter(|(id, _)| **id != primary);
        let mut prepares: Votes = backups.take(need.saturating_sub(1)).map(|(id, vote)| (*id, *vote)).collect();
        prepares.push((primary, own.signature));
        prepares.sort_unstable_by_key(|(id, _)| *id);
        let certificate = PreparedCertificate { view, seq, digest, pre_prepare: it.pre_prepare, prepares };
        (certificate.prepares.len() == need).then_some(certificate)
    })
}

/// A certificate of a later view with the PREPAREs of an earlier one for the same batch.
pub(super) fn of_two_views(truth: &ViewChange, hand: &mut Hand<'_>) -> Option<PreparedCertificate> {
    let need = hand.membership().quorum().saturating_sub(1);
    let (later, earlier) = proposed(truth, hand).into_iter().find_map(|later| {
        let (view, seq, digest) = later.place;
        let primary = hand.membership().primary(view);
        let has_enough = |(place, support): &(&Place, &Support)| {
            let backups = support.prepares.keys().filter(|id| **id != primary).count();
            place.0 < view && place.2 == digest && backups >= need
        };
        let (_, support) = hand.overheard.at(seq).find(has_enough)?;
        Some((later, support.prepares.clone()))
    })?;
    let (view, seq, digest) = later.place;
    let primary = hand.membership().primary(view);
    let backups = earlier.into_iter().filter(|(id, _)| *id != primary);
    Some(PreparedCertificate {
        view,
        seq,
        digest,
        pre_prepare: later.pre_prepare,
        prepares: backups.take(need).collect(),
    })
}

/// A genuine certificate of an earlier view than the one that the liar holds; of another batch, if there is one.
pub(super) fn stale(truth: &ViewChange, hand: &Hand<'_>) -> Option<PreparedCertificate> {
    let need = hand.membership().quorum().saturating_sub(1);
    let older = |latest: &PreparedCertificate| {
        let complete = |(place, support): (&Place, &Support)| {
            let (view, seq, digest) = *place;
            let primary = hand.membership().primary(view);
            let prepares = support.prepares.iter().filter(|(id, _)| **id != primary);
            let prepares: Votes = prepares.take(need).map(|(id, vote)| (*id, *vote)).collect();
            let is_older = view < latest.view && prepares.len() == need;
            let pre_prepare = support.pre_prepare.filter(|_| is_older)?;
            Some(PreparedCertificate { view, seq, digest, pre_prepare, prepares })
        };
        let older: Vec<PreparedCertificate> = hand.overheard.at(latest.seq).filter_map(complete).collect();
        older.iter().find(|it| it.digest != latest.digest).or(older.first()).cloned()
    };
    truth.prepared.iter().find_map(older)
}

/// What was proposed in views and for numbers that the VIEW-CHANGE may speak of, latest first.
fn proposed(truth: &ViewChange, hand: &Hand<'_>) -> Vec<Assignment> {
    let top = truth.stable.seq.plus(hand.membership().parameters().window);
    let is_due = |(view, seq, _): &Place| *view < truth.view && *seq > truth.stable.seq && *seq <= top;
    let places = hand.overheard.places.iter().rev().filter(|(place, _)| is_due(place));
    places
        .filter_map(|(place, support)| {
            let prepares = support.prepares.clone();
            Some(Assignment { place: *place, pre_prepare: support.pre_prepare?, prepares })
        })
        .collect()
}

/// A batch that nobody proposed, in the last view below whose primary is one of those that lie together.
fn invented(truth: &ViewChange, hand: &mut Hand<'_>) -> Option<Assignment> {
    let views = (0..truth.view.get()).rev().take(hand.membership().size()).map(View::new);
    let accomplices: Vec<_> = hand.accomplices().collect();
    let view = views.into_iter().find(|view| accomplices.contains(&hand.membership().primary(*view)))?;
    let seq = number(truth, hand);
    let digest = hand.invent(seq).digest();
    let signed = hand.sign_as(hand.membership().primary(view), PrePrepare { view, seq, digest })?;
    Some(Assignment { place: (view, seq, digest), pre_prepare: signed.signature, prepares: Signatures::new() })
}

/// A batch that nobody proposed in the last view, whose primary is honest.
fn unsigned(truth: &ViewChange, hand: &mut Hand<'_>) -> Assignment {
    let view = View::new(truth.view.get().saturating_sub(1));
    let seq = number(truth, hand);
    let digest = hand.invent(seq).digest();
    Assignment { place: (view, seq, digest), pre_prepare: hand.garbage(), prepares: Signatures::new() }
}

/// A number that was prepared, so that an invention contradicts something; the first above the checkpoint if none was.
fn number(truth: &ViewChange, hand: &mut Hand<'_>) -> SeqNum {
    let prepared: Vec<SeqNum> = truth.prepared.iter().map(|it| it.seq).collect();
    hand.rng.pick(&prepared).unwrap_or(truth.stable.seq.next())
}

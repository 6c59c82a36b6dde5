//! Prepared certificates with exactly one thing wrong.

use tetrarch_crypto::Signature;
use tetrarch_types::{PrePrepare, Prepare, PreparedCertificate, SeqNum, View, ViewChange, Votes};

use crate::forge::{Flaw, votes};
use crate::hand::Hand;
use crate::overheard::{Place, Signatures};

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

/// A certificate of a later view, in which PREPAREs of an earlier one for the same batch stand for those that are missing.
pub(super) fn of_two_views(truth: &ViewChange, hand: &mut Hand<'_>) -> Option<PreparedCertificate> {
    let need = hand.membership().quorum().saturating_sub(1);
    proposed(truth, hand).into_iter().find_map(|later| {
        let (view, seq, digest) = later.place;
        let primary = hand.membership().primary(view);
        let prepare = Prepare { view, seq, digest };
        let mut prepares: Signatures = later.prepares;
        prepares.extend(hand.sign_as_all(&prepare).into_iter().map(|signed| (signed.signer, signed.signature)));
        prepares.retain(|id, _| *id != primary);
        while prepares.len() >= need {
            prepares.pop_last();
        }
        let earlier = hand.overheard.at(seq).filter(|((of, _, batch), _)| *of < view && *batch == digest);
        for (id, signature) in earlier.flat_map(|(_, support)| &support.prepares) {
            if prepares.len() < need && *id != primary {
                prepares.entry(*id).or_insert(*signature);
            }
        }
        let is_enough = prepares.len() == need;
        let prepares = prepares.into_iter().collect();
        is_enough.then_some(PreparedCertificate { view, seq, digest, pre_prepare: later.pre_prepare, prepares })
    })
}

/// A genuine certificate of an earlier view than the latest in which that number was prepared; of another batch, if there is one.
pub(super) fn stale(truth: &ViewChange, hand: &Hand<'_>) -> Option<PreparedCertificate> {
    let prepared: Vec<_> = proposed(truth, hand).into_iter().filter_map(|it| complete(it, hand)).collect();
    let is_later = |it: &PreparedCertificate, than: &PreparedCertificate| it.seq == than.seq && it.view > than.view;
    let stale = |it: &&PreparedCertificate| prepared.iter().any(|other| is_later(other, it));
    let differs =
        |it: &&PreparedCertificate| prepared.iter().any(|other| is_later(other, it) && other.digest != it.digest);
    prepared.iter().find(differs).or_else(|| prepared.iter().find(stale)).cloned()
}

/// The certificate that everything overheard makes, if that is enough for one.
fn complete(it: Assignment, hand: &Hand<'_>) -> Option<PreparedCertificate> {
    let (view, seq, digest) = it.place;
    let primary = hand.membership().primary(view);
    let need = hand.membership().quorum().saturating_sub(1);
    let prepares: Votes = it.prepares.into_iter().filter(|(id, _)| *id != primary).take(need).collect();
    let is_enough = prepares.len() == need;
    is_enough.then_some(PreparedCertificate { view, seq, digest, pre_prepare: it.pre_prepare, prepares })
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

//! VIEW-CHANGEs that claim more than was prepared: a prepared certificate with one thing wrong, most of the time for a batch that nobody
//! proposed; an older certificate in the place of a newer one; a checkpoint that there is not; more certificates than fit a window.

use std::sync::Arc;

use tetrarch_chance::Rate;
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Message, Prepare, PreparedCertificate, SeqNum, View, ViewChange,
};

use super::once_per_view::OncePerView;
use super::{Teller, own};
use crate::Word;
use crate::forge::{Flaw, votes};
use crate::hand::Hand;
use crate::overheard::Signatures;

mod certificate;

/// One PREPARE repeated up to the quorum.
const REPEATED_SIGNER: &str = "invent-prepared-repeated-signer";
/// Signatures that fit nothing.
const GARBAGE: &str = "invent-prepared-garbage";
/// The primary's PREPARE beside its PRE-PREPARE.
const PRIMARY_TWICE: &str = "invent-prepared-primary-twice";
/// PREPAREs of an earlier view.
const MIXED_VIEWS: &str = "invent-prepared-mixed-views";
/// Genuine PREPAREs, one too few.
const TOO_FEW: &str = "invent-prepared-too-few";
/// A genuine certificate of an earlier view in the place of the latest.
const STALE: &str = "invent-prepared-stale";
/// A checkpoint with a root that nobody has.
const FALSE_CHECKPOINT: &str = "invent-prepared-false-checkpoint";
/// Certificates for numbers above the window.
const OVERSIZE: &str = "invent-prepared-oversize";

pub(super) const FORMS: &[&str] =
    &[REPEATED_SIGNER, GARBAGE, PRIMARY_TWICE, MIXED_VIEWS, TOO_FEW, STALE, FALSE_CHECKPOINT, OVERSIZE];

/// How often it asks for the next view before its time: who does not hold another VIEW-CHANGE of it keeps this one.
const UNASKED: Rate = 100;

/// None in a view where nothing could be invented.
pub(super) struct InventPrepared(OncePerView);

impl InventPrepared {
    pub(super) fn new() -> Self {
        Self(OncePerView::new(FORMS))
    }

    /// Instead of this VIEW-CHANGE.
    fn lie(&mut self, truth: &ViewChange, hand: &mut Hand<'_>) -> Option<Arc<Message>> {
        self.0.lie(truth.view, hand, |form, hand| {
            let lie = invented(form, truth, hand)?;
            Some(Message::ViewChange(hand.sign(lie)))
        })
    }
}

impl Teller for InventPrepared {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if let Some(truth) = own::view_change(&word.message, hand) {
            let lie = self.lie(truth, hand);
            return vec![word.or(lie)];
        }
        if !hand.rng.chance(UNASKED) {
            return vec![word];
        }
        let view = hand.overheard.view().next();
        let empty = ViewChange { view, stable: hand.overheard.stable(), prepared: Vec::new() };
        let unasked = self.lie(&empty, hand).map(|lie| word.instead(lie));
        [word].into_iter().chain(unasked).collect()
    }
}

fn invented(form: &'static str, truth: &ViewChange, hand: &mut Hand<'_>) -> Option<ViewChange> {
    let certificate = match form {
        REPEATED_SIGNER => certificate::flawed(Flaw::RepeatedSigner, truth, hand)?,
        GARBAGE => certificate::flawed(Flaw::Garbage, truth, hand)?,
        TOO_FEW => certificate::flawed(Flaw::TooFew, truth, hand)?,
        PRIMARY_TWICE => certificate::with_primary(truth, hand)?,
        MIXED_VIEWS => certificate::of_two_views(truth, hand)?,
        STALE => certificate::stale(truth, hand)?,
        FALSE_CHECKPOINT => return false_checkpoint(truth, hand),
        _ => return Some(oversize(truth, hand)),
    };
    let mut lie = truth.clone();
    lie.prepared.retain(|it| it.seq != certificate.seq);
    lie.prepared.push(certificate);
    lie.prepared.sort_unstable_by_key(|it| it.seq);
    Some(lie)
}

/// The next checkpoint, with votes of one signer only.
fn false_checkpoint(truth: &ViewChange, hand: &mut Hand<'_>) -> Option<ViewChange> {
    let seq = truth.stable.seq.plus(hand.membership().parameters().checkpoint_interval);
    let (state_root, need) = (hand.digest(), hand.membership().quorum());
    let checkpoint = Checkpoint { seq, state_root };
    let votes = votes(&checkpoint, &Signatures::new(), |_| true, need, Flaw::RepeatedSigner, hand)?;
    let mut lie = truth.clone();
    lie.stable = CheckpointCertificate { seq, state_root, votes };
    lie.prepared.retain(|it| it.seq > seq);
    Some(lie)
}

/// A certificate for each number of a window and some more.
fn oversize(truth: &ViewChange, hand: &mut Hand<'_>) -> ViewChange {
    let window = hand.membership().parameters().window;
    let mut lie = truth.clone();
    let first = lie.prepared.last().map_or(truth.stable.seq, |it| it.seq);
    let last = truth.stable.seq.plus(window.saturating_add(4));
    for number in first.next().get()..=last.get() {
        lie.prepared.push(made_up(SeqNum::new(number), hand));
    }
    lie
}

/// Of the right form, and signed by nobody but those who lie together.
fn made_up(seq: SeqNum, hand: &mut Hand<'_>) -> PreparedCertificate {
    let (view, digest, pre_prepare) = (View::ZERO, hand.invent(seq).digest(), hand.garbage());
    let (primary, need) = (hand.membership().primary(view), hand.membership().quorum().saturating_sub(1));
    let prepare = Prepare { view, seq, digest };
    let prepares = votes(&prepare, &Signatures::new(), |id| id != primary, need, Flaw::Garbage, hand);
    PreparedCertificate { view, seq, digest, pre_prepare, prepares: prepares.unwrap_or_default() }
}

//! Numbers and views out of the way: as primary, proposals far ahead, just above the recipient's high watermark, at its very top, or
//! with a gap below; votes at such numbers, and in views that nobody will reach.

use tetrarch_chance::Rate;
use tetrarch_types::{Batch, Checkpoint, Commit, Message, Prepare, ReplicaId, SeqNum, View};

use super::memo::Memo;
use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// A proposal far ahead.
const FAR: &str = "jump-far";
/// A proposal right above the high watermark.
const ABOVE_WINDOW: &str = "jump-above-window";
/// A proposal at the high watermark: no number of the window is left above it.
const TO_TOP: &str = "jump-to-top";
/// From here on all proposals of the view leave a gap below.
const GAP: &str = "jump-gap";
/// Votes far ahead, and right above the high watermark.
const VOTES: &str = "jump-votes";
/// Votes in far views.
const FAR_VIEW: &str = "jump-far-view";

pub(super) const FORMS: &[&str] = &[FAR, ABOVE_WINDOW, TO_TOP, GAP, VOTES, FAR_VIEW];

const RATE: Rate = 2_500;

/// How many views are given a gap.
const GAPS: Rate = 3_000;

#[derive(Default)]
pub(super) struct Jump {
    /// By view: how many numbers are left out, and from which on.
    gaps: Memo<View, Option<(SeqNum, u64)>>,
}

impl Teller for Jump {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if let Some(proposal) = own::proposal(&word.message, hand) {
            let (view, seq) = own::place(proposal);
            let gap = *self.gaps.of(view, || hand.rng.chance(GAPS).then(|| (seq, hand.rng.between(1, 3))));
            if let Some((from, left_out)) = gap
                && from <= seq
            {
                hand.lied_as(GAP);
                let said = own::push((view, seq.plus(left_out)), proposal.batch.clone(), hand);
                return said.into_iter().map(|message| word.instead(message)).collect();
            }
            return ahead(word.clone(), (view, seq), &proposal.batch, hand);
        }
        if hand.rng.chance(RATE) { astray(word, hand) } else { vec![word] }
    }
}

/// The proposal, and often one more at a place where none should be.
fn ahead(word: Word, (view, seq): (View, SeqNum), batch: &Batch, hand: &mut Hand<'_>) -> Vec<Word> {
    let mut said = vec![word];
    if hand.rng.chance(RATE) {
        let form = hand.rng.one_of([FAR, ABOVE_WINDOW, TO_TOP]);
        let top = high_watermark(said[0].to, hand);
        let far = hand.rng.one_of([seq.plus(1_000_000), SeqNum::new(u64::MAX)]);
        let seq = match form {
            FAR => far,
            ABOVE_WINDOW => top.next(),
            _ => top,
        };
        let batch = Batch { timestamp: batch.timestamp.next(), ..batch.clone() };
        hand.lied_as(form);
        let extra = own::push((view, seq), batch, hand);
        said.extend(extra.into_iter().map(|message| said[0].instead(message)).collect::<Vec<_>>());
    }
    said
}

/// A vote, and the same one where it does not belong.
fn astray(word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
    let form = hand.rng.one_of([VOTES, FAR_VIEW]);
    let above = high_watermark(word.to, hand).next();
    let far_seq = hand.rng.one_of([above, above.plus(1_000_000), SeqNum::new(u64::MAX)]);
    let ahead = hand.rng.one_of([1_000, u64::MAX / 2, u64::MAX]);
    let far_view = View::new(hand.overheard.view().get().saturating_add(ahead));
    let place = |view: View, seq: SeqNum| if form == VOTES { (view, far_seq) } else { (far_view, seq) };
    let stray = match word.message.as_ref() {
        Message::Prepare(it) => {
            let (view, seq) = place(it.payload.view, it.payload.seq);
            Message::Prepare(hand.sign(Prepare { view, seq, ..it.payload }))
        }
        Message::Commit(it) => {
            let (view, seq) = place(it.payload.view, it.payload.seq);
            Message::Commit(hand.sign(Commit { view, seq, ..it.payload }))
        }
        Message::Checkpoint(it) if form == VOTES => {
            let interval = hand.membership().parameters().checkpoint_interval.max(1);
            let seq = SeqNum::new(far_seq.get() / interval * interval);
            Message::Checkpoint(hand.sign(Checkpoint { seq, ..it.payload }))
        }
        _ => return vec![word],
    };
    hand.lied_as(form);
    vec![word.instead(stray), word]
}

/// The highest number that a replica admits anything for, as far as it has said.
fn high_watermark(of: ReplicaId, hand: &Hand<'_>) -> SeqNum {
    let stable = hand.overheard.peers.get(&of).map(|status| status.stable).unwrap_or_default();
    stable.max(hand.overheard.stable().seq).plus(hand.membership().parameters().window)
}

//! What the liar's own node says, and its proposals in other words.

use tetrarch_types::{Batch, Commit, Message, NewView, PrePrepare, Proposal, SeqNum, View, ViewChange};

use crate::hand::Hand;

/// The proposal that a message carries, if it is the liar's own: only a primary has any.
pub(super) fn proposal<'a>(message: &'a Message, hand: &Hand<'_>) -> Option<&'a Proposal> {
    match message {
        Message::PrePrepare(proposal) if proposal.pre_prepare.signer == hand.id => Some(proposal),
        _ => None,
    }
}

/// The liar's own VIEW-CHANGE, if that is what a message is.
pub(super) fn view_change<'a>(message: &'a Message, hand: &Hand<'_>) -> Option<&'a ViewChange> {
    match message {
        Message::ViewChange(signed) if signed.signer == hand.id => Some(&signed.payload),
        _ => None,
    }
}

/// The liar's own NEW-VIEW, if that is what a message is.
pub(super) fn new_view<'a>(message: &'a Message, hand: &Hand<'_>) -> Option<&'a NewView> {
    match message {
        Message::NewView(signed) if signed.signer == hand.id => Some(&signed.payload),
        _ => None,
    }
}

/// Where a proposal stands.
pub(super) const fn place(proposal: &Proposal) -> (View, SeqNum) {
    (proposal.pre_prepare.payload.view, proposal.pre_prepare.payload.seq)
}

/// A batch at some place, proposed by the liar.
pub(super) fn propose((view, seq): (View, SeqNum), batch: Batch, hand: &Hand<'_>) -> Message {
    let digest = batch.digest();
    Message::PrePrepare(Proposal { pre_prepare: hand.sign(PrePrepare { view, seq, digest }), batch })
}

/// A batch at some place, with the liar's COMMIT: its own node, which proposed another batch there, will have none for it.
pub(super) fn push((view, seq): (View, SeqNum), batch: Batch, hand: &Hand<'_>) -> Vec<Message> {
    let digest = batch.digest();
    let commit = Message::Commit(hand.sign(Commit { view, seq, digest }));
    vec![propose((view, seq), batch, hand), commit]
}

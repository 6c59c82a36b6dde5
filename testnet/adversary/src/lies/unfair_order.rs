//! As primary, one sender's transactions always come first in a batch, whenever they arrived. No backup can tell: it is counted, and
//! nobody is asked to prevent it.

use std::sync::Arc;

use tetrarch_crypto::PublicKey;
use tetrarch_types::{Batch, Message, SeqNum, TransactionId, View};

use super::memo::Memo;
use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

#[derive(Default)]
pub(super) struct UnfairOrder {
    favourite: Option<PublicKey>,
    told: Memo<(View, SeqNum), Vec<Arc<Message>>>,
}

impl Teller for UnfairOrder {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Some(proposal) = own::proposal(&word.message, hand) else { return vec![word] };
        let place = own::place(proposal);
        let favourite = &mut self.favourite;
        let told = self.told.of(place, || {
            let Some(unfair) = reordered(&proposal.batch, favourite, hand) else { return Vec::new() };
            hand.lied();
            own::push(place, unfair, hand).into_iter().map(Arc::new).collect()
        });
        if told.is_empty() {
            return vec![word];
        }
        told.iter().map(|message| word.instead(message.clone())).collect()
    }
}

/// The favourite's first. None if that changes nothing.
fn reordered(batch: &Batch, favourite: &mut Option<PublicKey>, hand: &Hand<'_>) -> Option<Batch> {
    let sender = |id: &TransactionId| hand.overheard.sender(id);
    // Whoever comes last when it first matters.
    let favourite = *favourite.get_or_insert(batch.transactions.iter().rev().find_map(sender)?);
    let (first, rest): (Vec<_>, Vec<_>) = batch.transactions.iter().partition(|id| sender(id) == Some(favourite));
    let transactions: Vec<TransactionId> = first.into_iter().chain(rest).collect();
    (transactions != batch.transactions).then_some(Batch { transactions, ..batch.clone() })
}

//! VIEW-CHANGEs that hide what was prepared: all of it, some of it, or everything behind an older checkpoint.

use std::sync::Arc;

use tetrarch_types::{CheckpointCertificate, Message, View, ViewChange};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

#[derive(Default)]
pub(super) struct OmitPrepared {
    told: Option<(View, Arc<Message>)>,
}

impl Teller for OmitPrepared {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Message::ViewChange(signed) = word.message.as_ref() else { return vec![word] };
        if signed.signer != hand.id {
            return vec![word];
        }
        if let Some((view, told)) = &self.told
            && *view == signed.payload.view
        {
            return vec![Word { message: told.clone(), ..word }];
        }
        let lie = omitting(&signed.payload, hand);
        if lie == signed.payload {
            return vec![word];
        }
        hand.lied();
        let told = Arc::new(Message::ViewChange(hand.sign(lie)));
        self.told = Some((signed.payload.view, told.clone()));
        vec![Word { message: told, ..word }]
    }
}

fn omitting(truth: &ViewChange, hand: &mut Hand<'_>) -> ViewChange {
    let mut lie = truth.clone();
    match hand.rng.below(3) {
        0 => lie.prepared.clear(),
        1 => lie.prepared.retain(|_| hand.rng.chance(5_000)),
        _ => {
            lie.prepared.clear();
            lie.stable = CheckpointCertificate::genesis();
        }
    }
    lie
}

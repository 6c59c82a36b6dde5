//! VIEW-CHANGEs that hide what was prepared: all of it, some of it, or everything behind an older checkpoint.

use std::rc::Rc;

use tetrarch_types::{CheckpointCertificate, Message, ReplicaId, View, ViewChange};

use super::{Hand, Teller};
use crate::letter::Letter;

#[derive(Default)]
pub(super) struct OmitPrepared {
    told: Option<(View, Rc<Letter>)>,
}

impl Teller for OmitPrepared {
    fn say(&mut self, to: ReplicaId, message: Rc<Letter>, hand: &mut Hand<'_>) -> Vec<(ReplicaId, Rc<Letter>)> {
        let Message::ViewChange(signed) = message.open() else { return vec![(to, message)] };
        if signed.signer != hand.id {
            return vec![(to, message)];
        }
        if let Some((view, told)) = &self.told
            && *view == signed.payload.view
        {
            return vec![(to, told.clone())];
        }
        let lie = omitting(&signed.payload, hand);
        if lie == signed.payload {
            return vec![(to, message)];
        }
        hand.lied();
        let told = Letter::new(Message::ViewChange(hand.sign(lie)));
        self.told = Some((signed.payload.view, told.clone()));
        vec![(to, told)]
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

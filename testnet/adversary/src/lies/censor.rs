//! Knows nothing of one sender's transactions: as primary it never orders them, as backup it never passes them on.

use std::sync::Arc;

use tetrarch_chance::Rate;
use tetrarch_crypto::PublicKey;
use tetrarch_types::{Message, Supply, Transaction};

use super::Teller;
use crate::hand::Hand;

const AS_PRIMARY: &str = "censor-as-primary";
const AS_BACKUP: &str = "censor-as-backup";

pub(super) const FORMS: &[&str] = &[AS_PRIMARY, AS_BACKUP];

/// How many senders are let off before one is chosen.
const CHOICE: Rate = 5_000;

#[derive(Default)]
pub(super) struct Censor {
    victim: Option<PublicKey>,
}

impl Censor {
    fn is_censored(&mut self, transaction: &Transaction, hand: &mut Hand<'_>) -> bool {
        let sender = transaction.body.sender;
        if self.victim.is_none() && hand.rng.chance(CHOICE) {
            self.victim = Some(sender);
        }
        let is_censored = self.victim == Some(sender);
        if is_censored {
            let is_primary = hand.is_primary(hand.overheard.view());
            hand.lied_as(if is_primary { AS_PRIMARY } else { AS_BACKUP });
        }
        is_censored
    }
}

impl Teller for Censor {
    fn hear(&mut self, message: &Arc<Message>, hand: &mut Hand<'_>) -> bool {
        match message.as_ref() {
            // What backups pass on; the batches of others are heard, or it would only harm itself.
            Message::Supply(signed) => match &signed.payload {
                Supply::Transactions(bodies) => !bodies.iter().any(|body| self.is_censored(body, hand)),
                _ => true,
            },
            _ => true,
        }
    }

    fn admit(&mut self, transaction: &Transaction, hand: &mut Hand<'_>) -> bool {
        !self.is_censored(transaction, hand)
    }
}

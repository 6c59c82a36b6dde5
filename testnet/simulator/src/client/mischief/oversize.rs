//! Commands larger than any may be, and commands as large as a few of them can be borne.

use std::rc::Rc;

use tetrarch_types::limits::MAX_COMMAND_BYTES;
use tetrarch_types::{Transaction, TransactionBody};

use super::{Flaw, Hand, Trick};
use crate::workload::Abuse;

const TOO_LARGE: &str = "oversize-command";
const LARGE: &str = "large-command";

pub(super) const FORMS: [&str; 2] = [TOO_LARGE, LARGE];

/// How many large ones a client sends in all: they cost the simulation more than anything else does.
const FEW: u32 = 3;

#[derive(Default)]
pub(super) struct Oversize {
    /// Signed once: signing a megabyte takes its time.
    oversize: Option<Rc<Transaction>>,
    played: u32,
}

impl Trick for Oversize {
    fn play(&mut self, hand: &mut Hand<'_>) {
        self.played += 1;
        if self.played > 2 * FEW {
            return;
        }
        if self.played.is_multiple_of(2) {
            let body = TransactionBody { command: hand.abuse(Abuse::Large), ..hand.body() };
            let transaction = hand.account.sign(hand.scene.chain, body);
            hand.count(LARGE);
            let to = hand.everyone();
            return hand.send(to, transaction);
        }
        let command = vec![0; MAX_COMMAND_BYTES + 1];
        let oversize = self.oversize.take().unwrap_or_else(|| {
            let body = TransactionBody { command, ..hand.body() };
            hand.account.sign(hand.scene.chain, body)
        });
        hand.count(TOO_LARGE);
        let to = hand.some();
        hand.send_flawed(to, oversize.clone(), Flaw::TooLarge);
        self.oversize = Some(oversize);
    }
}

//! Commands that the machine cannot read, or not carry out. A node turns most of them away at its door; who lies does not, so here nobody
//! does, and they are decided like others.

use tetrarch_types::TransactionBody;

use super::{Hand, Trick};
use crate::workload::Abuse;

const MALFORMED: &str = "malformed-command";

pub(super) const FORMS: [&str; 1] = [MALFORMED];

pub(super) struct Malformed;

impl Trick for Malformed {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let body = TransactionBody { command: hand.abuse(Abuse::Malformed), ..hand.body() };
        let transaction = hand.account.sign(hand.scene.chain, body);
        hand.count(MALFORMED);
        let to = hand.some();
        hand.send(to, transaction);
    }
}

//! As primary, batches that no honest primary proposes: with bodies that nobody has, a transaction twice, one already executed, none at
//! all, too many, too heavy, expired, with a forged signature, or another batch than the one that is signed.

use std::sync::Arc;

use tetrarch_chance::Rate;
use tetrarch_crypto::Digest;
use tetrarch_types::{
    Batch, Message, PrePrepare, Proposal, SeqNum, Supply, Timestamp, Transaction, TransactionBody, TransactionId, View,
    limits,
};

use super::deck::Deck;
use super::memo::Memo;
use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// A transaction whose body nobody has.
const NO_BODY: &str = "bad-batch-no-body";
/// One transaction twice.
const TWICE: &str = "bad-batch-twice";
/// A transaction of an earlier batch.
const EXECUTED: &str = "bad-batch-executed";
/// Nothing.
const EMPTY: &str = "bad-batch-empty";
/// More transactions than a batch may have.
const TOO_MANY: &str = "bad-batch-too-many";
/// More bytes than a batch may have.
const TOO_HEAVY: &str = "bad-batch-too-heavy";
/// A transaction that was never valid.
const EXPIRED: &str = "bad-batch-expired";
/// A transaction that its sender did not sign.
const FORGED: &str = "bad-batch-forged";
/// Another batch than the one whose digest is signed.
const OTHER_DIGEST: &str = "bad-batch-other-digest";

pub(super) const FORMS: &[&str] =
    &[NO_BODY, TWICE, EXECUTED, EMPTY, TOO_MANY, TOO_HEAVY, EXPIRED, FORGED, OTHER_DIGEST];

const RATE: Rate = 5_000;

/// Heavy batches cost whoever simulates them more than all the others together: so many in a liar's life.
const HEAVY: u32 = 1;

pub(super) struct BadBatch {
    forms: Deck,
    /// By place: what everyone is told instead.
    told: Memo<(View, SeqNum), Vec<Arc<Message>>>,
    heavy: u32,
}

impl BadBatch {
    pub(super) fn new() -> Self {
        Self { forms: Deck::new(FORMS), told: Memo::default(), heavy: 0 }
    }
}

impl Teller for BadBatch {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Some(proposal) = own::proposal(&word.message, hand) else { return vec![word] };
        let place = own::place(proposal);
        let Self { forms, told, heavy } = self;
        let told = told.of(place, || {
            let lies = hand.rng.chance(RATE);
            let lie = lies.then(|| forms.deal(hand, |form, hand| bad(form, proposal, *heavy < HEAVY, hand))).flatten();
            let Some((form, lie)) = lie else { return Vec::new() };
            *heavy += u32::from(form == TOO_HEAVY);
            hand.lied_as(form);
            lie.into_iter().map(Arc::new).collect()
        });
        if told.is_empty() {
            return vec![word];
        }
        told.iter().map(|message| word.instead(message.clone())).collect()
    }
}

/// None if the form cannot be told here.
fn bad(form: &'static str, truth: &Proposal, may_be_heavy: bool, hand: &mut Hand<'_>) -> Option<Vec<Message>> {
    if form == TOO_HEAVY && !may_be_heavy {
        return None;
    }
    let place = own::place(truth);
    let mut batch = truth.batch.clone();
    let bodies = bodies(form, hand);
    batch.transactions.extend(bodies.iter().map(Transaction::id));
    change(form, &mut batch, hand)?;
    let proposal = match form {
        OTHER_DIGEST => {
            let (view, seq) = place;
            let pre_prepare = hand.sign(PrePrepare { view, seq, digest: Digest::from_bytes([9; Digest::LEN]) });
            Message::PrePrepare(Proposal { pre_prepare, batch })
        }
        _ => own::propose(place, batch, hand),
    };
    let supply = (!bodies.is_empty()).then(|| Message::Supply(hand.sign(Supply::Transactions(bodies))));
    Some([proposal].into_iter().chain(supply).collect())
}

/// What the form makes of the names in a batch; bodies that it brings along are named already.
fn change(form: &'static str, batch: &mut Batch, hand: &mut Hand<'_>) -> Option<()> {
    match form {
        NO_BODY => batch.transactions.push(TransactionId::new(hand.digest())),
        TWICE => batch.transactions.push(*batch.transactions.first()?),
        EXECUTED => {
            let earlier = hand.overheard.proposed().find(|id| !batch.transactions.contains(id))?;
            batch.transactions.push(earlier);
        }
        EMPTY => batch.transactions.clear(),
        TOO_MANY => {
            let more = limits::MAX_BATCH_TRANSACTIONS as u64 + 1;
            batch.transactions.extend((0..more).map(|_| TransactionId::new(hand.digest())));
        }
        _ => {}
    }
    Some(())
}

/// The bodies that a form brings along. Each would be refused by itself, too: whoever pools it will not order it.
fn bodies(form: &'static str, hand: &Hand<'_>) -> Vec<Transaction> {
    let heaviest = |count| (0..count).map(|nonce| own_transaction(nonce, limits::MAX_COMMAND_BYTES, hand)).collect();
    match form {
        TOO_HEAVY => heaviest(limits::MAX_BATCH_BYTES / limits::MAX_COMMAND_BYTES + 1),
        EXPIRED => vec![own_transaction(0, 1, hand)],
        FORGED => {
            let mut forged = hand.overheard.transactions.back().map(|(_, it)| it.clone());
            forged.iter_mut().for_each(|it| it.body.nonce = it.body.nonce.wrapping_add(1_000));
            forged.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The liar is a client like any other, and its key a sender's. What it signs here expired long ago.
fn own_transaction(nonce: usize, bytes: usize, hand: &Hand<'_>) -> Transaction {
    let scope = hand.membership().scope();
    let (sender, valid_until) = (hand.signer.public_key(), Timestamp::from_micros(1));
    let command = vec![0; bytes];
    TransactionBody { chain: scope.genesis, sender, nonce: nonce as u64, valid_until, command }
        .sign(scope, hand.signer.as_ref())
}

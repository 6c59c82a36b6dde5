//! Random bytes in every place of a message that takes any bytes, signed by the liar.

use tetrarch_crypto::PublicKey;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Fetch, Held, Message, NewView, PrePrepare, Prepare,
    PreparedCertificate, Proposal, SeqNum, StatePart, StateRow, Status, Supply, Timestamp, Transaction,
    TransactionBody, TransactionId, View, ViewChange,
};

use crate::hand::Hand;

/// Bytes of a random text at most.
const BYTES: u64 = 64;

/// A message of the same kind.
pub(super) fn message(like: &Message, hand: &mut Hand<'_>) -> Message {
    match like {
        Message::PrePrepare(proposal) => {
            let batch = batch(hand);
            let payload = PrePrepare { digest: batch.digest(), ..proposal.pre_prepare.payload };
            Message::PrePrepare(Proposal { pre_prepare: hand.sign(payload), batch })
        }
        Message::Prepare(it) => {
            let digest = hand.digest();
            Message::Prepare(hand.sign(Prepare { digest, ..it.payload }))
        }
        Message::Commit(it) => {
            let digest = hand.digest();
            Message::Commit(hand.sign(Commit { digest, ..it.payload }))
        }
        Message::Checkpoint(it) => {
            let state_root = hand.digest();
            Message::Checkpoint(hand.sign(Checkpoint { state_root, ..it.payload }))
        }
        Message::ViewChange(it) => view_change(&it.payload, hand),
        Message::NewView(it) => new_view(&it.payload, hand),
        Message::Status(_) => {
            let (view, executed, stable) = (View::new(hand.rng.draw()), seq(hand), seq(hand));
            let (changing, slow) = (hand.rng.chance(5_000), hand.rng.chance(5_000));
            Message::Status(hand.sign(Status { view, changing, executed, stable, slow }))
        }
        Message::Fetch(_) => {
            let fetch = fetch(hand);
            Message::Fetch(hand.sign(fetch))
        }
        Message::Supply(_) => {
            let supply = supply(hand);
            Message::Supply(hand.sign(supply))
        }
    }
}

fn view_change(like: &ViewChange, hand: &mut Hand<'_>) -> Message {
    let prepares = hand.membership().ids().map(|id| (id, hand.garbage())).collect();
    let (view, seq, digest, pre_prepare) = (View::ZERO, like.stable.seq.next(), hand.digest(), hand.garbage());
    let prepared = vec![PreparedCertificate { view, seq, digest, pre_prepare, prepares }];
    Message::ViewChange(hand.sign(ViewChange { prepared, ..like.clone() }))
}

fn new_view(like: &NewView, hand: &mut Hand<'_>) -> Message {
    let mut lie = like.clone();
    for proposal in &mut lie.proposals {
        let digest = hand.digest();
        *proposal = hand.sign(PrePrepare { digest, ..proposal.payload });
    }
    Message::NewView(hand.sign(lie))
}

fn fetch(hand: &mut Hand<'_>) -> Fetch {
    let nibbles = (0..hand.rng.below(64)).map(|_| hand.rng.below(16) as u8).collect();
    match hand.rng.below(5) {
        0 => Fetch::Transactions(vec![TransactionId::new(hand.digest())]),
        1 => Fetch::Batch(hand.digest()),
        2 => Fetch::Committed { after: seq(hand) },
        3 => Fetch::Held { start: hand.rng.draw() },
        _ => {
            let checkpoint = hand.overheard.stable().seq;
            let parts = Prefix::new(nibbles).into_iter().collect();
            Fetch::State { checkpoint, parts, rows_up_to: hand.rng.draw() as u32 }
        }
    }
}

fn supply(hand: &mut Hand<'_>) -> Supply {
    let checkpoint = hand.overheard.stable().seq;
    match hand.rng.below(6) {
        0 => Supply::Transactions(vec![transaction(hand)]),
        1 => Supply::Batch { batch: batch(hand), transactions: vec![transaction(hand)] },
        2 => Supply::Stable(certificate(hand)),
        3 => {
            let (about, start, stable) = (hand.id, hand.rng.draw(), certificate(hand));
            let view = View::new(hand.rng.draw());
            Supply::Held(Held { about, start, view, stable, votes: Vec::new(), view_change: None })
        }
        4 => Supply::Draft { view: View::new(hand.rng.draw()), seq: SeqNum::new(hand.rng.draw()), batch: batch(hand) },
        _ => {
            let row = StateRow { table: "kv.records".to_owned(), key: bytes(hand), value: bytes(hand) };
            Supply::State { checkpoint, parts: vec![(Prefix::ROOT, StatePart::Rows(vec![row]))] }
        }
    }
}

fn transaction(hand: &mut Hand<'_>) -> Transaction {
    let chain = hand.membership().scope().genesis;
    let sender = PublicKey::from_bytes(*hand.digest().as_bytes());
    let valid_until = Timestamp::from_micros(hand.rng.draw());
    let body = TransactionBody { chain, sender, nonce: hand.rng.draw(), valid_until, command: bytes(hand) };
    Transaction { body, signature: hand.garbage() }
}

fn batch(hand: &mut Hand<'_>) -> Batch {
    let transactions = (0..hand.rng.below(4)).map(|_| TransactionId::new(hand.digest())).collect();
    Batch { timestamp: Timestamp::from_micros(hand.rng.draw()), transactions }
}

fn certificate(hand: &mut Hand<'_>) -> CheckpointCertificate {
    let votes = hand.membership().ids().map(|id| (id, hand.garbage())).collect();
    CheckpointCertificate { seq: seq(hand), state_root: hand.digest(), votes }
}

fn bytes(hand: &mut Hand<'_>) -> Vec<u8> {
    (0..hand.rng.below(BYTES)).map(|_| hand.rng.below(256) as u8).collect()
}

/// A number near the window, or any.
fn seq(hand: &mut Hand<'_>) -> SeqNum {
    let near = hand.overheard.stable().seq.get().saturating_add(hand.rng.below(100));
    let far = hand.rng.draw();
    SeqNum::new(hand.rng.one_of([near, far]))
}

//! A verdict is the message's own: the same alone and among any neighbours.

use crate::support::{Chain, VIEW, digest, id, seq};
use proptest::collection::vec;
use proptest::prelude::*;
use tetrarch_crypto::{PublicKey, Signature};
use tetrarch_types::{Commit, Message, Rejection, Signed, Supply, Transaction, Verified};

fn forged_commit(chain: &Chain) -> Message {
    let commit = Commit { view: VIEW, seq: seq(9), digest: digest(1) };
    Message::Commit(Signed { payload: commit, signer: id(2), signature: chain.signature(&commit, id(3)) })
}

/// A supply in which only the second of three bodies is not signed by its sender: the bad claim stands amid good ones.
fn half_forged_supply(chain: &Chain) -> Message {
    let mut transactions = chain.batch().1;
    transactions[1].signature = Signature::from_bytes([7; 64]);
    Message::Supply(chain.signed(Supply::Transactions(transactions), id(2)))
}

/// Valid ones of every kind, and bad ones refused by their form and by their signatures.
fn mixed(chain: &Chain) -> Vec<Message> {
    let mut messages: Vec<Message> = chain.messages().into_iter().map(|(_, message)| message).collect();
    let stranger = Commit { view: VIEW, seq: seq(9), digest: digest(1) };
    let stranger = Signed { signer: id(9), ..chain.signed(stranger, id(2)) };
    messages.extend([forged_commit(chain), half_forged_supply(chain), Message::Commit(stranger)]);
    messages
}

type Verdict<T> = Result<Verified<T>, Rejection>;

#[test]
fn one_bad_message_does_not_taint_its_neighbours() {
    let chain = Chain::of(4);
    for bad in [forged_commit(&chain), half_forged_supply(&chain)] {
        let good: Vec<Message> = chain.messages().into_iter().map(|(_, message)| message).collect();
        for place in 0..=good.len() {
            let mut messages = good.clone();
            messages.insert(place, bad.clone());
            let verdicts = chain.verifier().messages(messages.clone());
            for (at, (verdict, message)) in verdicts.into_iter().zip(messages).enumerate() {
                let expected = if at == place { Err(Rejection::BadSignature) } else { Ok(message) };
                assert_eq!(verdict.map(Verified::into_inner), expected, "bad one at {place}, looked at {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn messages_have_one_verdict_alone_and_together(picks in vec(any::<prop::sample::Index>(), 0..25)) {
        let chain = Chain::of(4);
        let verifier = chain.verifier();
        let choice = mixed(&chain);
        let messages: Vec<Message> = picks.iter().map(|pick| pick.get(&choice).clone()).collect();
        let alone: Vec<Verdict<Message>> = messages.iter().map(|message| verifier.message(message.clone())).collect();
        prop_assert_eq!(verifier.messages(messages), alone);
    }

    #[test]
    fn transactions_have_one_verdict_alone_and_together(flaws in vec(0..6_u8, 0..25)) {
        let chain = Chain::of(4);
        let verifier = chain.verifier();
        let transactions: Vec<Transaction> = flaws.iter().map(|flaw| flawed(&chain, *flaw)).collect();
        let alone: Vec<Verdict<Transaction>> = transactions.iter().map(|it| verifier.transaction(it.clone())).collect();
        prop_assert_eq!(verifier.transactions(transactions), alone);
    }
}

fn flawed(chain: &Chain, flaw: u8) -> Transaction {
    let mut transaction = chain.transaction(7);
    match flaw {
        0 => transaction.signature = Signature::from_bytes([1; 64]),
        1 => transaction.body.nonce += 1,
        2 => transaction.body.sender = PublicKey::from_bytes([0; 32]),
        3 => transaction.body.chain = digest(0),
        _ => {}
    }
    transaction
}

#[test]
fn an_empty_batch_has_no_verdicts() {
    let verifier = Chain::of(4).verifier();
    assert!(verifier.messages(Vec::new()).is_empty());
    assert!(verifier.transactions(Vec::new()).is_empty());
}

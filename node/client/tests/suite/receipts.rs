//! Receipts: got from the cluster, checked without it, worth nothing when a byte of them changes.

use std::sync::LazyLock;

use crate::common::{self, Cluster, answering, honest, ids, ok, reply, script, silent};
use proptest::prelude::*;
use tetrarch_client::{ClientError, receipt_from_json, receipt_to_json, transaction_from_json, transaction_to_json};
use tetrarch_crypto::{Digest, Ed25519};
use tetrarch_types::{
    Membership, Outcome, Query, Refusal, ReplyCertificate, Request, Response, TransactionId, decode, encode,
};

#[tokio::test]
async fn a_receipt_is_gathered_from_f_plus_one_and_holds_offline() {
    let cluster = Cluster::with(4, [(0, None), (1, answering(|_, _| Some(Response::Refused(Refusal::Unknown))))]).await;
    let client = cluster.client();
    let transaction = client.sign(b"command".to_vec()).await.unwrap();
    // Two of four are no quorum for the submission, but enough for its proof.
    let submitted = cluster.hasty_client().submit_signed(transaction.clone()).await;
    assert!(matches!(submitted, Err(ClientError::NoQuorum(_))));
    let receipt = client.receipt(transaction.id()).await.unwrap();
    assert_eq!((&receipt.transaction, &receipt.outcome), (&transaction, &ok()));
    receipt.check(&cluster.genesis.membership(), &Ed25519).unwrap();
    let known = client.reply(transaction.id()).await.unwrap();
    assert_eq!((known.outcome, known.replicas), (ok(), ids([2, 3])));
    assert_eq!(client.transaction(transaction.id()).await.unwrap(), transaction);
}

#[tokio::test]
async fn what_nobody_knows_is_said_to_be_unknown() {
    let cluster = Cluster::with(4, [(3, silent())]).await;
    let client = cluster.client();
    let id = TransactionId::new(Digest::ZERO);
    for error in [client.receipt(id).await.unwrap_err(), client.reply(id).await.unwrap_err()] {
        assert!(matches!(error, ClientError::Refused(Refusal::Unknown)), "{error}");
    }
}

#[tokio::test]
async fn a_liar_cannot_bring_another_transaction_or_outcome() {
    let liar = script(|me: &common::Me, request: &Request| match request {
        Request::Query(Query::Transaction(id)) => {
            let mut transaction = me.seen.lock().unwrap().get(id).cloned()?;
            transaction.body.command = b"lie".to_vec();
            Some(Response::Transaction(transaction))
        }
        Request::Query(Query::Reply(id)) => Some(Response::Reply(reply(me, *id, &Outcome::Executed(b"lie".to_vec())))),
        other => honest(me, other),
    });
    let cluster = Cluster::with(4, [(0, Some(liar))]).await;
    let client = cluster.client();
    let submitted = client.submit(b"command".to_vec()).await.unwrap();
    let receipt = client.receipt(submitted.transaction).await.unwrap();
    assert_eq!((receipt.transaction.body.command, receipt.outcome), (b"command".to_vec(), ok()));
}

/// A receipt made by a cluster, once for all cases below.
static RECEIPT: LazyLock<(ReplyCertificate, Membership)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::with(4, []).await;
        let submitted = cluster.client().submit(b"some command".to_vec()).await.unwrap();
        (submitted.certificate, cluster.genesis.membership())
    })
});

fn holds(certificate: &ReplyCertificate) -> bool {
    certificate.check(&RECEIPT.1, &Ed25519).is_ok()
}

#[test]
fn files_of_receipts_and_transactions_read_back() {
    let text = receipt_to_json(&RECEIPT.0);
    assert_eq!(receipt_from_json(&text).as_ref(), Ok(&RECEIPT.0));
    assert!(text.contains(&RECEIPT.1.scope().genesis.to_string()), "the chain is named");
    let transaction = &RECEIPT.0.transaction;
    assert_eq!(transaction_from_json(&transaction_to_json(transaction)).as_ref(), Ok(transaction));
    assert!(transaction_from_json(&text).is_err(), "a receipt is no transaction");
}

#[test]
fn fewer_than_f_plus_one_signatures_prove_nothing() {
    let mut certificate = RECEIPT.0.clone();
    certificate.votes.truncate(2);
    assert!(holds(&certificate));
    certificate.votes.truncate(1);
    assert!(!holds(&certificate));
    certificate.votes.push(certificate.votes[0]);
    assert!(!holds(&certificate), "one signer counts once");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_receipt_with_a_changed_byte_proves_nothing(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        let mut bytes = encode(&RECEIPT.0);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(changed) = decode::<ReplyCertificate>(&bytes, bytes.len()) {
            prop_assert!(!holds(&changed), "byte {at}");
        }
    }

    #[test]
    fn a_receipt_file_with_a_changed_digit_proves_nothing(at in any::<prop::sample::Index>(), to in 0_u32..16) {
        let text = receipt_to_json(&RECEIPT.0);
        let digits: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_hexdigit()).map(|(at, _)| at).collect();
        let at = digits[at.index(digits.len())];
        let to = char::from_digit(to, 16).unwrap().to_string();
        prop_assume!(text[at..=at] != to);
        let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        if let Ok(changed) = receipt_from_json(&changed) {
            prop_assert!(!holds(&changed), "at {at}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in ".{0,200}") {
        let _ = (receipt_from_json(&text), transaction_from_json(&text));
    }
}

//! Bytes from anyone: a result, never a panic, and the same one everywhere.

use crate::support::{batch, fresh, get, put, result, transaction};
use proptest::prelude::*;
use tetrarch_kv::{Command, Expected, KvError, KvMachine, Operation, PutRequest, Request, StateMachine, TxnRequest};
use tetrarch_types::{Transaction, View, limits};

fn with_bytes(nonce: u64, command: Vec<u8>) -> Transaction {
    let mut transaction = transaction(1, nonce, &Command::default());
    transaction.body.command = command;
    transaction
}

/// A command that can be read, with a few of its bytes changed, so that decoding gets far.
fn nearly_a_command() -> impl Strategy<Value = Vec<u8>> {
    let command = Command::new([
        Request::put("key", "value"),
        Request::compare_and_swap("key", Expected::ModRevision(3), Some(b"other".to_vec())),
        Request::prefix("k", 3),
        Request::delete_prefix(""),
        Request::LeaseGrant { id: 1, ttl: 5 },
        Request::LeaseKeepAlive { id: 1 },
        Request::Compact { revision: 2 },
        Request::MovePrimary { view: View::new(1) },
        Request::Txn(TxnRequest {
            success: vec![Operation::Txn(TxnRequest::default()), Operation::Put(PutRequest::new("l", "").lease(1))],
            ..TxnRequest::default()
        }),
    ]);
    let bytes = command.encode();
    prop::collection::vec((0..bytes.len(), any::<u8>()), 0..4).prop_map(move |changes| {
        let mut bytes = bytes.clone();
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        bytes
    })
}

proptest! {
    #[test]
    fn any_command_has_a_result(
        commands in prop::collection::vec(prop_oneof![prop::collection::vec(any::<u8>(), 0..200), nearly_a_command()], 1..6),
    ) {
        let (node, other) = (fresh(), fresh());
        let transactions: Vec<_> = (1..).zip(commands).map(|(nonce, command)| with_bytes(nonce, command)).collect();
        let executed = node.execute(&batch(1, transactions.clone())).unwrap();
        prop_assert_eq!(executed.replies.len(), transactions.len());
        for (transaction, reply) in transactions.iter().zip(&executed.replies) {
            let refused = result(&reply.outcome).results.is_err();
            prop_assert_eq!(refused, Command::decode(&transaction.body.command).is_err());
            if KvMachine.check(&transaction.body.command).is_ok() {
                prop_assert!(!refused);
            }
        }
        prop_assert_eq!(other.execute(&batch(1, transactions)).unwrap(), executed);
        node.execute(&batch(2, vec![put(2, 1, "alive", "yes")])).unwrap();
        prop_assert_eq!(get(&node, "alive").unwrap(), "yes");
    }

    #[test]
    fn any_query_has_an_answer_or_a_sentence(query in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Err(error) = fresh().query(&query) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn a_list_that_claims_to_be_endless_is_malformed() {
    let claim = vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(Command::decode(&claim), Err(KvError::Malformed));
    let node = fresh();
    let longest = with_bytes(1, vec![0x80; limits::MAX_COMMAND_BYTES]);
    let executed = node.execute(&batch(1, vec![longest, with_bytes(2, claim)])).unwrap();
    assert_eq!(result(&executed.replies[0].outcome).results, Err(KvError::RequestTooLarge));
    assert_eq!(result(&executed.replies[1].outcome).results, Err(KvError::Malformed));
}

//! Proofs of the state: one that holds is enough, the newest wins, and a liar brings nobody anything.

use std::time::Instant;

use crate::common::state::{KEY, TABLE, proof};
use crate::common::{Cluster, Me, OPTIONS, Script, honest, key, script, silent};
use proptest::prelude::*;
use tetrarch_client::{ClientError, DocumentError, Trouble, proof_from_json, proof_to_json};
use tetrarch_crypto::{Digest, Ed25519, Signer};
use tetrarch_types::{Genesis, Member, Membership, Parameters, Query, Refusal, Request, Response, SeqNum, StateProof};

/// Honest, but for how it proves.
fn proving(answer: impl Fn(&Me) -> Option<Response> + Send + Sync + 'static) -> Option<Script> {
    Some(script(move |me, request| match request {
        Request::Query(Query::Prove { .. }) => answer(me),
        other => honest(me, other),
    }))
}

/// A true proof of an older or newer state.
fn at(seq: u64, value: &'static [u8]) -> Option<Script> {
    proving(move |me| Some(Response::Proof(Box::new(proof(&me.membership, seq, Some(value))))))
}

fn lying(lie: impl Fn(&mut StateProof) + Send + Sync + 'static) -> Option<Script> {
    proving(move |me| {
        let mut proof = proof(&me.membership, 256, Some(b"hello"));
        lie(&mut proof);
        Some(Response::Proof(Box::new(proof)))
    })
}

fn refusing() -> Option<Script> {
    proving(|_| Some(Response::Refused(Refusal::NoCheckpoint { first: SeqNum::new(128) })))
}

fn number(proof: &StateProof) -> u64 {
    proof.certificate.seq.get()
}

#[tokio::test]
async fn a_proof_comes_checked() {
    let cluster = Cluster::with(4, []).await;
    let proof = cluster.client().prove(TABLE, KEY).await.unwrap();
    proof.verify(&cluster.genesis.membership(), &Ed25519).unwrap();
    assert_eq!((number(&proof), proof.value.as_deref()), (128, Some(b"hello".as_slice())));
}

#[tokio::test]
async fn one_honest_replica_is_enough() {
    let liar = || lying(|proof| proof.value = Some(b"lie".to_vec()));
    let cluster = Cluster::with(4, [(0, liar()), (1, silent()), (2, None)]).await;
    assert_eq!(cluster.client().prove(TABLE, KEY).await.unwrap().value.as_deref(), Some(b"hello".as_slice()));
}

#[tokio::test]
async fn the_newest_of_a_quorum_wins() {
    for newest in 0..3 {
        let stale = (0..3).filter(|replica| *replica != newest).map(|replica| (replica, at(64, b"old")));
        let cluster = Cluster::with(4, stale.chain([(newest, at(128, b"hello")), (3, silent())])).await;
        let started = Instant::now();
        let proof = cluster.client().prove(TABLE, KEY).await.unwrap();
        assert_eq!((number(&proof), proof.value.as_deref()), (128, Some(b"hello".as_slice())));
        assert!(started.elapsed() < OPTIONS.timeout / 2, "the silent one is not waited for");
    }
}

#[tokio::test]
async fn nothing_that_does_not_hold_is_taken_for_newer() {
    let lies: [fn(&mut StateProof); 6] = [
        |it| it.certificate.seq = SeqNum::new(512),
        |it| it.certificate.votes.truncate(2),
        |it| it.certificate.votes[0].1 = it.certificate.votes[1].1,
        |it| it.certificate.state_root = Digest::ZERO,
        |it| it.value = None,
        |it| it.key = b"another".to_vec(),
    ];
    for (number_of_lie, lie) in lies.into_iter().enumerate() {
        let cluster = Cluster::with(4, [(0, lying(lie))]).await;
        let proof = cluster.client().prove(TABLE, KEY).await.unwrap();
        assert_eq!((number(&proof), proof.key.as_slice()), (128, KEY), "lie {number_of_lie}");
    }
}

#[tokio::test]
async fn that_there_is_no_checkpoint_yet_is_believed_at_f_plus_one() {
    let cluster = Cluster::with(4, [(1, refusing()), (2, refusing()), (0, silent()), (3, silent())]).await;
    let error = cluster.client().prove(TABLE, KEY).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused(Refusal::NoCheckpoint { first }) if first.get() == 128), "{error}");
    let cluster = Cluster::with(4, [(1, refusing())]).await;
    assert_eq!(number(&cluster.client().prove(TABLE, KEY).await.unwrap()), 128, "one alone is a liar, or behind");
}

#[tokio::test]
async fn that_no_proof_holds_is_said_with_the_reason_for_each() {
    let liar = || lying(|proof| proof.value = None);
    let cluster = Cluster::with(4, (0..4).map(|replica| (replica, liar()))).await;
    let started = Instant::now();
    let error = cluster.client().prove(TABLE, KEY).await.unwrap_err();
    let ClientError::NoProof(troubles) = &error else { panic!("{error}") };
    assert!(troubles.len() == 4 && troubles.iter().all(|(_, trouble)| matches!(trouble, Trouble::Invalid(_))));
    assert!(started.elapsed() < OPTIONS.timeout / 2, "there is nothing to wait for");
}

#[tokio::test]
async fn that_nobody_answers_is_no_lie() {
    let cluster = Cluster::with(4, (0..4).map(|replica| (replica, None))).await;
    let error = cluster.hasty_client().prove(TABLE, KEY).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
}

fn membership() -> Membership {
    let nowhere = "127.0.0.1:9".parse().unwrap();
    let member = |index| Member { public_key: key(index).public_key(), peer_address: nowhere, client_address: nowhere };
    let replicas = (0..4).map(member).collect();
    Genesis { chain: "test".into(), salt: Digest::ZERO, parameters: Parameters::default(), replicas }.membership()
}

#[test]
fn files_of_proofs_read_back() {
    let membership = membership();
    let chain = membership.scope().genesis;
    for value in [Some(b"hello".as_slice()), Some(&[0xff, 0]), Some(&[]), None] {
        let proof = proof(&membership, 128, value);
        let text = proof_to_json(&chain, &proof);
        assert_eq!(proof_from_json(&text), Ok((chain, proof)), "{text}");
    }
    let object: serde_json::Value =
        serde_json::from_str(&proof_to_json(&chain, &proof(&membership, 128, Some(b"hello")))).unwrap();
    assert_eq!(object["checkpoint"]["sequence"], 128);
    assert_eq!(object["checkpoint"]["votes"][2]["replica"], 2);
    assert_eq!((&object["key"]["text"], &object["key"]["base64"]), (&"greeting".into(), &"Z3JlZXRpbmc=".into()));
    assert_eq!(object["value"]["text"], "hello");
    assert!(object["proof"]["siblings"][0].is_string() && object["proof"]["end"]["path"].is_string(), "{object}");
}

#[test]
fn a_text_beside_the_bytes_has_to_be_theirs() {
    let membership = membership();
    let text = proof_to_json(&membership.scope().genesis, &proof(&membership, 128, None));
    let changed = text.replace("\"greeting\"", "\"another\"");
    assert_eq!(proof_from_json(&changed), Err(DocumentError::WrongText { field: "key" }));
    let changed = text.replace("Z3JlZXRpbmc=", "Z3JlZXRpbmd=");
    assert_eq!(proof_from_json(&changed), Err(DocumentError::NotBase64 { field: "key" }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    /// Letters of either case are the same hexadecimal digit, and nothing else in a file may be changed unnoticed.
    #[test]
    fn a_proof_file_with_a_changed_character_proves_nothing(at in any::<prop::sample::Index>(), to in "[0-9a-f+/=]") {
        let membership = membership();
        let chain = membership.scope().genesis;
        let text = proof_to_json(&chain, &proof(&membership, 128, Some(b"hello")));
        let places: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
        let at = places[at.index(places.len())];
        prop_assume!(text[at..=at] != to);
        let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        if let Ok((named, changed)) = proof_from_json(&changed) {
            prop_assert!(named != chain || changed.verify(&membership, &Ed25519).is_err(), "at {at}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in ".{0,200}") {
        let _ = proof_from_json(&text);
    }
}

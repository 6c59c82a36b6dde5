//! Who comes first, and who is kept out.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_crypto::{Digest, Ed25519, Signer, SigningKey};
use tetrarch_replica::Input;
use tetrarch_types::{
    Commit, Epoch, Fetch, Lane, Membership, Message, Parameters, ReplicaId, SeqNum, Signed, Timestamp, Transaction,
    TransactionBody, Verified, Verifier, View,
};

use super::{Inbox, NotTaken};
use crate::bounds;
use crate::weight::Weight;

struct Scene {
    key: SigningKey,
    verifier: Verifier,
}

impl Scene {
    fn new() -> Self {
        let key = SigningKey::from_seed([1; 32]);
        let membership = Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), vec![key.public_key()]);
        Self { key, verifier: Verifier::new(Arc::new(membership), Arc::new(Ed25519)) }
    }

    fn vote(&self, seq: u64) -> Verified<Message> {
        let commit = Commit { view: View::ZERO, seq: SeqNum::new(seq), digest: Digest::ZERO };
        self.verified(Message::Commit(Signed::new(
            commit,
            ReplicaId::ZERO,
            self.verifier.membership().scope(),
            &self.key,
        )))
    }

    fn bulk(&self) -> Verified<Message> {
        let fetch = Fetch::Batch(Digest::ZERO);
        self.verified(Message::Fetch(Signed::new(
            fetch,
            ReplicaId::ZERO,
            self.verifier.membership().scope(),
            &self.key,
        )))
    }

    fn verified(&self, message: Message) -> Verified<Message> {
        self.verifier.message(message).unwrap()
    }

    fn transaction(&self, nonce: u64, bytes: usize) -> Verified<Transaction> {
        let (chain, sender) = (Digest::ZERO, self.key.public_key());
        let body = TransactionBody { chain, sender, nonce, valid_until: Timestamp::ZERO, command: vec![0; bytes] };
        self.verifier.transaction(body.sign(self.verifier.membership().scope(), &self.key)).unwrap()
    }
}

fn names(inputs: &[Input]) -> Vec<&'static str> {
    let name = |input: &Input| match input {
        Input::Executed { .. } => "report",
        Input::Message(message) if message.lane() == Lane::Votes => "vote",
        Input::Message(_) => "bulk",
        Input::Request(_) => "request",
        _ => "other",
    };
    inputs.iter().map(name).collect()
}

#[test]
fn reports_then_votes_then_bulk_then_requests() {
    let (scene, inbox) = (Scene::new(), Inbox::new());
    inbox.request(scene.transaction(1, 10)).unwrap();
    inbox.message(ReplicaId::ZERO, scene.bulk()).unwrap();
    inbox.message(ReplicaId::ZERO, scene.vote(1)).unwrap();
    inbox.message(ReplicaId::ZERO, scene.vote(2)).unwrap();
    inbox.report(Input::Executed { seq: SeqNum::new(1), alarm: None, leaves: None });
    let turn = inbox.drain(None).unwrap();
    assert_eq!(names(&turn), ["report", "vote", "vote", "bulk", "request"]);
    assert_eq!(inbox.drain(Some(Duration::ZERO)).unwrap().len(), 0);
}

#[test]
fn a_turn_is_bounded_and_votes_leave_room_for_others() {
    let (scene, inbox) = (Scene::new(), Inbox::new());
    for seq in 0..bounds::TURN_INPUTS as u64 {
        inbox.message(ReplicaId::ZERO, scene.vote(seq)).unwrap();
    }
    inbox.request(scene.transaction(1, 10)).unwrap();
    let turn = names(&inbox.drain(None).unwrap());
    assert_eq!(turn.len(), bounds::TURN_VOTES + 1);
    assert_eq!(turn.last(), Some(&"request"));
    assert_eq!(inbox.drain(None).unwrap().len(), bounds::TURN_INPUTS - bounds::TURN_VOTES);
}

fn seqs(inputs: &[Input]) -> Vec<u64> {
    let seq = |input: &Input| match input {
        Input::Message(message) => match &**message {
            Message::Commit(commit) => Some(commit.payload.seq.get()),
            _ => None,
        },
        _ => None,
    };
    inputs.iter().filter_map(seq).collect()
}

#[test]
fn what_one_peer_sends_does_not_wait_for_all_that_another_one_sent() {
    let (scene, inbox) = (Scene::new(), Inbox::new());
    let (flood, vote) = (scene.vote(1), scene.vote(2));
    (0..1_000).for_each(|_| inbox.message(ReplicaId::new(1), flood.clone()).unwrap());
    inbox.message(ReplicaId::new(2), vote.clone()).unwrap();
    inbox.message(ReplicaId::new(2), vote).unwrap();
    let turn = seqs(&inbox.drain(None).unwrap());
    assert_eq!((turn.len(), &turn[..5]), (bounds::TURN_VOTES, [1, 2, 1, 2, 1].as_slice()));
}

#[test]
fn a_peer_whose_queue_is_full_holds_up_nobody_else() {
    let (scene, inbox) = (Scene::new(), Arc::new(Inbox::new()));
    let vote = scene.vote(1);
    let put = |from| {
        let (inbox, vote) = (Arc::clone(&inbox), vote.clone());
        move || inbox.message(ReplicaId::new(from), vote.clone())
    };
    let flood = put(1);
    let flooding = std::thread::spawn(move || std::iter::repeat_with(flood).take_while(Result::is_ok).count());
    while inbox.lock().votes.has_room(ReplicaId::new(1), Weight::of(&vote).bytes) {
        std::thread::yield_now();
    }
    let (tell, told) = std::sync::mpsc::channel();
    let other = put(2);
    std::thread::spawn(move || tell.send(other()));
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(Ok(())));
    inbox.close();
    assert!(flooding.join().unwrap() > 0);
}

#[test]
fn bulk_leaves_room_for_requests() {
    let (scene, inbox) = (Scene::new(), Inbox::new());
    let bulk = scene.bulk();
    (0..bounds::TURN_INPUTS).for_each(|_| inbox.message(ReplicaId::ZERO, bulk.clone()).unwrap());
    inbox.request(scene.transaction(1, 10)).unwrap();
    assert_eq!(names(&inbox.drain(None).unwrap()).last(), Some(&"request"));
}

#[test]
fn requests_are_refused_when_there_is_no_room() {
    let (scene, inbox) = (Scene::new(), Inbox::new());
    let size = 1024 * 1024;
    let taken = (0..).take_while(|nonce| inbox.request(scene.transaction(*nonce, size)) != Err(NotTaken::Full)).count();
    assert_eq!(taken, bounds::INBOX_REQUEST_BYTES / size - 1);
    // One turn takes a few of them, and makes room.
    assert!(inbox.drain(None).unwrap().len() >= bounds::TURN_BYTES / (2 * size));
    inbox.request(scene.transaction(99, size)).unwrap();
}

#[test]
fn a_closed_inbox_takes_and_gives_nothing() {
    let (scene, inbox) = (Scene::new(), Inbox::new());
    inbox.message(ReplicaId::ZERO, scene.vote(1)).unwrap();
    inbox.close();
    assert!(inbox.is_closed());
    assert_eq!(inbox.message(ReplicaId::ZERO, scene.vote(2)), Err(NotTaken::Closed));
    assert_eq!(inbox.request(scene.transaction(1, 10)), Err(NotTaken::Closed));
    assert!(inbox.drain(None).is_none());
}

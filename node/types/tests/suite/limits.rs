//! Every bound has room for what it must let through.

use crate::support::{Chain, batch_of_ids, digest};
use tetrarch_crypto::state_tree::{Branch, Leaf, Page, Path, Prefix};
use tetrarch_crypto::{Digest, MerklePath, Signature};
use tetrarch_types::limits::{
    MAX_BATCH_BYTES, MAX_BATCH_TRANSACTIONS, MAX_BULK_BYTES, MAX_CLIENT_FRAME_BYTES, MAX_COMMAND_BYTES, MAX_REPLICAS,
    MAX_RESULT_BYTES, MAX_STATE_BYTES, MAX_STATE_PARTS, MAX_SUPPLY_BYTES, MAX_VOTE_BYTES, MAX_WINDOW, NONCE_WINDOW,
    TRANSACTION_OVERHEAD_BYTES, largest_new_view,
};
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Commit, Fetch, GenesisError, Held, HeldVote, Lane, Message, NewView, Outcome,
    Parameters, Payload, PrePrepare, Prepare, PreparedCertificate, ReplicaId, Reply, Request, Response, SeqNum, Signed,
    SignedResults, StatePart, StateProof, StateRow, Status, Supply, TentativeResults, Timestamp, Transaction,
    TransactionId, View, ViewChange, decode, encode,
};

const FAR: u64 = u64::MAX;
const LAST: ReplicaId = ReplicaId::new(u16::MAX);

fn signed<T>(payload: T) -> Signed<T> {
    Signed { payload, signer: LAST, signature: Signature::from_bytes([0xff; 64]) }
}

/// A transaction whose numbers all take as many bytes as they can.
fn largest_transaction(command: usize) -> Transaction {
    let chain = Chain::of(4);
    let mut body = chain.body(FAR);
    body.valid_until = Timestamp::from_micros(FAR);
    body.command = vec![0xff; command];
    Transaction { body, signature: Signature::from_bytes([0xff; 64]) }
}

#[test]
fn the_largest_votes_fit_their_lane() {
    let (view, seq, digest) = (View::new(FAR), SeqNum::new(FAR), digest(0xff));
    let votes = [
        Message::Prepare(signed(Prepare { view, seq, digest })),
        Message::Commit(signed(Commit { view, seq, digest })),
        Message::Checkpoint(signed(Checkpoint { seq, state_root: digest })),
        Message::Status(signed(Status { view, changing: true, executed: seq, stable: seq, slow: true })),
    ];
    for vote in votes {
        assert_eq!(vote.lane(), Lane::Votes);
        assert!(encode(&vote).len() <= MAX_VOTE_BYTES, "{:?}", vote.kind());
    }
}

#[test]
fn what_can_grow_takes_the_bulk_lane() {
    for (name, message) in Chain::of(4).messages() {
        let votes = ["Prepare", "Commit", "Checkpoint", "Status"].contains(&name);
        assert_eq!(message.lane(), if votes { Lane::Votes } else { Lane::Bulk }, "{name}");
    }
}

#[test]
fn a_transaction_adds_no_more_than_its_overhead() {
    for command in [0, 1, 127, 128, 16_384, MAX_COMMAND_BYTES] {
        let transaction = largest_transaction(command);
        assert!(encode(&transaction).len() <= transaction.cost(), "{command} bytes");
        assert_eq!(transaction.cost(), command + TRANSACTION_OVERHEAD_BYTES);
    }
}

#[test]
fn the_largest_transaction_fits_a_batch_a_supply_and_a_frame() {
    let transaction = largest_transaction(MAX_COMMAND_BYTES);
    assert!(transaction.cost() <= MAX_BATCH_BYTES);
    assert!(encode(&Request::Submit(transaction.clone())).len() <= MAX_CLIENT_FRAME_BYTES);
    assert!(encode(&Response::Transaction(transaction)).len() <= MAX_CLIENT_FRAME_BYTES);
}

#[test]
fn the_largest_reply_fits_a_frame() {
    let depth = MAX_BATCH_TRANSACTIONS.ilog2() as usize;
    let reply = Reply {
        transaction: TransactionId::new(digest(0xff)),
        outcome: Outcome::Executed(vec![0xff; MAX_RESULT_BYTES]),
        path: MerklePath { index: u32::MAX, leaves: u32::MAX, siblings: vec![digest(0xff); depth] },
        results: SignedResults::Tentative(signed(TentativeResults {
            view: View::new(FAR),
            seq: SeqNum::new(FAR),
            root: digest(0xff),
        })),
    };
    assert!(encode(&Response::Reply(reply)).len() <= MAX_CLIENT_FRAME_BYTES);
}

#[test]
fn the_largest_proposal_and_fetch_fit_the_bulk_lane() {
    let batch = batch_of_ids(MAX_BATCH_TRANSACTIONS as u64);
    let fetch = Message::Fetch(signed(Fetch::Transactions(batch.transactions.clone())));
    assert!(encode(&fetch).len() <= MAX_BULK_BYTES);
    let chain = Chain::of(4);
    let assignment = PrePrepare { view: View::new(FAR), seq: SeqNum::new(FAR), digest: batch.digest() };
    let proposal = chain.message(Payload::PrePrepare { assignment, batch }, ReplicaId::ZERO);
    assert!(encode(&proposal).len() <= MAX_BULK_BYTES);
}

#[test]
fn the_largest_batch_fits_a_supply_and_its_message() {
    let each = MAX_BATCH_BYTES / MAX_BATCH_TRANSACTIONS - TRANSACTION_OVERHEAD_BYTES;
    let transactions = vec![largest_transaction(each); MAX_BATCH_TRANSACTIONS];
    assert!(transactions.iter().map(Transaction::cost).sum::<usize>() <= MAX_SUPPLY_BYTES);
    let batch = batch_of_ids(MAX_BATCH_TRANSACTIONS as u64);
    let supply = Message::Supply(signed(Supply::Batch { batch, transactions }));
    assert!(encode(&supply).len() <= MAX_BULK_BYTES);
}

/// A NEW-VIEW in which every VIEW-CHANGE shows a full window of prepared batches.
fn new_view_bytes(replicas: usize, window: u64) -> usize {
    let membership = Chain::of(replicas).membership;
    let quorum = membership.quorum();
    let votes = |count| vec![(LAST, Signature::from_bytes([0xff; 64])); count];
    let (view, seq, digest) = (View::new(1 << 40), SeqNum::new(1 << 40), digest(0xff));
    let pre_prepare = Signature::from_bytes([0xff; 64]);
    let certificate = PreparedCertificate { view, seq, digest, pre_prepare, prepares: votes(quorum - 1) };
    let stable = CheckpointCertificate { seq, state_root: digest, votes: votes(quorum) };
    let full = ViewChange { view, stable, prepared: vec![certificate; usize::try_from(window).unwrap()] };
    let proposals = vec![signed(PrePrepare { view, seq, digest }); usize::try_from(window).unwrap()];
    let empty = ViewChange { prepared: Vec::new(), ..full.clone() };
    let each = encode(&signed(full)).len();
    // The VIEW-CHANGEs are all of one size: no need to hold them all.
    encode(&Message::NewView(signed(NewView { view, view_changes: vec![signed(empty)], proposals }))).len()
        + each * quorum
}

#[test]
fn the_largest_new_view_that_genesis_allows_fits_the_bulk_lane() {
    for (replicas, window) in [(4, 256), (10, 256), (31, 256), (46, 256), (4, MAX_WINDOW), (10, MAX_WINDOW), (100, 16)]
    {
        let quorum = Chain::of(replicas).membership.quorum() as u64;
        let bound = largest_new_view(quorum, window);
        let real = new_view_bytes(replicas, window) as u64;
        assert!(real <= bound, "n = {replicas}, window {window}: {real} bytes, bound {bound}");
        assert!(bound <= real + real / 2, "the bound is not far from the truth: {real} bytes, bound {bound}");
        let mut genesis = Chain::of(replicas).genesis;
        genesis.parameters = Parameters { checkpoint_interval: 1, window };
        let refused = Err(GenesisError::ViewChange { replicas, window });
        assert_eq!(genesis.check(), if bound <= MAX_BULK_BYTES as u64 { Ok(()) } else { refused });
    }
}

fn stable(votes: usize) -> CheckpointCertificate {
    let votes = vec![(LAST, Signature::from_bytes([0xff; 64])); votes];
    CheckpointCertificate { seq: SeqNum::new(FAR), state_root: digest(0xff), votes }
}

/// All that a member may hold of another: four votes a number, and a VIEW-CHANGE with a full window of prepared batches.
#[test]
fn the_most_that_is_held_of_a_member_fits_the_bulk_lane() {
    for (replicas, window) in [(1, MAX_WINDOW), (4, MAX_WINDOW), (10, 1_024), (31, 256), (100, 16)] {
        let mut genesis = Chain::of(replicas).genesis;
        genesis.parameters = Parameters { checkpoint_interval: 1, window };
        assert_eq!(genesis.check(), Ok(()), "n = {replicas}, window {window}");
        let (view, seq, digest) = (View::new(FAR), SeqNum::new(FAR), digest(0xff));
        let quorum = genesis.membership().quorum();
        let prepares = stable(quorum - 1).votes;
        let pre_prepare = Signature::from_bytes([0xff; 64]);
        let certificate = PreparedCertificate { view, seq, digest, pre_prepare, prepares };
        let prepared = vec![certificate; usize::try_from(window).unwrap()];
        let view_change = Some(Box::new(signed(ViewChange { view, stable: stable(quorum), prepared })));
        let vote = HeldVote::Commit(signed(Commit { view, seq, digest }));
        let votes = vec![vote; usize::try_from(window).unwrap() * 4];
        let held = Held { about: LAST, start: FAR, view: View::new(FAR), stable: stable(quorum), votes, view_change };
        let bytes = encode(&Message::Supply(signed(Supply::Held(held)))).len();
        assert!(bytes <= MAX_BULK_BYTES, "n = {replicas}, window {window}: {bytes} bytes");
    }
}

#[test]
fn the_largest_fetch_and_supply_of_state_fit_the_bulk_lane() {
    let (checkpoint, place) = (SeqNum::new(FAR), Prefix::new(vec![15; 64]).unwrap());
    let fetch = Fetch::State { checkpoint, parts: vec![place.clone(); MAX_STATE_PARTS], rows_up_to: u32::MAX };
    assert!(encode(&Message::Fetch(signed(fetch))).len() <= MAX_BULK_BYTES);
    let path = Path::from_bytes([0xff; 32]);
    let page = StatePart::Page(Box::new(Page([Branch::Leaf { path, value: digest(0xff) }; 16])));
    assert!(encode(&page).len() * MAX_STATE_PARTS <= MAX_STATE_BYTES, "pages alone always fit");
    // More than the bound allows, and one row on top that is larger than any transaction could write.
    let mut parts = vec![(place.clone(), page); MAX_STATE_PARTS - 1];
    let row = StateRow { table: "t".repeat(64), key: vec![1; MAX_COMMAND_BYTES], value: vec![2; MAX_COMMAND_BYTES] };
    let filler = StateRow { table: String::new(), key: Vec::new(), value: vec![3; MAX_STATE_BYTES] };
    parts.push((place, StatePart::Rows(vec![filler, row])));
    let supply = Supply::State { checkpoint, parts };
    assert!(encode(&Message::Supply(signed(supply))).len() <= MAX_BULK_BYTES);
}

/// Every row that a transaction or its reply makes can be shown to a client, with the longest proof and the most votes.
#[test]
fn the_largest_state_proof_fits_a_frame() {
    let parts: (Vec<Digest>, Option<Leaf>) =
        (vec![digest(0xff); Path::BITS], Some((Path::from_bytes([0xff; 32]), digest(0xff))));
    let room = TRANSACTION_OVERHEAD_BYTES * 4;
    let proof = StateProof {
        certificate: stable(MAX_REPLICAS),
        table: "t".repeat(64),
        key: vec![0xff; 64],
        value: Some(vec![0xff; MAX_COMMAND_BYTES.max(MAX_RESULT_BYTES) + room]),
        proof: decode(&encode(&parts), MAX_CLIENT_FRAME_BYTES).unwrap(),
    };
    assert!(encode(&Response::Proof(Box::new(proof))).len() <= MAX_CLIENT_FRAME_BYTES);
}

#[test]
fn bounds_that_other_bounds_rest_on() {
    assert_eq!(NONCE_WINDOW % 64, 0, "the nonce window is kept in whole words");
    assert!(u16::try_from(MAX_REPLICAS).is_ok(), "a replica id names every member");
}

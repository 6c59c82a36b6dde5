//! Proptest strategies for every type that travels. Values need not be valid; they need to have every shape.

use std::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tetrarch_crypto::{Digest, MerklePath};
use tetrarch_types::{
    Answer, Batch, Checkpoint, CheckpointCertificate, Commit, CommitCertificate, CommittedBatch, Evidence, Fetch,
    Genesis, Held, HeldVote, Member, Message, NewView, NodeMode, NodeStatus, NonceWindow, Outcome, Parameters, Payload,
    PrePrepare, Prepare, PreparedCertificate, Proposal, Query, Recovery, Refusal, Reply, ReplyCertificate, Request,
    Response, Results, Sender, SeqNum, Signed, SignedResults, StateProof, Status, Supply, TentativeResults,
    TentativeVotes, Transaction, TransactionBody, View, ViewChange,
};

use super::arbitrary_state::{part, prefix, transfer};
use super::plain::{
    bytes, digest, key, number, replica, seq, signature, signed, text, timestamp, transaction_id, view, votes,
};

pub(crate) fn transaction() -> impl Strategy<Value = Transaction> {
    (digest(), key(), number(), timestamp(), bytes(), signature()).prop_map(
        |(chain, sender, nonce, valid_until, command, signature)| Transaction {
            body: TransactionBody { chain, sender, nonce, valid_until, command },
            signature,
        },
    )
}

fn batch() -> impl Strategy<Value = Batch> {
    (timestamp(), vec(transaction_id(), 0..5)).prop_map(|(timestamp, transactions)| Batch { timestamp, transactions })
}

fn place() -> impl Strategy<Value = (View, SeqNum, Digest)> {
    (view(), seq(), digest())
}

fn pre_prepare() -> impl Strategy<Value = PrePrepare> {
    place().prop_map(|(view, seq, digest)| PrePrepare { view, seq, digest })
}

fn prepare() -> impl Strategy<Value = Prepare> {
    place().prop_map(|(view, seq, digest)| Prepare { view, seq, digest })
}

fn commit() -> impl Strategy<Value = Commit> {
    place().prop_map(|(view, seq, digest)| Commit { view, seq, digest })
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    (seq(), digest()).prop_map(|(seq, state_root)| Checkpoint { seq, state_root })
}

fn status() -> impl Strategy<Value = Status> {
    (view(), any::<bool>(), seq(), seq(), any::<bool>()).prop_map(|(view, changing, executed, stable, slow)| Status {
        view,
        changing,
        executed,
        stable,
        slow,
    })
}

fn prepared() -> impl Strategy<Value = PreparedCertificate> {
    (place(), signature(), votes()).prop_map(|((view, seq, digest), pre_prepare, prepares)| PreparedCertificate {
        view,
        seq,
        digest,
        pre_prepare,
        prepares,
    })
}

fn stable() -> impl Strategy<Value = CheckpointCertificate> {
    let voted = (seq(), digest(), votes()).prop_map(|(seq, state_root, votes)| CheckpointCertificate {
        seq,
        state_root,
        votes,
    });
    prop_oneof![Just(CheckpointCertificate::genesis()), voted]
}

pub(crate) fn committed_batch() -> impl Strategy<Value = CommittedBatch> {
    let certificate =
        (place(), votes()).prop_map(|((view, seq, digest), commits)| CommitCertificate { view, seq, digest, commits });
    (seq(), batch(), vec(transaction(), 0..3), certificate)
        .prop_map(|(seq, batch, transactions, certificate)| CommittedBatch { seq, batch, transactions, certificate })
}

fn view_change() -> impl Strategy<Value = ViewChange> {
    (view(), stable(), vec(prepared(), 0..3)).prop_map(|(view, stable, prepared)| ViewChange { view, stable, prepared })
}

fn view_changes() -> impl Strategy<Value = Vec<Signed<ViewChange>>> {
    vec(signed(view_change()), 0..3)
}

fn new_view() -> impl Strategy<Value = NewView> {
    (view(), view_changes(), vec(signed(pre_prepare()), 0..3)).prop_map(|(view, view_changes, proposals)| NewView {
        view,
        view_changes,
        proposals,
    })
}

fn fetch() -> impl Strategy<Value = Fetch> {
    prop_oneof![
        vec(transaction_id(), 0..4).prop_map(Fetch::Transactions),
        digest().prop_map(Fetch::Batch),
        seq().prop_map(|after| Fetch::Committed { after }),
        number().prop_map(|start| Fetch::Held { start }),
        (seq(), vec(prefix(), 0..4), any::<u32>()).prop_map(|(checkpoint, parts, rows_up_to)| Fetch::State {
            checkpoint,
            parts,
            rows_up_to,
        }),
    ]
}

fn held() -> impl Strategy<Value = Held> {
    let vote = prop_oneof![
        signed(pre_prepare()).prop_map(HeldVote::PrePrepare),
        signed(prepare()).prop_map(HeldVote::Prepare),
        signed(commit()).prop_map(HeldVote::Commit),
    ];
    let view_change = option::of(signed(view_change()).prop_map(Box::new));
    (replica(), number(), view(), stable(), vec(vote, 0..4), view_change).prop_map(
        |(about, start, view, stable, votes, view_change)| Held { about, start, view, stable, votes, view_change },
    )
}

fn supply() -> impl Strategy<Value = Supply> {
    prop_oneof![
        vec(transaction(), 0..3).prop_map(Supply::Transactions),
        (batch(), vec(transaction(), 0..3)).prop_map(|(batch, transactions)| Supply::Batch { batch, transactions }),
        vec(committed_batch(), 0..3).prop_map(Supply::Committed),
        held().prop_map(Supply::Held),
        (seq(), vec((prefix(), part()), 0..3)).prop_map(|(checkpoint, parts)| Supply::State { checkpoint, parts }),
        seq().prop_map(|checkpoint| Supply::NoState { checkpoint }),
        stable().prop_map(Supply::Stable),
        (view(), seq(), batch()).prop_map(|(view, seq, batch)| Supply::Draft { view, seq, batch }),
    ]
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (signed(pre_prepare()), batch())
            .prop_map(|(pre_prepare, batch)| Message::PrePrepare(Proposal { pre_prepare, batch })),
        signed(prepare()).prop_map(Message::Prepare),
        signed(commit()).prop_map(Message::Commit),
        signed(checkpoint()).prop_map(Message::Checkpoint),
        signed(view_change()).prop_map(Message::ViewChange),
        signed(new_view()).prop_map(Message::NewView),
        signed(status()).prop_map(Message::Status),
        signed(fetch()).prop_map(Message::Fetch),
        signed(supply()).prop_map(Message::Supply),
    ]
}

pub(crate) fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        (pre_prepare(), batch()).prop_map(|(assignment, batch)| Payload::PrePrepare { assignment, batch }),
        prepare().prop_map(Payload::Prepare),
        commit().prop_map(Payload::Commit),
        checkpoint().prop_map(Payload::Checkpoint),
        view_change().prop_map(Payload::ViewChange),
        (view(), view_changes(), vec(pre_prepare(), 0..3))
            .prop_map(|(view, view_changes, proposals)| Payload::NewView { view, view_changes, proposals }),
        message().prop_map(|message| Payload::Again(Box::new(message))),
        status().prop_map(Payload::Status),
        fetch().prop_map(Payload::Fetch),
        supply().prop_map(Payload::Supply),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![bytes().prop_map(Outcome::Executed), Just(Outcome::Expired), Just(Outcome::ValidTooLong)]
}

fn path() -> impl Strategy<Value = MerklePath> {
    (any::<u32>(), any::<u32>(), vec(digest(), 0..12)).prop_map(|(index, leaves, siblings)| MerklePath {
        index,
        leaves,
        siblings,
    })
}

pub(crate) fn reply() -> impl Strategy<Value = Reply> {
    let decided = signed((seq(), digest()).prop_map(|(seq, root)| Results { seq, root }));
    let tentative =
        signed((view(), seq(), digest()).prop_map(|(view, seq, root)| TentativeResults { view, seq, root }));
    let results = prop_oneof![decided.prop_map(SignedResults::Decided), tentative.prop_map(SignedResults::Tentative)];
    (transaction_id(), outcome(), path(), results).prop_map(|(transaction, outcome, path, results)| Reply {
        transaction,
        outcome,
        path,
        results,
    })
}

pub(crate) fn reply_certificate() -> impl Strategy<Value = ReplyCertificate> {
    let tentative = option::of((view(), votes()).prop_map(|(view, votes)| TentativeVotes { view, votes }));
    (transaction(), outcome(), seq(), path(), votes(), tentative).prop_map(
        |(transaction, outcome, seq, path, votes, tentative)| ReplyCertificate {
            transaction,
            outcome,
            seq,
            path,
            votes,
            tentative,
        },
    )
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let query = prop_oneof![
        bytes().prop_map(Query::Read),
        bytes().prop_map(Query::ReadStale),
        (seq(), bytes()).prop_map(|(executed, question)| Query::ReadAfter { executed, question }),
        key().prop_map(Query::Nonce),
        transaction_id().prop_map(Query::Reply),
        transaction_id().prop_map(Query::Transaction),
        Just(Query::Status),
        (text(), bytes()).prop_map(|(table, key)| Query::Prove { table, key }),
    ];
    prop_oneof![transaction().prop_map(Request::Submit), query.prop_map(Request::Query)]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        prop::sample::select(vec![
            Refusal::Busy,
            Refusal::BadSignature,
            Refusal::WeakKey,
            Refusal::Expired,
            Refusal::ValidTooLong,
            Refusal::Unknown,
        ]),
        (digest(), digest()).prop_map(|(theirs, ours)| Refusal::WrongChain { theirs, ours }),
        (number(), number()).prop_map(|(actual, limit)| Refusal::TooLarge { actual, limit }),
        number().prop_map(|nonce| Refusal::NonceSpent { nonce }),
        number().prop_map(|nonce| Refusal::NonceContested { nonce }),
        number().prop_map(|nonce| Refusal::NonceForgotten { nonce }),
        text().prop_map(Refusal::NotServing),
        text().prop_map(Refusal::Malformed),
        seq().prop_map(|first| Refusal::NoCheckpoint { first }),
    ]
}

fn node_status() -> impl Strategy<Value = NodeStatus> {
    let mode = prop_oneof![
        prop::sample::select(vec![NodeMode::Normal, NodeMode::ChangingView, NodeMode::Recovering]),
        option::of(seq()).prop_map(|until| NodeMode::Silent { until }),
        text().prop_map(NodeMode::Halted),
    ];
    let who = (replica(), digest(), mode, view(), replica());
    let state = (seq(), seq(), digest(), number(), number(), timestamp());
    let counts = (number(), number(), number());
    (who, state, counts, option::of(transfer()), recovery()).prop_map(|(who, state, counts, transfer, recovery)| {
        let (pending, evidence, uptime_micros) = counts;
        let (replica, chain, mode, view, primary) = who;
        let (executed, stable_checkpoint, state_root, revision, stored_bytes, agreed_time) = state;
        NodeStatus {
            replica,
            chain,
            mode,
            view,
            primary,
            executed,
            stable_checkpoint,
            state_root,
            revision,
            stored_bytes,
            agreed_time,
            pending,
            evidence,
            uptime_micros,
            transfer,
            recovery,
        }
    })
}

fn recovery() -> impl Strategy<Value = Recovery> {
    (vec(text(), 0..3), number(), option::of(number()), number()).prop_map(
        |(findings, disk_micros, level_micros, rows_fetched)| Recovery {
            findings,
            disk_micros,
            level_micros,
            rows_fetched,
        },
    )
}

pub(crate) fn response() -> impl Strategy<Value = Response> {
    prop_oneof![
        reply().prop_map(Response::Reply),
        (seq(), bytes()).prop_map(|(executed, bytes)| Response::Answer(Answer { executed, bytes })),
        option::of(number()).prop_map(Response::Nonce),
        transaction().prop_map(Response::Transaction),
        node_status().prop_map(Response::Status),
        refusal().prop_map(Response::Refused),
        state_proof().prop_map(|proof| Response::Proof(Box::new(proof))),
    ]
}

pub(crate) fn state_proof() -> impl Strategy<Value = StateProof> {
    super::arbitrary_state::state_proof(stable())
}

pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        (signed(pre_prepare()), signed(pre_prepare())).prop_map(|(one, two)| Evidence::PrePrepare(one, two)),
        (signed(prepare()), signed(prepare())).prop_map(|(one, two)| Evidence::Prepare(one, two)),
        (signed(commit()), signed(commit())).prop_map(|(one, two)| Evidence::Commit(one, two)),
        (signed(checkpoint()), signed(checkpoint())).prop_map(|(one, two)| Evidence::Checkpoint(one, two)),
    ]
}

/// A sender as executing some transactions leaves it.
pub(crate) fn sender() -> impl Strategy<Value = Sender> {
    (vec(number(), 0..20), timestamp()).prop_map(|(spent, last_used)| {
        let mut nonces = NonceWindow::default();
        spent.into_iter().for_each(|nonce| {
            nonces.spend(nonce);
        });
        Sender { nonces, last_used }
    })
}

/// Addresses as people write them. A flow label or a scope is no part of the encoding.
fn address() -> impl Strategy<Value = SocketAddr> {
    any::<(IpAddr, u16)>().prop_map(SocketAddr::from)
}

/// A genesis of the right form; its numbers and keys may be refused by its check.
pub(crate) fn genesis() -> impl Strategy<Value = Genesis> {
    let member = (key(), address(), address()).prop_map(|(public_key, peer_address, client_address)| Member {
        public_key,
        peer_address,
        client_address,
    });
    let parameters =
        (number(), number()).prop_map(|(checkpoint_interval, window)| Parameters { checkpoint_interval, window });
    (text(), digest(), parameters, vec(member, 0..6)).prop_map(|(chain, salt, parameters, replicas)| Genesis {
        chain,
        salt,
        parameters,
        replicas,
    })
}

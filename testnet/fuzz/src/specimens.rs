//! One valid specimen of everything that is read, encoded.

use tetrarch_client::{proof_to_json, receipt_to_json, transaction_to_json};
use tetrarch_crypto::state_tree::{Branch, Page, Path, Prefix, TreeProof, value_digest};
use tetrarch_crypto::{Digest, MerkleTree, Signer, SigningKey};
use tetrarch_replica::Record;
use tetrarch_types::{
    Answer, Batch, Checkpoint, CheckpointCertificate, Commit, CommittedBatch, Evidence, Fetch, Genesis, Held, HeldVote,
    Member, Message, NewView, NodeMode, NodeStatus, NonceWindow, Outcome, Parameters, Payload, PrePrepare, Prepare,
    Proposal, Query, Recovery, Refusal, ReplicaId, Reply, ReplyCertificate, Request, Response, Results, Sender, SeqNum,
    Signed, SignedResults, StatePart, StateProof, StateRow, Status, Supply, TentativeResults, TentativeVotes,
    Timestamp, Transaction, TransferProgress, View, ViewChange, encode, result_leaf,
};

use crate::chain::{Chain, INTERVAL, WINDOW, id};
use crate::store_specimens;

/// How many replicas their chain has.
pub(crate) const SIZE: usize = 4;

const VIEW: View = View::new(5);
const SEQ: SeqNum = SeqNum::new(3);
const STABLE: SeqNum = SeqNum::new(2);

type Named = (&'static str, Vec<u8>);

/// The name of a decoder, and bytes that it takes.
pub(crate) fn all() -> Vec<Named> {
    let chain = Chain::new(SIZE);
    let mut all: Vec<Named> = messages(&chain).iter().map(|it| ("Message", encode(it))).collect();
    all.extend(records(&chain).iter().map(|it| ("Record", encode(it))));
    all.extend(clients(&chain));
    all.extend(proofs(&chain));
    all.extend(parts(&chain));
    all.extend(documents(&chain));
    all
}

fn row(number: usize) -> StateRow {
    let key = format!("key {number}").into_bytes();
    StateRow { table: "kv.records".into(), key, value: format!("value {number}").into_bytes() }
}

/// A state of one row, its root, and the page over it.
fn tiny_state() -> (StateRow, Digest, Page) {
    let row = row(1);
    let leaf = Branch::Leaf { path: row.path(), value: value_digest(&row.value) };
    let mut page = Page::default();
    page.set(row.path().nibble(0), leaf);
    let root = leaf.digest();
    (row, root, page)
}

fn view_change(chain: &Chain) -> ViewChange {
    let digest = |content| chain.batch(content, SEQ).0.digest();
    let prepared =
        vec![chain.prepared(View::new(2), SEQ, digest(1)), chain.prepared(View::new(4), SEQ.plus(2), digest(2))];
    ViewChange { view: VIEW, stable: chain.stable(STABLE, tiny_state().1), prepared }
}

fn new_view(chain: &Chain) -> Signed<NewView> {
    let primary = chain.membership.primary(VIEW);
    let movers = chain.ids().take(chain.membership.quorum());
    let view_changes: Vec<_> = movers.map(|mover| chain.signed(view_change(chain), mover)).collect();
    let digests = [chain.batch(1, SEQ).0.digest(), Batch::noop().digest(), chain.batch(2, SEQ).0.digest()];
    let proposals = (SEQ.get()..).map(SeqNum::new).zip(digests);
    let proposals =
        proposals.map(|(seq, digest)| chain.signed(PrePrepare { view: VIEW, seq, digest }, primary)).collect();
    chain.signed(NewView { view: VIEW, view_changes, proposals }, primary)
}

fn held(chain: &Chain) -> Held {
    let (about, view, seq, digest) = (chain.membership.primary(VIEW), VIEW, SEQ, chain.batch(1, SEQ).0.digest());
    let votes = vec![
        HeldVote::PrePrepare(chain.signed(PrePrepare { view, seq, digest }, about)),
        HeldVote::Prepare(chain.signed(Prepare { view, seq, digest }, about)),
        HeldVote::Commit(chain.signed(Commit { view, seq, digest }, about)),
    ];
    let view_change = Some(Box::new(chain.signed(view_change(chain), about)));
    Held { about, start: 7, view: View::new(3), stable: chain.stable(STABLE, tiny_state().1), votes, view_change }
}

fn committed(chain: &Chain) -> CommittedBatch {
    let (batch, transactions) = chain.batch(2, SEQ);
    let certificate = chain.committed(VIEW, SEQ, batch.digest());
    CommittedBatch { seq: SEQ, batch, transactions, certificate }
}

/// A message of every variant, and of every variant of a fetch and of a supply.
pub(crate) fn messages(chain: &Chain) -> Vec<Message> {
    let (view, seq) = (VIEW, SEQ);
    let (batch, transactions) = chain.batch(2, SEQ);
    let digest = batch.digest();
    let primary = chain.membership.primary(VIEW);
    let pre_prepare = chain.signed(PrePrepare { view, seq, digest }, primary);
    let state_root = tiny_state().1;
    let mut all = vec![
        Message::PrePrepare(Proposal { pre_prepare, batch: batch.clone() }),
        Message::Prepare(chain.signed(Prepare { view, seq, digest }, id(0))),
        Message::Commit(chain.signed(Commit { view, seq, digest }, id(0))),
        Message::Checkpoint(chain.signed(Checkpoint { seq: STABLE, state_root }, id(0))),
        Message::ViewChange(chain.signed(view_change(chain), id(0))),
        Message::NewView(new_view(chain)),
        Message::Status(
            chain.signed(Status { view, changing: true, executed: seq, stable: STABLE, slow: true }, id(0)),
        ),
    ];
    let fetches = [
        Fetch::Transactions(batch.transactions.clone()),
        Fetch::Batch(digest),
        Fetch::Committed { after: SEQ },
        Fetch::Held { start: 7 },
        Fetch::State { checkpoint: STABLE, parts: vec![Prefix::ROOT, Prefix::ROOT.child(3)], rows_up_to: 4_096 },
    ];
    all.extend(fetches.map(|fetch| Message::Fetch(chain.signed(fetch, id(0)))));
    let (row, _, page) = tiny_state();
    let rows = StatePart::Rows(vec![row]);
    let parts = vec![(Prefix::ROOT, rows), (Prefix::ROOT.child(1), StatePart::Page(Box::new(page)))];
    let supplies = [
        Supply::Transactions(transactions.clone()),
        Supply::Batch { batch: batch.clone(), transactions },
        Supply::Draft { view, seq, batch },
        Supply::Committed(vec![committed(chain)]),
        Supply::Held(held(chain)),
        Supply::State { checkpoint: STABLE, parts },
        Supply::NoState { checkpoint: STABLE },
        Supply::Stable(chain.stable(STABLE, state_root)),
    ];
    all.extend(supplies.map(|supply| Message::Supply(chain.signed(supply, id(0)))));
    all
}

fn records(chain: &Chain) -> Vec<Record> {
    let (batch, transactions) = chain.batch(2, SEQ);
    let new_view = new_view(chain);
    let NewView { view, view_changes, proposals } = new_view.payload.clone();
    let proposals = proposals.into_iter().map(|it| it.payload).collect();
    let pre_prepare = new_view.signature;
    vec![
        Record::Proposed { view, seq: SEQ, batch: batch.clone(), transactions: transactions.clone() },
        Record::Accepted { view, seq: SEQ, pre_prepare, batch: batch.clone(), transactions: transactions.clone() },
        Record::Drafted { view, seq: SEQ, batch: batch.clone(), transactions },
        Record::Prepared(chain.prepared(view, SEQ, batch.digest())),
        Record::ViewChanging { view },
        Record::Starting(Payload::NewView { view, view_changes, proposals }),
        Record::Entered(new_view),
        Record::Stable(chain.stable(STABLE, tiny_state().1)),
        Record::Lost,
        Record::Cured,
    ]
}

fn clients(chain: &Chain) -> Vec<Named> {
    let transaction = chain.transaction(1);
    let sender = transaction.body.sender;
    let queries = [
        Query::Read(b"k".to_vec()),
        Query::Nonce(sender),
        Query::Reply(transaction.id()),
        Query::Transaction(transaction.id()),
        Query::Status,
        Query::Prove { table: "kv.records".into(), key: b"k".to_vec() },
        Query::ReadAfter { executed: SEQ, question: b"k".to_vec() },
        Query::ReadStale(b"k".to_vec()),
    ];
    let mut all: Vec<Named> = queries.map(|query| ("Request", encode(&Request::Query(query)))).into();
    all.push(("Request", encode(&Request::Submit(transaction.clone()))));
    let responses = [
        Response::Reply(reply(chain)),
        Response::Answer(Answer { executed: SEQ, bytes: b"a".to_vec() }),
        Response::Nonce(Some(3)),
        Response::Transaction(transaction.clone()),
        Response::Status(node_status(chain)),
        Response::Refused(Refusal::NotServing("it recovers".into())),
        Response::Proof(Box::new(state_proof(chain))),
    ];
    all.extend(responses.map(|response| ("Response", encode(&response))));
    all.push(("Transaction", encode(&transaction)));
    all.extend(store_specimens::all());
    all
}

fn node_status(chain: &Chain) -> NodeStatus {
    NodeStatus {
        replica: id(1),
        chain: chain.membership.scope().genesis,
        mode: NodeMode::Silent { until: Some(SEQ) },
        view: VIEW,
        primary: ReplicaId::new(1),
        executed: SEQ,
        stable_checkpoint: STABLE,
        state_root: Digest::ZERO,
        revision: 1,
        stored_bytes: 4_096,
        agreed_time: Timestamp::ZERO,
        pending: 1,
        evidence: 0,
        uptime_micros: 5,
        transfer: Some(TransferProgress::default()),
        recovery: Recovery { findings: vec!["something".into()], ..Recovery::default() },
    }
}

fn results(transaction: &Transaction) -> (Outcome, MerkleTree) {
    let outcome = Outcome::Executed(b"done".to_vec());
    let tree = MerkleTree::new(vec![result_leaf(&transaction.id(), &outcome), Digest::from_bytes([5; 32])]);
    (outcome, tree)
}

fn reply(chain: &Chain) -> Reply {
    let transaction = chain.transaction(1);
    let (outcome, tree) = results(&transaction);
    let results = SignedResults::Decided(chain.signed(Results { seq: SEQ, root: tree.root() }, id(2)));
    Reply { transaction: transaction.id(), outcome, path: tree.path(0).expect("it has two leaves"), results }
}

fn reply_certificate(chain: &Chain) -> ReplyCertificate {
    let transaction = chain.transaction(1);
    let (outcome, tree) = results(&transaction);
    let votes = chain.votes(&Results { seq: SEQ, root: tree.root() }, chain.membership.weak_quorum(), chain.ids());
    let path = tree.path(0).expect("it has two leaves");
    ReplyCertificate { transaction, outcome, seq: SEQ, path, votes, tentative: None }
}

/// Of what is prepared, and decided for one of those who signed it.
fn tentative_certificate(chain: &Chain) -> ReplyCertificate {
    let decided = reply_certificate(chain);
    let root = reply(chain).results.root();
    let votes = chain.votes(&TentativeResults { view: VIEW, seq: SEQ, root }, chain.membership.quorum(), chain.ids());
    let tentative = Some(TentativeVotes { view: VIEW, votes: votes[1..].to_vec() });
    ReplyCertificate { votes: decided.votes[..1].to_vec(), tentative, ..decided }
}

fn state_proof(chain: &Chain) -> StateProof {
    let (StateRow { table, key, value }, root, page) = tiny_state();
    let path = Path::of(&table, &key);
    let proof = TreeProof::build(&path, |_| Ok::<_, std::convert::Infallible>(page.clone()));
    let proof = proof.unwrap_or_default();
    StateProof { certificate: chain.stable(STABLE, root), table, key, value: Some(value), proof }
}

fn proofs(chain: &Chain) -> Vec<Named> {
    let (view, seq) = (VIEW, SEQ);
    let [one, two] = [1, 2].map(|content| {
        let digest = chain.batch(content, SEQ).0.digest();
        chain.signed(Commit { view, seq, digest }, id(1))
    });
    vec![
        ("Reply", encode(&reply(chain))),
        ("ReplyCertificate", encode(&reply_certificate(chain))),
        ("ReplyCertificate", encode(&tentative_certificate(chain))),
        ("StateProof", encode(&state_proof(chain))),
        ("CommittedBatch", encode(&committed(chain))),
        ("Evidence", encode(&Evidence::Commit(one, two))),
    ]
}

fn parts(chain: &Chain) -> Vec<Named> {
    let (row, _, page) = tiny_state();
    let mut nonces = NonceWindow::default();
    for nonce in [1, 2, 3, 90] {
        nonces.spend(nonce);
    }
    vec![
        ("Payload", encode(&Payload::ViewChange(view_change(chain)))),
        ("Held", encode(&held(chain))),
        ("StatePart", encode(&StatePart::Page(Box::new(page)))),
        ("StateRow", encode(&row)),
        ("Sender", encode(&Sender { nonces, last_used: Timestamp::ZERO })),
        ("Genesis", encode(&genesis())),
    ]
}

fn genesis() -> Genesis {
    let member = |seed: u8| Member {
        public_key: SigningKey::from_seed([seed; 32]).public_key(),
        peer_address: ([127, 0, 0, 1], 7_000 + u16::from(seed)).into(),
        client_address: ([127, 0, 0, 1], 8_000 + u16::from(seed)).into(),
    };
    let parameters = Parameters { checkpoint_interval: INTERVAL, window: WINDOW };
    let replicas = (1..=4).map(member).collect();
    Genesis { chain: "fuzz".into(), salt: Digest::from_bytes([9; 32]), parameters, replicas }
}

fn documents(chain: &Chain) -> Vec<Named> {
    let proof = StateProof { certificate: CheckpointCertificate::genesis(), ..state_proof(chain) };
    vec![
        ("genesis.json", genesis().to_json().into_bytes()),
        ("transaction.json", transaction_to_json(&chain.transaction(1)).into_bytes()),
        ("receipt.json", receipt_to_json(&reply_certificate(chain)).into_bytes()),
        ("receipt.json", receipt_to_json(&tentative_certificate(chain)).into_bytes()),
        ("proof.json", proof_to_json(&chain.membership.scope().genesis, &proof).into_bytes()),
    ]
}

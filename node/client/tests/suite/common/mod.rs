//! Fake replicas behind the real transport: each answers as its script says.

pub(crate) mod state;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tetrarch_client::{Client, ClientOptions};
use tetrarch_crypto::{Digest, Domain, MerkleTree, Signer, SigningKey};
use tetrarch_transport::{ClientLimits, ClientListener, Incoming, ListenerConfig};
use tetrarch_types::{
    Answer, Genesis, Member, Membership, NodeMode, NodeStatus, Outcome, Parameters, Query, Recovery, Refusal,
    ReplicaId, Reply, Request, Response, Results, SeqNum, Signed, SignedResults, TentativeResults, Timestamp,
    Transaction, TransactionId, View, result_leaf,
};
use tokio::sync::mpsc;

/// A client that waits for an answer longer than a busy machine stands still.
pub(crate) const OPTIONS: ClientOptions = ClientOptions {
    timeout: Duration::from_secs(20),
    retransmit_interval: Duration::from_millis(150),
    validity: Duration::from_secs(300),
};

/// One that does not wait long for what does not come.
pub(crate) const HASTY: ClientOptions = ClientOptions { timeout: Duration::from_millis(1_500), ..OPTIONS };

/// What a fake replica knows.
#[derive(Clone)]
pub(crate) struct Me {
    pub(crate) id: ReplicaId,
    pub(crate) key: SigningKey,
    pub(crate) membership: Arc<Membership>,
    /// Transactions it was sent.
    pub(crate) seen: Arc<Mutex<BTreeMap<TransactionId, Transaction>>>,
    /// How many requests came before this one.
    pub(crate) count: usize,
}

/// What a fake replica answers; nothing, if it is to be silent.
pub(crate) type Script = Arc<dyn Fn(&Me, &Request) -> Option<Response> + Send + Sync>;

pub(crate) fn script(script: impl Fn(&Me, &Request) -> Option<Response> + Send + Sync + 'static) -> Script {
    Arc::new(script)
}

pub(crate) struct Cluster {
    pub(crate) genesis: Genesis,
    pub(crate) seen: Vec<Arc<Mutex<BTreeMap<TransactionId, Transaction>>>>,
    _listeners: Vec<Option<ClientListener>>,
}

impl Cluster {
    /// A script for each replica; none is one that is down.
    pub(crate) async fn start(scripts: Vec<Option<Script>>) -> Self {
        let keys: Vec<SigningKey> = (0..scripts.len()).map(key).collect();
        let nowhere: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let member =
            |key: &SigningKey| Member { public_key: key.public_key(), peer_address: nowhere, client_address: nowhere };
        let mut genesis = Genesis {
            chain: "test".into(),
            salt: Digest::ZERO,
            parameters: Parameters::default(),
            replicas: keys.iter().map(member).collect(),
        };
        let membership = Arc::new(genesis.membership());
        let (mut listeners, mut seen) = (Vec::new(), Vec::new());
        for (index, script) in scripts.into_iter().enumerate() {
            let me = Me {
                id: ReplicaId::new(u16::try_from(index).unwrap()),
                key: keys[index].clone(),
                membership: Arc::clone(&membership),
                seen: Arc::default(),
                count: 0,
            };
            seen.push(Arc::clone(&me.seen));
            let listener = match script {
                Some(script) => Some(serve(me, script).await),
                None => None,
            };
            let closed = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            genesis.replicas[index].client_address =
                listener.as_ref().map_or_else(closed, ClientListener::local_address);
            listeners.push(listener);
        }
        Self { genesis, seen, _listeners: listeners }
    }

    /// All honest but those named.
    pub(crate) async fn with(n: usize, others: impl IntoIterator<Item = (usize, Option<Script>)>) -> Self {
        let mut scripts: Vec<Option<Script>> = (0..n).map(|_| Some(script(honest))).collect();
        for (index, script) in others {
            scripts[index] = script;
        }
        Self::start(scripts).await
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(OPTIONS)
    }

    pub(crate) fn hasty_client(&self) -> Client {
        self.client_with(HASTY)
    }

    pub(crate) fn client_with(&self, options: ClientOptions) -> Client {
        Client::new(&self.genesis, SigningKey::from_seed([200; 32]), options).unwrap()
    }

    /// The transactions that a replica was sent.
    pub(crate) fn sent_to(&self, replica: usize) -> Vec<Transaction> {
        self.seen[replica].lock().unwrap().values().cloned().collect()
    }
}

pub(crate) fn key(index: usize) -> SigningKey {
    SigningKey::from_seed([u8::try_from(index).unwrap() + 1; 32])
}

async fn serve(me: Me, script: Script) -> ClientListener {
    let (inbound, mut incoming) = mpsc::channel::<Incoming>(64);
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = ListenerConfig { listen, key: me.key.clone(), limits: ClientLimits::default() };
    let listener = ClientListener::start(config, inbound).await.unwrap();
    let count = AtomicUsize::new(0);
    tokio::spawn(async move {
        let mut unanswered = Vec::new();
        while let Some(Incoming { request, responder }) = incoming.recv().await {
            let me = Me { count: count.fetch_add(1, Ordering::Relaxed), ..me.clone() };
            if let Request::Submit(transaction) = &request {
                me.seen.lock().unwrap().insert(transaction.id(), transaction.clone());
            }
            match script(&me, &request) {
                Some(response) => responder.send(response),
                None => unanswered.push(responder),
            }
        }
    });
    listener
}

/// What an honest replica answers in these tests: everything executes at sequence number 7 with the result `ok`.
pub(crate) fn honest(me: &Me, request: &Request) -> Option<Response> {
    Some(match request {
        Request::Submit(transaction) => Response::Reply(reply(me, transaction.id(), &ok())),
        Request::Query(Query::Nonce(_)) => Response::Nonce(Some(10)),
        Request::Query(Query::Read(query) | Query::ReadStale(query) | Query::ReadAfter { question: query, .. }) => {
            Response::Answer(Answer { executed: SeqNum::new(7), bytes: query.iter().rev().copied().collect() })
        }
        Request::Query(Query::Reply(id)) if me.seen.lock().unwrap().contains_key(id) => {
            Response::Reply(reply(me, *id, &ok()))
        }
        Request::Query(Query::Transaction(id)) => match me.seen.lock().unwrap().get(id) {
            Some(transaction) => Response::Transaction(transaction.clone()),
            None => Response::Refused(Refusal::Unknown),
        },
        Request::Query(Query::Status) => Response::Status(status(me)),
        Request::Query(Query::Reply(_)) => Response::Refused(Refusal::Unknown),
        Request::Query(Query::Prove { .. }) => {
            Response::Proof(Box::new(state::proof(&me.membership, 128, Some(b"hello"))))
        }
    })
}

pub(crate) fn ok() -> Outcome {
    Outcome::Executed(b"ok".to_vec())
}

/// A reply that holds, for an outcome that may be a lie.
pub(crate) fn reply(me: &Me, id: TransactionId, outcome: &Outcome) -> Reply {
    reply_at(me, id, outcome, SeqNum::new(7))
}

pub(crate) fn reply_at(me: &Me, transaction: TransactionId, outcome: &Outcome, seq: SeqNum) -> Reply {
    let neighbour = Digest::of(Domain::ResultLeaf, &[b"neighbour"]);
    let tree = MerkleTree::new(vec![neighbour, result_leaf(&transaction, outcome), neighbour]);
    let results = Results { seq, root: tree.root() };
    Reply {
        transaction,
        outcome: outcome.clone(),
        path: tree.path(1).unwrap(),
        results: SignedResults::Decided(Signed::new(results, me.id, me.membership.scope(), &me.key)),
    }
}

/// The same of a batch that is prepared in a view, and not decided.
pub(crate) fn tentative_reply(me: &Me, transaction: TransactionId, outcome: &Outcome, view: View) -> Reply {
    let decided = reply(me, transaction, outcome);
    let results = TentativeResults { view, seq: decided.results.seq(), root: decided.results.root() };
    let signed = Signed::new(results, me.id, me.membership.scope(), &me.key);
    Reply { results: SignedResults::Tentative(signed), ..decided }
}

/// What it signed, to be spoilt.
pub(crate) fn signed(reply: &mut Reply) -> &mut Signed<Results> {
    match &mut reply.results {
        SignedResults::Decided(signed) => signed,
        SignedResults::Tentative(_) => panic!("it is of what is decided"),
    }
}

pub(crate) fn status(me: &Me) -> NodeStatus {
    NodeStatus {
        replica: me.id,
        chain: me.membership.scope().genesis,
        mode: NodeMode::Normal,
        view: View::ZERO,
        primary: ReplicaId::ZERO,
        executed: SeqNum::new(7),
        stable_checkpoint: SeqNum::ZERO,
        state_root: Digest::ZERO,
        revision: 3,
        stored_bytes: 100_000,
        agreed_time: Timestamp::ZERO,
        pending: 0,
        evidence: 0,
        uptime_micros: 1,
        transfer: None,
        recovery: Recovery::default(),
    }
}

/// Honest, but for how it answers submissions and asks for replies.
pub(crate) fn answering(
    lie: impl Fn(&Me, TransactionId) -> Option<Response> + Send + Sync + 'static,
) -> Option<Script> {
    Some(script(move |me, request| match request {
        Request::Submit(transaction) => lie(me, transaction.id()),
        Request::Query(Query::Reply(id)) => lie(me, *id),
        other => honest(me, other),
    }))
}

/// Takes everything and answers nothing.
pub(crate) fn silent() -> Option<Script> {
    Some(script(|_, _| None))
}

/// Refuses whatever is submitted.
pub(crate) fn refusing(refusal: Refusal) -> Option<Script> {
    answering(move |_, _| Some(Response::Refused(refusal.clone())))
}

pub(crate) fn ids(ids: impl IntoIterator<Item = u16>) -> Vec<ReplicaId> {
    ids.into_iter().map(ReplicaId::new).collect()
}

//! A cluster of one store in memory, that orders by itself and stamps batches with this machine's clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tetrarch_crypto::{Digest, PublicKey, Signature};
use tetrarch_kv::{Command, CommandResult, Execution, KvMachine, KvQuery, QueryResult, Retention};
use tetrarch_kv_client::{Backend, BackendError, ClusterStatus, Freshness, Replica, Standing, Told};
use tetrarch_storage::MemoryStore;
use tetrarch_types::{
    Batch, CommitCertificate, CommittedBatch, Epoch, Membership, Outcome, Parameters, ReplicaId, SeqNum, Timestamp,
    Transaction, TransactionBody, View,
};

/// The first of four members.
const FIRST_MEMBER: u64 = 0x1ead;

/// The view that it begins in, whose primary is the first member.
const FIRST_VIEW: u64 = 3;

/// A member's id by its place in the turn: it leads the views that are so far behind the first, and every fourth behind that.
pub(crate) const fn member(turn: u64) -> u64 {
    FIRST_MEMBER + turn % 4
}

pub(crate) struct Local {
    execution: Execution<KvMachine, Arc<MemoryStore>>,
    membership: Membership,
    /// The last batch, and the last nonce with it.
    last: Mutex<u64>,
    /// Views that came to an end.
    pub(crate) turn: AtomicU64,
}

impl Local {
    pub(crate) fn new() -> Self {
        let parameters = Parameters { checkpoint_interval: 1_024, window: 2_048 };
        let keys = vec![PublicKey::from_bytes([2; 32])];
        let membership = Membership::new(Digest::from_bytes([7; 32]), Epoch::ZERO, parameters, keys);
        let store = Arc::new(MemoryStore::new());
        Execution::<KvMachine, _>::init(&store, &membership).unwrap();
        let execution = Execution::open(KvMachine, store, &membership, Retention::default()).unwrap();
        Self { execution, membership, last: Mutex::new(0), turn: AtomicU64::new(0) }
    }

    /// Executes a batch of these commands, now. Without any, time alone goes on.
    fn execute(&self, command: Option<&Command>) -> Option<Outcome> {
        let mut last = self.last.lock().unwrap();
        *last += 1;
        let transactions: Vec<Transaction> = command.map(|command| transaction(*last, command)).into_iter().collect();
        let batch = Batch { timestamp: clock(), transactions: transactions.iter().map(Transaction::id).collect() };
        let seq = SeqNum::new(*last);
        let certificate = CommitCertificate { view: View::ZERO, seq, digest: batch.digest(), commits: Vec::new() };
        let executed = self.execution.execute(&CommittedBatch { seq, batch, transactions, certificate }).unwrap();
        self.leave(executed.leaves);
        executed.replies.into_iter().next().map(|reply| reply.outcome)
    }

    /// The primary gives way, if it is asked to.
    fn leave(&self, leaves: Option<View>) {
        if leaves.is_some_and(|view| view.get() == self.standing().view) {
            self.turn.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn revision(&self) -> u64 {
        self.ask(&KvQuery::Leases { from: 0 }).revision
    }

    fn ask(&self, query: &KvQuery) -> QueryResult {
        QueryResult::decode(&self.execution.query(&query.encode()).unwrap().bytes).unwrap()
    }
}

impl Backend for Local {
    async fn order(&self, command: &Command) -> Result<CommandResult, BackendError> {
        match self.execute(Some(command)) {
            Some(Outcome::Executed(bytes)) => {
                CommandResult::decode(&bytes).map_err(|error| BackendError::Unreadable(error.to_string()))
            }
            other => Err(BackendError::Unavailable(format!("{other:?}"))),
        }
    }

    /// Time goes on here with every question, as it does in a cluster that has leases.
    async fn query(&self, query: &KvQuery, _: Freshness) -> Result<QueryResult, BackendError> {
        self.execute(None);
        Ok(self.ask(query))
    }

    /// The one replica there is.
    async fn tell(&self, _: ReplicaId, query: &KvQuery, behind: Option<SeqNum>) -> Result<Told, BackendError> {
        let until = Instant::now() + Duration::from_secs(10);
        while behind.is_some_and(|behind| self.execution.executed() <= behind) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answer =
            self.execution.query(&query.encode()).map_err(|error| BackendError::Unavailable(error.to_string()))?;
        let result = QueryResult::decode(&answer.bytes).map_err(|error| BackendError::Unreadable(error.to_string()))?;
        Ok(Told { executed: answer.executed, result })
    }

    fn membership(&self) -> Membership {
        self.membership.clone()
    }

    async fn status(&self) -> Result<ClusterStatus, BackendError> {
        let replica = |number: u64| Replica {
            id: member(number),
            name: format!("replica-{number}"),
            url: format!("quic://127.0.0.1:{}", 7_000 + number),
        };
        Ok(ClusterStatus {
            standing: self.standing(),
            has_begun: true,
            next_primary: member(self.turn.load(Ordering::SeqCst) + 1),
            revision: self.revision(),
            executed: self.execution.executed().get(),
            stored_bytes: 20_480,
            replicas: (0..4).map(replica).collect(),
            troubles: Vec::new(),
        })
    }

    fn standing(&self) -> Standing {
        let turn = self.turn.load(Ordering::SeqCst);
        Standing { cluster_id: 0xc1_05_7e, member_id: member(turn), view: FIRST_VIEW + turn }
    }

    fn leader_seen(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        clock()
    }
}

fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap())
}

fn transaction(nonce: u64, command: &Command) -> Transaction {
    let body = TransactionBody {
        chain: Digest::from_bytes([7; 32]),
        sender: PublicKey::from_bytes([1; 32]),
        nonce,
        valid_until: clock().plus(Duration::from_secs(600)),
        command: command.encode(),
    };
    Transaction { body, signature: Signature::from_bytes([1; 64]) }
}

//! Execution on a simulated disk, and answers to clients.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use tetrarch_kv::{Executed, Execution, Fate, KvMachine, Retention, StoredReply};
use tetrarch_storage::FaultyStore;
use tetrarch_types::{
    Applied, CommittedBatch, Refusal, ReplicaId, Reply, Response, Results, SeqNum, Signed, Transaction, TransactionId,
};

use super::{Act, Disk};
use crate::chain::Chain;

/// No state transfer yet: everything decided stays at hand.
const RETENTION: Retention = Retention { batches: 1 << 40 };

/// Makes an empty disk the start of the chain.
pub(super) fn init(disk: &Disk, chain: &Chain) -> Result<(), String> {
    Execution::<KvMachine, _>::init(&disk.store, chain.scope().genesis).map_err(|error| error.to_string())
}

/// What executes, what waits to be executed, and who waits for it.
pub struct Executor {
    id: ReplicaId,
    execution: Execution<KvMachine, Arc<FaultyStore>>,
    queue: VecDeque<Rc<CommittedBatch>>,
    waiting: BTreeMap<TransactionId, BTreeSet<usize>>,
}

/// What becomes of a client's transaction.
pub(super) enum Admitted {
    /// The replica is to order it.
    New,
    /// It needs no ordering.
    Answered(Box<Response>),
}

impl Executor {
    pub(super) fn open(id: ReplicaId, disk: &Disk, chain: &Chain) -> Result<Self, String> {
        let interval = chain.membership.parameters().checkpoint_interval;
        let store = disk.store.clone();
        let execution = Execution::open(KvMachine, store, chain.scope().genesis, interval, RETENTION)
            .map_err(|error| error.to_string())?;
        Ok(Self { id, execution, queue: VecDeque::new(), waiting: BTreeMap::new() })
    }

    pub(super) fn applied(&self) -> Result<Applied, String> {
        self.execution.applied().map_err(|error| error.to_string())
    }

    /// How far it is.
    pub fn executed(&self) -> SeqNum {
        self.execution.executed()
    }

    /// What it remembers of a transaction.
    pub fn reply(&self, id: &TransactionId) -> Option<StoredReply> {
        self.execution.reply(id).ok().flatten()
    }

    pub(super) fn committed_after(&self, after: SeqNum) -> Result<Vec<CommittedBatch>, String> {
        self.execution.committed_after(after).map_err(|error| error.to_string())
    }

    /// Queues a batch; whether it is the only one, so that its execution starts now.
    pub(super) fn enqueue(&mut self, batch: Rc<CommittedBatch>) -> bool {
        self.queue.push_back(batch);
        self.queue.len() == 1
    }

    /// Executes the first batch in the queue.
    pub(super) fn execute_next(&mut self) -> Result<Option<Executed>, String> {
        let Some(batch) = self.queue.pop_front() else { return Ok(None) };
        self.execution.execute(&batch).map(Some).map_err(|error| error.to_string())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// A client asks for a transaction to be carried out.
    pub(super) fn admit(&mut self, client: usize, transaction: &Transaction, chain: &Chain) -> Admitted {
        let id = transaction.id();
        if let Some(stored) = self.reply(&id) {
            return Admitted::Answered(Box::new(self.response(stored, chain)));
        }
        let (sender, nonce) = (&transaction.body.sender, transaction.body.nonce);
        let refusal = match self.execution.fate(&id, sender, nonce) {
            Ok(Fate::Never) => Some(Refusal::NonceSpent { nonce }),
            Ok(Fate::Forgotten) => Some(Refusal::NonceForgotten { nonce }),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Admitted::Answered(Box::new(Response::Refused(refusal)));
        }
        self.waiting.entry(id).or_default().insert(client);
        Admitted::New
    }

    /// Tells those who wait for what was just executed.
    pub(super) fn answer(&mut self, executed: &Executed, chain: &Chain, acts: &mut Vec<Act>) {
        for stored in &executed.replies {
            for client in self.waiting.remove(&stored.transaction).unwrap_or_default() {
                acts.push(Act::Respond { client, response: self.response(stored.clone(), chain) });
            }
        }
    }

    /// Tells those who wait for a transaction that it is refused. That a nonce is spent is passed on only by
    /// [`admit`](Self::admit), which knows by what: the batch that spends it may not be executed yet.
    pub(super) fn refuse(&mut self, transaction: &TransactionId, refusal: &Refusal, acts: &mut Vec<Act>) {
        if matches!(refusal, Refusal::NonceSpent { .. }) {
            return;
        }
        for client in self.waiting.remove(transaction).unwrap_or_default() {
            acts.push(Act::Respond { client, response: Response::Refused(refusal.clone()) });
        }
    }

    fn response(&self, stored: StoredReply, chain: &Chain) -> Response {
        let StoredReply { transaction, seq, outcome, path, results_root } = stored;
        let Some(signer) = chain.replica(self.id) else { return Response::Refused(Refusal::Unknown) };
        let results = Signed::new(Results { seq, root: results_root }, self.id, chain.scope(), signer.as_ref());
        Response::Reply(Reply { transaction, outcome, path, results })
    }
}

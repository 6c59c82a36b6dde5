//! Execution on a simulated disk, the installation of fetched states, and answers to clients.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_kv::{Executed, Fate, InstallEvent, Installation, QueryError, Retention, StoredReply};
use tetrarch_replica::{Input, PreparedBatch};
use tetrarch_storage::StoreError;
use tetrarch_types::{
    Applied, CheckpointCertificate, CommittedBatch, Payload, Refusal, ReplicaId, Reply, Response, Results, SeqNum,
    Signable, Signed, SignedResults, Supply, TentativeResults, Time, Transaction, TransactionId, View,
};

use super::fault::Fault;
use super::recovery::State;
use super::{Act, Disk};
use crate::chain::Chain;
use crate::faults::{NodeTrouble, WritePoint};
use crate::sight::Sight;

/// What the driver has done to the state.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// A decided batch, the next one; whether the journal has it prepared.
    Execute { batch: Rc<CommittedBatch>, prepared: bool },
    /// What the next batch would come to, before it is decided.
    ExecuteTentatively(PreparedBatch),
    /// Its clients may be told.
    ReplyTentatively { view: View, seq: SeqNum },
    /// A checkpoint is stable.
    Stable(SeqNum),
    /// The state at this checkpoint is to replace the one here.
    Fetch(CheckpointCertificate),
    /// A peer's answer to what was asked for it.
    Arrived { from: ReplicaId, supply: Supply },
    /// The installation's time has come.
    Wake,
}

/// What executes, what waits to be done, and who waits for it.
pub struct Executor {
    id: ReplicaId,
    execution: State,
    installation: Installation,
    queue: VecDeque<Job>,
    waiting: BTreeMap<TransactionId, BTreeSet<usize>>,
    /// What was worked out last of a batch that is not decided: its view and number, and the replies.
    tentative: Option<(View, SeqNum, Vec<StoredReply>)>,
}

/// What a job came to.
#[derive(Default)]
pub(super) struct Done {
    /// For the replica.
    pub(super) inputs: Vec<Input>,
    /// To be said to peers.
    pub(super) payloads: Vec<(ReplicaId, Payload)>,
}

/// What becomes of a client's transaction.
pub(super) enum Admitted {
    /// The replica is to order it.
    New,
    /// It needs no ordering.
    Answered(Box<Response>),
    /// The state cannot be read.
    Damaged(String),
}

impl Executor {
    pub(super) fn new(id: ReplicaId, execution: State, chain: &Chain) -> Self {
        let peers = chain.membership.ids().filter(|other| *other != id).collect();
        let installation = Installation::new(peers);
        Self { id, execution, installation, queue: VecDeque::new(), waiting: BTreeMap::new(), tentative: None }
    }

    pub(super) fn applied(&self) -> Result<Applied, StoreError> {
        self.execution.applied()
    }

    /// Whether the state here is that of no batch.
    pub fn is_damaged(&self) -> bool {
        self.execution.is_damaged()
    }

    /// How far it is.
    pub fn executed(&self) -> SeqNum {
        self.execution.executed()
    }

    /// What it remembers of a transaction.
    pub fn reply(&self, id: &TransactionId) -> Option<StoredReply> {
        self.execution.reply(id).ok().flatten()
    }

    pub(super) fn committed_after(&self, after: SeqNum) -> Result<Vec<CommittedBatch>, StoreError> {
        self.execution.committed_after(after)
    }

    /// What a peer that asks for parts of a state is told.
    pub(super) fn parts(
        &self,
        to: ReplicaId,
        now: Time,
        checkpoint: SeqNum,
        parts: &[Prefix],
        rows_up_to: u32,
    ) -> Result<Supply, StoreError> {
        self.execution.hold_snapshot(to, checkpoint, now)?;
        let parts = self.execution.parts(checkpoint, parts, rows_up_to)?;
        Ok(parts.map_or(Supply::NoState { checkpoint }, |parts| Supply::State { checkpoint, parts }))
    }

    /// Queues a job; whether it is the only one, so that it begins now.
    pub(super) fn enqueue(&mut self, job: Job) -> bool {
        self.queue.push_back(job);
        self.queue.len() == 1
    }

    /// When the installation wants to be woken, unless that waits in the queue already.
    pub(super) fn wakes_at(&self) -> Option<Time> {
        let is_queued = self.queue.iter().any(|job| matches!(job, Job::Wake));
        self.installation.deadline().filter(|_| !is_queued)
    }

    /// Does the first job in the queue.
    pub(super) fn work(&mut self, now: Time, disk: &Disk, chain: &Chain, acts: &mut Vec<Act>) -> Result<Done, Fault> {
        let mut done = Done::default();
        match self.queue.pop_front() {
            Some(Job::Execute { batch, prepared }) => {
                let is_taken = |done: &Result<Executed, _>| done.as_ref().is_ok_and(|it| it.snapshot_error.is_none());
                let state = &self.execution;
                let run = || if prepared { state.execute(&batch) } else { state.execute_durably(&batch) };
                let execute = || disk.with_snapshot(run, is_taken);
                let executed = disk.at(WritePoint::Batch, execute);
                let complaint = self.execution.machine().take_complaint();
                acts.extend(complaint.map(|what| Act::Saw(Sight::Misbehaved { by: self.id, what })));
                let executed = executed?;
                self.report(executed, chain, &mut done, acts);
            }
            Some(Job::ExecuteTentatively(batch)) => self.execute_tentatively(batch, acts),
            Some(Job::ReplyTentatively { view, seq }) => self.reply_tentatively(view, seq, chain, acts),
            Some(Job::Stable(checkpoint)) => self.execution.retire_snapshots(checkpoint, now)?,
            Some(job) => self.install(job, now, disk, &mut done, acts)?,
            None => {}
        }
        Ok(done)
    }

    fn install(&mut self, job: Job, now: Time, disk: &Disk, done: &mut Done, acts: &mut Vec<Act>) -> Result<(), Fault> {
        let mut events = Vec::new();
        let (state, installation) = (&self.execution, &mut self.installation);
        disk.at(WritePoint::Install, || match job {
            Job::Fetch(target) => installation.begin(state, target, now, &mut events),
            Job::Arrived { from, supply } => installation.arrived(state, now, from, supply, &mut events),
            Job::Wake => installation.wake(state, now, &mut events),
            Job::Execute { .. } | Job::ExecuteTentatively(_) | Job::ReplyTentatively { .. } | Job::Stable(_) => Ok(()),
        })?;
        events.into_iter().for_each(|event| self.tell(event, done, acts));
        Ok(())
    }

    /// As the server does: what cannot be worked out is not told.
    fn execute_tentatively(&mut self, batch: PreparedBatch, acts: &mut Vec<Act>) {
        let PreparedBatch { view, seq, batch, transactions } = batch;
        let replies = self.execution.execute_tentatively(seq, &batch, &transactions);
        let complaint = self.execution.machine().take_complaint();
        acts.extend(complaint.map(|what| Act::Saw(Sight::Misbehaved { by: self.id, what })));
        self.tentative = replies.ok().map(|replies| (view, seq, replies));
    }

    /// Tells those who wait for a batch that is prepared. What anybody is told is seen, whether somebody waits or not.
    fn reply_tentatively(&mut self, view: View, seq: SeqNum, chain: &Chain, acts: &mut Vec<Act>) {
        let told = self.tentative.take().filter(|(of, at, _)| (*of, *at) == (view, seq));
        let Some((view, seq, replies)) = told else { return };
        let root = replies.first().map(|stored| stored.results_root);
        acts.extend(
            root.map(|root| Act::Saw(Sight::ToldEarly { by: self.id, results: TentativeResults { view, seq, root } })),
        );
        acts.push(Act::Count("told-early"));
        for stored in replies {
            for client in self.waiting.remove(&stored.transaction).unwrap_or_default() {
                let (about, response) =
                    (stored.transaction, Box::new(self.tentative_response(stored.clone(), view, chain)));
                acts.push(Act::Respond { client, about, response });
            }
        }
    }

    fn report(&mut self, executed: Executed, chain: &Chain, done: &mut Done, acts: &mut Vec<Act>) {
        let seq = executed.seq;
        done.inputs.push(Input::Executed { seq, alarm: executed.alarm, leaves: executed.leaves });
        done.inputs.extend(executed.checkpoint.map(|state_root| Input::Snapshotted { seq, state_root }));
        if executed.snapshot_error.is_some() {
            acts.push(Act::Count(WritePoint::Snapshot.name()));
            acts.push(Act::Struck(NodeTrouble::FullDisk));
        }
        self.answer(&executed, chain, acts);
        acts.push(Act::Saw(Sight::Executed { by: self.id, executed }));
    }

    fn tell(&self, event: InstallEvent, done: &mut Done, acts: &mut Vec<Act>) {
        match event {
            InstallEvent::Ask { to, fetch } => done.payloads.push((to, Payload::Fetch(fetch))),
            InstallEvent::Liar { .. } => acts.push(Act::Count("liar-convicted")),
            InstallEvent::Installed { certificate, applied } => {
                acts.push(Act::Count("state-installed"));
                acts.push(Act::Saw(Sight::Restarted { by: self.id, executed: applied.executed }));
                done.inputs.push(Input::StateInstalled { certificate, applied });
            }
            InstallEvent::Gone { checkpoint } => done.inputs.push(Input::StateGone { checkpoint }),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// A client asks for a transaction to be carried out.
    pub(super) fn admit(&mut self, client: usize, transaction: &Transaction, chain: &Chain) -> Admitted {
        let id = transaction.id();
        match self.execution.reply(&id) {
            Ok(Some(stored)) => return Admitted::Answered(Box::new(self.response(stored, chain))),
            Err(QueryError::Store(error @ StoreError::Corrupt { .. })) => return Admitted::Damaged(error.to_string()),
            _ => {}
        }
        let nonce = transaction.body.nonce;
        let refusal = match self.execution.fate(&id, &transaction.body) {
            Ok(Fate::Never) => Some(Refusal::NonceSpent { nonce }),
            Ok(Fate::Forgotten) => Some(Refusal::NonceForgotten { nonce }),
            Ok(_) => None,
            Err(QueryError::Store(error @ StoreError::Corrupt { .. })) => return Admitted::Damaged(error.to_string()),
            Err(error) => Some(Refusal::NotServing(error.to_string())),
        };
        if let Some(refusal) = refusal {
            return Admitted::Answered(Box::new(Response::Refused(refusal)));
        }
        self.waiting.entry(id).or_default().insert(client);
        Admitted::New
    }

    /// Tells those who wait for what was just executed.
    fn answer(&mut self, executed: &Executed, chain: &Chain, acts: &mut Vec<Act>) {
        for stored in &executed.replies {
            for client in self.waiting.remove(&stored.transaction).unwrap_or_default() {
                let (about, response) = (stored.transaction, Box::new(self.response(stored.clone(), chain)));
                acts.push(Act::Respond { client, about, response });
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
            let (about, response) = (*transaction, Box::new(Response::Refused(refusal.clone())));
            acts.push(Act::Respond { client, about, response });
        }
    }

    fn response(&self, stored: StoredReply, chain: &Chain) -> Response {
        let results = Results { seq: stored.seq, root: stored.results_root };
        self.signed(stored, results, SignedResults::Decided, chain)
    }

    fn tentative_response(&self, stored: StoredReply, view: View, chain: &Chain) -> Response {
        let results = TentativeResults { view, seq: stored.seq, root: stored.results_root };
        self.signed(stored, results, SignedResults::Tentative, chain)
    }

    fn signed<S: Signable>(
        &self,
        StoredReply { transaction, outcome, path, .. }: StoredReply,
        results: S,
        kind: fn(Signed<S>) -> SignedResults,
        chain: &Chain,
    ) -> Response {
        let Some(signer) = chain.replica(self.id) else { return Response::Refused(Refusal::Unknown) };
        let results = kind(Signed::new(results, self.id, chain.scope(), signer.as_ref()));
        Response::Reply(Reply { transaction, outcome, path, results })
    }
}

/// How many decided batches a node keeps: few enough that replicas which were away need whole states.
pub(super) const fn retention(batches: u64) -> Retention {
    Retention { batches, bytes: 1 << 20 }
}

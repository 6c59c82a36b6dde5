//! The envelope around a state machine: opening, executing, answering.

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use tetrarch_crypto::{Digest, PublicKey};
use tetrarch_storage::{Durability, Reader, Store, StoreError, Table, WriteBatch};
use tetrarch_types::{Answer, Applied, CommittedBatch, SeqNum, Timestamp, Transaction, TransactionId, encode, limits};

use super::batch::{Effect, Executed, Head, Setup, effect};
use super::rows::{
    FORMAT_KEY, GENESIS_KEY, LOCAL, NODE_LOCAL, Progress, REPLICATED, RESERVED_PREFIX, ROOTED, checkpoints, row,
};
use super::{
    ExecuteError, Fate, OpenError, Overlay, QueryError, Retention, StateMachine, StoredReply, ledger, replies, senders,
};

/// The version of the tables' layout and rows.
const FORMAT: u32 = 1;

/// A state machine over a store, with what makes it replicated. `Send` and `Sync` when machine and store are.
///
/// One thread at a time executes; others may ask meanwhile. An answer is always that of the state behind a whole batch, and a
/// question waits for an execution only while that writes.
pub struct Execution<M, S> {
    machine: M,
    store: S,
    setup: Setup,
    /// Held by whoever executes.
    turn: Mutex<()>,
    /// Changed, together with the store, under the write lock only.
    head: RwLock<Head>,
}

impl<M: StateMachine, S: Store> Execution<M, S> {
    /// Every table that the store must be opened with: the machine's and the envelope's.
    pub fn tables(machine: &M) -> Vec<Table> {
        [machine.tables(), &REPLICATED, &NODE_LOCAL].concat()
    }

    /// Makes an empty store the start of a chain. Once in a node's life: a store that should hold a chain and does not must be
    /// noticed, so [`open`](Self::open) never does this by itself.
    ///
    /// # Errors
    /// [`OpenError::AlreadyInitialised`] if the store holds a chain, [`OpenError::Store`] for what the disk says.
    pub fn init(store: &S, genesis: Digest) -> Result<(), OpenError> {
        if let Some(chain) = row(store, LOCAL, GENESIS_KEY)? {
            return Err(OpenError::AlreadyInitialised { chain });
        }
        let mut batch = WriteBatch::new();
        batch.put(LOCAL, FORMAT_KEY, encode(&FORMAT));
        batch.put(LOCAL, GENESIS_KEY, encode(&genesis));
        Ok(store.write(batch, Durability::Synced)?)
    }

    /// Opens a chain's state where execution left it.
    ///
    /// # Errors
    /// [`OpenError`], if the store holds no chain, another chain, or one written by a version that this one cannot read.
    pub fn open(
        machine: M,
        store: S,
        genesis: Digest,
        checkpoint_interval: u64,
        retain: Retention,
    ) -> Result<Self, OpenError> {
        check_tables(&machine)?;
        check_chain(&store, genesis)?;
        let progress = Progress::read(&store)?;
        let head =
            Head { progress, checkpoints: checkpoints(&store)?, oldest: ledger::oldest(&store, progress.executed)? };
        let rooted = [machine.tables(), &ROOTED].concat();
        let setup = Setup { checkpoint_interval, retain, rooted, tables: Self::tables(&machine) };
        Ok(Self { machine, store, setup, turn: Mutex::new(()), head: RwLock::new(head) })
    }

    /// Executes the next batch: one atomic write of state, progress, nonces, replies, agreed time, ledger entry and, at a
    /// checkpoint, the root. The write is not synced; the module's documentation says why it need not be.
    ///
    /// # Errors
    /// [`ExecuteError::NotNext`] and [`ExecuteError::WrongBodies`] for a batch that must not be executed now. After
    /// [`ExecuteError::Store`] it is not known whether the batch will be there when the store is opened again.
    pub fn execute(&self, committed: &CommittedBatch) -> Result<Executed, ExecuteError> {
        // The lock guards nothing but the turn itself, so one that a panic left behind is as good as new.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.head().clone();
        check_batch(head.progress.executed, committed)?;
        let Effect { writes, head, executed } = effect(&self.machine, &self.setup, &self.store, &head, committed)?;
        let mut current = self.head.write().unwrap_or_else(PoisonError::into_inner);
        self.store.write(writes, Durability::Buffered)?;
        *current = head;
        Ok(executed)
    }

    /// Asks the machine.
    ///
    /// # Errors
    /// [`QueryError`], if the machine cannot read the question, the answer is too large, or the state cannot be read.
    pub fn query(&self, query: &[u8]) -> Result<Answer, QueryError> {
        let head = self.head();
        let bytes = self.machine.query(query, &Overlay::new(&self.store, self.machine.tables()))?;
        if bytes.len() > limits::MAX_RESULT_BYTES {
            return Err(QueryError::TooLarge { actual: bytes.len(), limit: limits::MAX_RESULT_BYTES });
        }
        Ok(Answer { executed: head.progress.executed, bytes })
    }

    /// Whether a node should take this command from a client: see [`StateMachine::check`].
    ///
    /// # Errors
    /// A sentence for the client.
    pub fn check(&self, command: &[u8]) -> Result<(), String> {
        self.machine.check(command)
    }

    /// What agreement must know to go on from here.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn applied(&self) -> Result<Applied, StoreError> {
        let head = self.head();
        Ok(Applied {
            executed: head.progress.executed,
            agreed_time: head.progress.agreed_time,
            senders: senders::all(&self.store)?,
            checkpoints: head.checkpoints.clone(),
        })
    }

    /// The highest nonce that a sender has spent; none if it is not remembered.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn highest_nonce(&self, sender: &PublicKey) -> Result<Option<u64>, StoreError> {
        Ok(senders::read(&self.store, sender)?.and_then(|sender| sender.nonces.highest()))
    }

    /// Whether a sender's nonce is spent, or too old ever to be executed.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn is_spent(&self, sender: &PublicKey, nonce: u64) -> Result<bool, StoreError> {
        Ok(senders::read(&self.store, sender)?.is_some_and(|sender| sender.nonces.is_spent(nonce)))
    }

    /// What is known of a transaction with this id, sender and nonce (rule R-6).
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn fate(&self, id: &TransactionId, sender: &PublicKey, nonce: u64) -> Result<Fate, StoreError> {
        let _head = self.head();
        if let Some(reply) = replies::read(&self.store, id)? {
            return Ok(Fate::Settled(Box::new(reply)));
        }
        let Some(row) = senders::row_of(&self.store, sender)?.filter(|row| row.sender.nonces.is_spent(nonce)) else {
            return Ok(Fate::Open);
        };
        let is_known = replies::spender(&self.store, sender, nonce)?.is_some() || !row.may_be_evicted(nonce);
        Ok(if is_known { Fate::Never } else { Fate::Forgotten })
    }

    /// What came of a transaction, if the reply cache still has it.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn reply(&self, id: &TransactionId) -> Result<Option<StoredReply>, StoreError> {
        replies::read(&self.store, id)
    }

    /// A decided transaction, if the ledger still has it; whether it was executed or skipped is for [`reply`](Self::reply) to say.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn transaction(&self, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        let _head = self.head();
        ledger::transaction(&self.store, id)
    }

    /// The batches executed behind `after`, consecutive, as many as one supply may carry, and at least one if there is one.
    /// None if `after` lies below what is kept: such a peer needs a whole state.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn committed_after(&self, after: SeqNum) -> Result<Vec<CommittedBatch>, StoreError> {
        let head = self.head();
        if after.next() < head.oldest { Ok(Vec::new()) } else { ledger::read_after(&self.store, after) }
    }

    /// The last batch executed.
    pub fn executed(&self) -> SeqNum {
        self.head().progress.executed
    }

    /// Agreed time.
    pub fn agreed_time(&self) -> Timestamp {
        self.head().progress.agreed_time
    }

    /// The machine's own count of changes.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn revision(&self) -> Result<u64, StoreError> {
        let _head = self.head();
        self.machine.revision(&Overlay::new(&self.store, self.machine.tables()))
    }

    /// The last checkpoint and its root; 0 and a zero root before the first.
    pub fn last_checkpoint(&self) -> (SeqNum, Digest) {
        self.head().checkpoints.last().copied().unwrap_or_default()
    }

    fn head(&self) -> RwLockReadGuard<'_, Head> {
        // The head is replaced as a whole, so a panic elsewhere cannot have left half of one.
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_tables<M: StateMachine>(machine: &M) -> Result<(), OpenError> {
    match machine.tables().iter().find(|table| table.name().starts_with(RESERVED_PREFIX)) {
        Some(table) => Err(OpenError::ReservedTable { table: table.name() }),
        None => Ok(()),
    }
}

fn check_chain(store: &dyn Reader, ours: Digest) -> Result<(), OpenError> {
    let version = row(store, LOCAL, FORMAT_KEY)?.ok_or(OpenError::NotInitialised)?;
    if version != FORMAT {
        return Err(OpenError::UnknownFormat { version });
    }
    let theirs = row(store, LOCAL, GENESIS_KEY)?.ok_or(OpenError::NotInitialised)?;
    if ours == theirs { Ok(()) } else { Err(OpenError::OtherGenesis { ours, theirs }) }
}

fn check_batch(executed: SeqNum, committed: &CommittedBatch) -> Result<(), ExecuteError> {
    let (named, bodies) = (committed.batch.transactions.len(), committed.transactions.len());
    if committed.seq.get().checked_sub(1) != Some(executed.get()) {
        Err(ExecuteError::NotNext { executed, offered: committed.seq })
    } else if named != bodies {
        Err(ExecuteError::WrongBodies { seq: committed.seq, named, bodies })
    } else {
        Ok(())
    }
}

//! What a program must be to be replicated.

use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::{SeqNum, Timestamp, View};

use super::QueryError;
use crate::tables::Overlay;

/// A deterministic program over ordered tables.
///
/// Every replica runs the same commands in the same order and must come to the same tables and the same results, byte by byte.
/// So an implementation reads nothing but its arguments: no clock ([`Context::time`] is the time), no randomness, no
/// environment, no map whose order of iteration is not fixed, nothing kept in `self` between two calls.
///
/// Whether one does all that is for `tetrarch_simulator::check` to try: whole clusters of it, with crashes and lies
/// (`specs/harness-guide.md`).
///
/// Replicating a program of your own takes this trait and nothing else of the crate. A counter for each name:
///
/// ```
/// use tetrarch_kv::{Context, Overlay, QueryError, StateMachine};
/// use tetrarch_storage::{MemoryStore, Reader, StoreError, Table};
/// use tetrarch_types::{SeqNum, Timestamp};
///
/// const COUNTERS: Table = Table::new("counters");
///
/// struct Counters;
///
/// fn read(state: &dyn Reader, name: &[u8]) -> Result<u64, StoreError> {
///     let bytes = state.get(COUNTERS, name)?.unwrap_or_default();
///     Ok(u64::from_be_bytes(bytes.try_into().unwrap_or_default()))
/// }
///
/// impl StateMachine for Counters {
///     // The command is a counter's name; the result is its new value.
///     fn execute(&self, _: &Context, name: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
///         // When a read fails, what is returned does not matter: the batch is not executed.
///         let Ok(count) = read(state, name) else { return Vec::new() };
///         let next = count.saturating_add(1).to_be_bytes().to_vec();
///         state.put(COUNTERS, name, next.clone());
///         next
///     }
///
///     fn query(&self, name: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
///         Ok(read(state, name)?.to_be_bytes().to_vec())
///     }
///
///     fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
///         Ok(0)
///     }
///
///     fn check(&self, name: &[u8]) -> Result<(), String> {
///         if name.is_empty() { Err("a counter needs a name".to_owned()) } else { Ok(()) }
///     }
///
///     fn tables(&self) -> &'static [Table] {
///         &[COUNTERS]
///     }
/// }
///
/// let store = MemoryStore::new();
/// let mut state = Overlay::new(&store, Counters.tables());
/// let context = Context { seq: SeqNum::new(1), index: 0, time: Timestamp::ZERO };
/// assert_eq!(Counters.execute(&context, b"visits", &mut state), 1_u64.to_be_bytes());
/// assert_eq!(Counters.execute(&context, b"visits", &mut state), 2_u64.to_be_bytes());
/// ```
pub trait StateMachine: Send {
    /// Does what time does of itself: called once a batch that moves time on or has transactions, before these, with the agreed time
    /// that all of them see. What it does has no result; a read that fails stops the batch, as in [`execute`](Self::execute).
    fn begin_batch(&self, _time: Timestamp, _state: &mut Overlay<'_>) {}

    /// Executes one command and returns its result, at most [`MAX_RESULT_BYTES`](tetrarch_types::limits::MAX_RESULT_BYTES) of it.
    ///
    /// It never fails: a command that makes no sense has a result that says so. It sees its own earlier writes through `state`.
    /// If a read fails, return anything: the overlay remembers the error, and the batch is not executed on this node. The same
    /// goes after [`Overlay::fail`], for bytes in its own tables that it cannot have written.
    /// A command whose result is larger than the limit has no effect and an empty result. Once the results of a batch have
    /// 16 MiB, the limit for the rest of them is 4 KiB. What it takes to come to a result is for the machine to bound, for a batch of a
    /// thousand commands too: [`Overlay::count_work`].
    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8>;

    /// Answers a question without changing anything. The same state must give the same bytes on every replica.
    ///
    /// # Errors
    /// [`QueryError::Malformed`] for a question that the machine cannot read, [`QueryError::Store`] if the state cannot be read.
    fn query(&self, query: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError>;

    /// The agreed time at which something is due although nobody may ask for anything by then: an idle cluster's time goes on to it, and
    /// this may move on only then (rule T-3). By default a machine waits for nothing.
    ///
    /// # Errors
    /// If the state cannot be read.
    fn alarm(&self, _state: &dyn Reader) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// The view that a command of the batch at `seq` wants replicas to leave for the next one, so that another of them becomes the primary
    /// (rule V-10); `state` is what that batch left. Only replicas that are in exactly that view leave it. Each such wish costs a view
    /// change: a machine has to bound, by agreed time, how often it has one. By default it never has.
    ///
    /// # Errors
    /// If the state cannot be read.
    fn leaves(&self, _seq: SeqNum, _state: &dyn Reader) -> Result<Option<View>, StoreError> {
        Ok(None)
    }

    /// The machine's own count of changes, for a node's status.
    ///
    /// # Errors
    /// If the state cannot be read.
    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError>;

    /// Whether a node should take this command from a client. It keeps unreadable and oversized commands out early; replicas
    /// never depend on it, so it may be stricter in one version than in another.
    ///
    /// # Errors
    /// A sentence for the client.
    fn check(&self, command: &[u8]) -> Result<(), String>;

    /// The machine's tables: the only ones it may touch beside its [`indexes`](Self::indexes), all replicated and under the state root.
    /// Names that begin with `execution.` are taken, and so is the name of the journal's table. A key in them has at most 8192 bytes.
    fn tables(&self) -> &'static [Table];

    /// The machine's indexes: further tables, not under the state root, whose rows follow from rows of its [`tables`](Self::tables), as
    /// [`index_rows`](Self::index_rows) says. The machine keeps them in step while it executes; where a state is fetched or mended,
    /// they are made from that. By default there are none.
    fn indexes(&self) -> &'static [Index] {
        &[]
    }

    /// The rows of indexes that a row of an indexed table makes due; no two rows may make the same one due.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it does not read as a row of that table.
    fn index_rows(&self, _over: Table, _key: &[u8], _value: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
        Ok(Vec::new())
    }

    /// All that the machine may touch: its [`tables`](Self::tables) and [`indexes`](Self::indexes).
    fn own_tables(&self) -> Vec<Table> {
        self.tables().iter().copied().chain(self.indexes().iter().map(|index| index.table)).collect()
    }
}

/// A table that follows from another one, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// The table that it follows from.
    pub over: Table,
    /// The index itself.
    pub table: Table,
}

/// A row of an index: table, key and value.
pub type IndexRow = (Table, Vec<u8>, Vec<u8>);

/// A machine whose kind is chosen while the program runs.
impl<M: StateMachine + ?Sized> StateMachine for Box<M> {
    fn begin_batch(&self, time: Timestamp, state: &mut Overlay<'_>) {
        self.as_ref().begin_batch(time, state);
    }

    fn execute(&self, context: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        self.as_ref().execute(context, command, state)
    }

    fn query(&self, query: &[u8], state: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        self.as_ref().query(query, state)
    }

    fn alarm(&self, state: &dyn Reader) -> Result<Option<Timestamp>, StoreError> {
        self.as_ref().alarm(state)
    }

    fn leaves(&self, seq: SeqNum, state: &dyn Reader) -> Result<Option<View>, StoreError> {
        self.as_ref().leaves(seq, state)
    }

    fn revision(&self, state: &dyn Reader) -> Result<u64, StoreError> {
        self.as_ref().revision(state)
    }

    fn check(&self, command: &[u8]) -> Result<(), String> {
        self.as_ref().check(command)
    }

    fn tables(&self) -> &'static [Table] {
        self.as_ref().tables()
    }

    fn indexes(&self) -> &'static [Index] {
        self.as_ref().indexes()
    }

    fn index_rows(&self, over: Table, key: &[u8], value: &[u8]) -> Result<Vec<IndexRow>, StoreError> {
        self.as_ref().index_rows(over, key, value)
    }
}

/// Where in the one order a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its batch.
    pub seq: SeqNum,
    /// Its place in the batch.
    pub index: u32,
    /// Agreed time: the only clock there is.
    pub time: Timestamp,
}

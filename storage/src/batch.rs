//! What is written: tables, operations, and batches of them.

/// The name of an ordered map from byte strings to byte strings; in RocksDB, a column family.
///
/// Meant to be a constant: `const LOG: Table = Table::new("log");`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Table(&'static str);

impl Table {
    /// Names a table. Any name will do; two tables are the same if their names are.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name it was made with.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// One change to one table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Sets `key` to `value`, whatever it was before.
    Put {
        /// Where.
        table: Table,
        /// The key; may be empty.
        key: Vec<u8>,
        /// The value; may be empty, which is not the same as absent.
        value: Vec<u8>,
    },
    /// Removes `key`; no error if it is absent.
    Delete {
        /// Where.
        table: Table,
        /// The key.
        key: Vec<u8>,
    },
    /// Removes every key of `[from, to)`; nothing if `to` is not above `from`.
    DeleteRange {
        /// Where.
        table: Table,
        /// The first key removed.
        from: Vec<u8>,
        /// The first key above `from` that stays.
        to: Vec<u8>,
    },
}

impl Operation {
    /// The table it changes.
    pub fn table(&self) -> Table {
        match self {
            Self::Put { table, .. } | Self::Delete { table, .. } | Self::DeleteRange { table, .. } => *table,
        }
    }
}

/// Operations that a store applies in order, all of them or none. Later ones see, and override, earlier ones.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WriteBatch {
    operations: Vec<Operation>,
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.operations.push(Operation::Put { table, key: key.into(), value: value.into() });
    }

    /// Removes `key` if it is there.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.operations.push(Operation::Delete { table, key: key.into() });
    }

    /// Removes every key of `[from, to)`.
    ///
    /// Unlike in [`Reader::scan`](crate::Reader::scan) an empty `to` is not "no bound": it removes nothing, as does any `to`
    /// that is not above `from`. Nobody should empty a table by mistake.
    pub fn delete_range(&mut self, table: Table, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        self.operations.push(Operation::DeleteRange { table, from: from.into(), to: to.into() });
    }

    /// Whether it holds no operation. Writing an empty batch changes nothing, but `Synced` still makes earlier writes durable.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many operations it holds.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// The operations, in the order in which they will be applied.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Adds `other`'s operations after its own.
    pub fn append(&mut self, mut other: WriteBatch) {
        self.operations.append(&mut other.operations);
    }

    pub(crate) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}

//! Operations as tables in memory take them: what is put is shared by all tables that have it.

use std::sync::Arc;

use crate::{Operation, Table, WriteBatch};

/// An operation that is applied to more than one set of tables.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put { table: Table, key: Arc<[u8]>, value: Arc<Vec<u8>> },
    Delete { table: Table, key: Vec<u8> },
    DeleteRange { table: Table, from: Vec<u8>, to: Vec<u8> },
}

impl Change {
    /// The changes of a batch, in order.
    pub(crate) fn all(batch: WriteBatch) -> Vec<Self> {
        batch.into_operations().into_iter().map(Self::from).collect()
    }

    /// The table it changes.
    pub(crate) const fn table(&self) -> Table {
        match self {
            Self::Put { table, .. } | Self::Delete { table, .. } | Self::DeleteRange { table, .. } => *table,
        }
    }
}

impl From<Operation> for Change {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Put { table, key, value } => Self::Put { table, key: key.into(), value: Arc::new(value) },
            Operation::Delete { table, key } => Self::Delete { table, key },
            Operation::DeleteRange { table, from, to } => Self::DeleteRange { table, from, to },
        }
    }
}

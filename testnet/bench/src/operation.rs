//! What can be measured.

use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A put.
    Put,
    /// A transaction of one compare, which holds, and one put.
    Txn,
    /// A linearizable read of one key.
    Get,
    /// Puts and reads in turn.
    Mixed,
    /// Puts whose event the client waits for, at a watch of its own.
    Watch,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Put, Self::Txn, Self::Get, Self::Mixed, Self::Watch];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Txn => "txn",
            Self::Get => "get",
            Self::Mixed => "mixed",
            Self::Watch => "watch",
        }
    }

    /// What a load of it consists of, for people.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Put => "Puts",
            Self::Txn => "Transactions of one compare, which holds, and one put",
            Self::Get => "Linearizable reads",
            Self::Mixed => "Puts and reads in turn",
            Self::Watch => "Puts, each until its client's own watch tells of it",
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Not the name of an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no operation; there are {all}", all = Operation::ALL.map(Operation::name).join(", "))]
pub struct NoOperation(String);

impl FromStr for Operation {
    type Err = NoOperation;

    fn from_str(text: &str) -> Result<Self, NoOperation> {
        Self::ALL.into_iter().find(|it| it.name() == text).ok_or_else(|| NoOperation(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_as_they_are_written() {
        for operation in Operation::ALL {
            assert_eq!(operation.name().parse(), Ok(operation));
        }
        let error = "delete".parse::<Operation>().unwrap_err().to_string();
        assert!(error.contains("\"delete\"") && error.contains("txn, get"), "{error}");
    }
}

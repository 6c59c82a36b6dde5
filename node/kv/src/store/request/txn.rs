//! Transactions: what to compare, and what to do then or else.

use serde::{Deserialize, Serialize};

use super::change::{DeleteRangeRequest, PutRequest};
use super::keys::KeyRange;
use super::overlaps;
use super::preorder::{self, Nodes, Tree};
use super::range::RangeRequest;
use crate::store::KvError;
use crate::store::bounds::{MAX_LIST_OPERATIONS, MAX_TXN_OPERATIONS};

/// Compares, and runs one of two lists of operations: `success` if every compare holds, else `failure`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Nodes<TxnNode>", into = "Nodes<TxnNode>")]
pub struct TxnRequest {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// Operations if it does.
    pub success: Vec<Operation>,
    /// Operations if not.
    pub failure: Vec<Operation>,
}

/// One operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation<Nested = TxnRequest> {
    /// Reads.
    Range(RangeRequest),
    /// Puts a key.
    Put(PutRequest),
    /// Deletes keys.
    DeleteRange(DeleteRangeRequest),
    /// A transaction within the transaction.
    Txn(Nested),
}

/// A statement about a key, or about every key of a range. A missing key, and a range without any, has zeroes for numbers, and no value:
/// whatever is said of that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// Which keys.
    pub range: KeyRange,
    /// What the key must be to the target.
    pub result: Comparison,
    /// What it is compared with.
    pub target: Target,
}

/// What the left side must be to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Larger.
    Greater,
    /// Smaller.
    Less,
    /// Another.
    NotEqual,
}

/// What of a key is compared, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Puts since it came to be.
    Version(i64),
    /// The revision at which it came to be.
    Create(i64),
    /// The revision of its last put.
    Mod(i64),
    /// Its value, byte by byte.
    Value(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The lease that it hangs on; 0: none.
    Lease(u64),
}

/// A transaction as it is written down: those nested in it follow, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct TxnNode {
    compares: Vec<Compare>,
    success: Vec<Operation<()>>,
    failure: Vec<Operation<()>>,
}

impl<T> Operation<T> {
    /// The same with another kind of nested transaction; none if `nested` has none.
    fn map<U>(self, nested: impl FnOnce(T) -> Option<U>) -> Option<Operation<U>> {
        Some(match self {
            Self::Range(range) => Operation::Range(range),
            Self::Put(put) => Operation::Put(put),
            Self::DeleteRange(delete) => Operation::DeleteRange(delete),
            Self::Txn(txn) => Operation::Txn(nested(txn)?),
        })
    }
}

impl Tree for TxnRequest {
    type Node = TxnNode;

    fn split(self, children: &mut Vec<Self>) -> TxnNode {
        let mut cut = |list: Vec<Operation>| {
            let mut place = |child| {
                children.push(child);
                Some(())
            };
            list.into_iter().filter_map(|operation| operation.map(&mut place)).collect()
        };
        TxnNode { compares: self.compares, success: cut(self.success), failure: cut(self.failure) }
    }

    fn join(node: TxnNode, child: &mut dyn FnMut() -> Option<Self>) -> Option<Self> {
        let mut graft = |list: Vec<Operation<()>>| -> Option<Vec<Operation>> {
            list.into_iter().map(|one| one.map(|()| child())).collect()
        };
        Some(Self { compares: node.compares, success: graft(node.success)?, failure: graft(node.failure)? })
    }
}

impl From<TxnRequest> for Nodes<TxnNode> {
    fn from(txn: TxnRequest) -> Self {
        preorder::list(txn)
    }
}

impl TryFrom<Nodes<TxnNode>> for TxnRequest {
    type Error = KvError;

    fn try_from(nodes: Nodes<TxnNode>) -> Result<Self, KvError> {
        preorder::tree(nodes).ok_or(KvError::Malformed)
    }
}

impl TxnRequest {
    /// Whether it can be asked for.
    ///
    /// # Errors
    /// [`KvError::TooManyOperations`], [`KvError::DuplicateKey`], and what each of its operations may say.
    pub fn check(&self) -> Result<(), KvError> {
        self.check_lists(MAX_LIST_OPERATIONS, &mut 0)?;
        overlaps::check(&self.success)?;
        overlaps::check(&self.failure)
    }

    /// Whether each list has at most so many members, and so on below; `total` counts all.
    fn check_lists(&self, at_most: usize, total: &mut usize) -> Result<(), KvError> {
        let longest = self.compares.len().max(self.success.len()).max(self.failure.len());
        *total += self.compares.len() + self.success.len() + self.failure.len();
        if longest > at_most || *total > MAX_TXN_OPERATIONS {
            return Err(KvError::TooManyOperations);
        }
        self.compares.iter().try_for_each(Compare::check)?;
        for operation in self.success.iter().chain(&self.failure) {
            match operation {
                Operation::Range(range) => range.check()?,
                Operation::Put(put) => put.check()?,
                Operation::DeleteRange(delete) => delete.range.check()?,
                Operation::Txn(txn) => txn.check_lists(at_most - longest, total)?,
            }
        }
        Ok(())
    }
}

impl Compare {
    /// A statement about one key.
    pub fn new(key: impl Into<Vec<u8>>, result: Comparison, target: Target) -> Self {
        Self { range: KeyRange::one(key), result, target }
    }

    fn check(&self) -> Result<(), KvError> {
        self.range.check()
    }
}

impl Comparison {
    pub(in crate::store) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Greater => ordering.is_gt(),
            Self::Less => ordering.is_lt(),
            Self::NotEqual => ordering.is_ne(),
        }
    }
}

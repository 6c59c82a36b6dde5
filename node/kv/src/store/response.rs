//! What requests come to.

use serde::{Deserialize, Serialize};
use tetrarch_types::{DecodeError, decode, encode, limits};

use super::KvError;
use super::record::Pair;
use super::request::preorder::{self, Nodes, Tree};

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The store's revision after the command.
    pub revision: u64,
    /// A result for each request, in order; or why the command was refused as a whole, and changed nothing.
    pub results: Result<Vec<Result<Answered, KvError>>, KvError>,
}

/// A response, and the revision at which it was given: the request's own, if it changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered<Nested = TxnResponse> {
    /// The revision.
    pub revision: u64,
    /// The response.
    pub response: Response<Nested>,
}

/// What came of one request, or one operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response<Nested = TxnResponse> {
    /// To a range.
    Range(Selection),
    /// To a put.
    Put {
        /// Puts since the key came to be, this one among them.
        version: u64,
        /// What was there before, if asked for.
        previous: Option<Pair>,
    },
    /// To a deletion.
    Deleted {
        /// How many keys there were.
        count: u64,
        /// What was there before, by key, if asked for.
        previous: Vec<Pair>,
    },
    /// To a transaction.
    Txn(Nested),
    /// The compaction is ordered.
    Compacted,
    /// The lease is granted.
    LeaseGranted {
        /// Its id.
        id: u64,
        /// Its time to live, in seconds.
        ttl: u64,
    },
    /// The lease has ended.
    LeaseRevoked,
    /// To a keepalive.
    LeaseKept {
        /// The lease.
        id: u64,
        /// Its time to live from now, in seconds; 0: there is no such lease.
        ttl: u64,
    },
    /// The primary is asked to give way. Whether it does, replicas' views show.
    PrimaryAsked,
}

/// What came of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Nodes<TxnNode>", into = "Nodes<TxnNode>")]
pub struct TxnResponse {
    /// Whether all compares held.
    pub succeeded: bool,
    /// A response to each operation that ran, in order. Its revision is the transaction's, if that had changed something by then.
    pub responses: Vec<Answered>,
}

/// The records of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Keys and records, in the order asked for.
    pub records: Vec<Pair>,
    /// Keys in the range, whatever the limit and the filters; as many as were read.
    pub count: u64,
    /// Whether all keys of the range were read. If not, there may be more than [`count`](Self::count); only queries answer so.
    pub count_is_exact: bool,
    /// Whether there is more behind the last record: more than the limit, or, in the answer to a query, than fits.
    pub more: bool,
}

/// A transaction's response as it is written down: those nested in it follow, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct TxnNode {
    succeeded: bool,
    responses: Vec<Answered<()>>,
}

impl<T> Answered<T> {
    /// The same with another kind of nested response; none if `nested` has none.
    fn map<U>(self, nested: impl FnOnce(T) -> Option<U>) -> Option<Answered<U>> {
        let response = match self.response {
            Response::Txn(txn) => Response::Txn(nested(txn)?),
            Response::Range(selection) => Response::Range(selection),
            Response::Put { version, previous } => Response::Put { version, previous },
            Response::Deleted { count, previous } => Response::Deleted { count, previous },
            Response::Compacted => Response::Compacted,
            Response::LeaseGranted { id, ttl } => Response::LeaseGranted { id, ttl },
            Response::LeaseRevoked => Response::LeaseRevoked,
            Response::LeaseKept { id, ttl } => Response::LeaseKept { id, ttl },
            Response::PrimaryAsked => Response::PrimaryAsked,
        };
        Some(Answered { revision: self.revision, response })
    }
}

impl Tree for TxnResponse {
    type Node = TxnNode;

    fn split(self, children: &mut Vec<Self>) -> TxnNode {
        let mut place = |child| {
            children.push(child);
            Some(())
        };
        let responses = self.responses.into_iter().filter_map(|one| one.map(&mut place)).collect();
        TxnNode { succeeded: self.succeeded, responses }
    }

    fn join(node: TxnNode, child: &mut dyn FnMut() -> Option<Self>) -> Option<Self> {
        let responses = node.responses.into_iter().map(|one| one.map(|()| child())).collect::<Option<_>>()?;
        Some(Self { succeeded: node.succeeded, responses })
    }
}

impl From<TxnResponse> for Nodes<TxnNode> {
    fn from(txn: TxnResponse) -> Self {
        preorder::list(txn)
    }
}

impl TryFrom<Nodes<TxnNode>> for TxnResponse {
    type Error = KvError;

    fn try_from(nodes: Nodes<TxnNode>) -> Result<Self, KvError> {
        preorder::tree(nodes).ok_or(KvError::Malformed)
    }
}

impl Response {
    /// What came of a [`Request::compare_and_swap`](super::Request::compare_and_swap): if the key was not as expected, the revision of its
    /// last put, 0 if it is missing. None if it is the response to something else.
    pub fn swapped(&self) -> Option<Result<(), u64>> {
        let Self::Txn(TxnResponse { succeeded, responses }) = self else { return None };
        match responses.as_slice() {
            [Answered { response: Self::Put { .. } | Self::Deleted { .. }, .. }] if *succeeded => Some(Ok(())),
            [Answered { response: Self::Range(found), .. }] if !succeeded => {
                Some(Err(found.records.first().map_or(0, |(_, record)| record.mod_revision)))
            }
            _ => None,
        }
    }
}

impl CommandResult {
    /// An executed transaction's result bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads an executed transaction's result bytes. No bytes are those of a command that had no effect, since its result was too large behind
    /// those of others in its batch: no command of this store has one that is too large by itself.
    ///
    /// # Errors
    /// If they are none of this store's.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            return Ok(Self { revision: 0, results: Err(KvError::Crowded) });
        }
        decode(bytes, limits::MAX_RESULT_BYTES)
    }
}

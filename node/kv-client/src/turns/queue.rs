//! Standing in a queue.

use tetrarch_kv::store::{Compare, Comparison, Operation, Pair, Revisions, Sort, SortOrder, SortTarget, Target};
use tetrarch_kv::{
    Answered, DeleteRangeRequest, KeyRange, PutRequest, RangeRequest, Request, Response, TxnRequest, TxnResponse,
};

use super::{Changes, TurnError, TurnStore};
use crate::BackendError;

/// A queue: the keys below a name, in the order in which they came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    prefix: Vec<u8>,
}

/// A place in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its key.
    pub key: Vec<u8>,
    /// The revision at which the key came to be: larger than those of all before it.
    pub revision: u64,
    /// The lease that the key hangs on.
    pub lease: u64,
}

impl Queue {
    /// The queue with a name.
    pub fn new(name: impl Into<Vec<u8>>) -> Self {
        let mut prefix = name.into();
        prefix.push(b'/');
        Self { prefix }
    }

    /// The key of whoever comes with this lease.
    pub fn key(&self, lease: u64) -> Vec<u8> {
        [self.prefix.as_slice(), format!("{lease:x}").as_bytes()].concat()
    }

    /// Takes a place, with a value that others see; a lease that has a place keeps it, and its value becomes this one. The turn has not come
    /// by that: see [`wait`](Self::wait).
    ///
    /// # Errors
    /// What the store says; that there is no such lease, above all.
    pub async fn enter<S: TurnStore>(&self, store: &S, lease: u64, value: &[u8]) -> Result<Turn, TurnError<S::Error>> {
        let key = self.key(lease);
        let txn = TxnRequest {
            compares: vec![came_to_be(&key, 0)],
            success: vec![Operation::Put(PutRequest::new(key.clone(), value).lease(lease))],
            failure: vec![Operation::Range(RangeRequest::one(key.clone()))],
        };
        let (revision, TxnResponse { succeeded, responses }) = order(store, txn).await?;
        if succeeded {
            return Ok(Turn { key, revision, lease });
        }
        let Some(Answered { response: Response::Range(found), .. }) = responses.into_iter().next() else {
            return Err(TurnError::Store(another()));
        };
        let (_, record) = found.records.into_iter().next().ok_or_else(|| TurnError::Store(another()))?;
        let turn = Turn { key, revision: record.create_revision, lease };
        if record.value != value {
            turn.proclaim(store, value).await?;
        }
        Ok(turn)
    }

    /// Waits until everyone who came before has gone. Says the store's revision then. Dropping the future leaves the place where it is: see
    /// [`Turn::leave`].
    ///
    /// # Errors
    /// [`TurnError::Lost`], and what the store says.
    pub async fn wait<S: TurnStore>(&self, store: &S, turn: &Turn) -> Result<u64, TurnError<S::Error>> {
        while let Some((last, revision)) = self.last_before(store, turn).await? {
            until_deleted(store, last, revision + 1).await?;
        }
        let (revision, found) = read(store, RangeRequest::one(turn.key.clone())).await?;
        let is_there = found.iter().any(|(_, record)| record.create_revision == turn.revision);
        if is_there { Ok(revision) } else { Err(TurnError::Lost) }
    }

    /// Whoever has the turn: the first in the queue; and the store's revision.
    ///
    /// # Errors
    /// [`TurnError::Nobody`], and what the store says.
    pub async fn first<S: TurnStore>(&self, store: &S) -> Result<(Pair, u64), TurnError<S::Error>> {
        let (revision, found) = read(store, self.oldest()).await?;
        found.into_iter().next().map(|first| (first, revision)).ok_or(TurnError::Nobody)
    }

    /// All keys of the queue.
    pub(super) fn range(&self) -> KeyRange {
        KeyRange::prefix(self.prefix.clone())
    }

    /// A read of the first one.
    pub(super) fn oldest(&self) -> RangeRequest {
        self.one_by_age(SortOrder::Ascend)
    }

    fn one_by_age(&self, order: SortOrder) -> RangeRequest {
        let sort = Sort { order, target: SortTarget::Create };
        RangeRequest { sort, limit: 1, ..RangeRequest::of(self.range()) }
    }

    /// The last one who came before, and the store's revision, if there is one.
    async fn last_before<S: TurnStore>(
        &self,
        store: &S,
        turn: &Turn,
    ) -> Result<Option<(Vec<u8>, u64)>, TurnError<S::Error>> {
        let create_revisions = Revisions { min: 0, max: turn.revision - 1 };
        let request = RangeRequest { create_revisions, keys_only: true, ..self.one_by_age(SortOrder::Descend) };
        let (revision, found) = read(store, request).await?;
        Ok(found.into_iter().next().map(|(key, _)| (key, revision)))
    }
}

impl Turn {
    /// Gives the turn, or the place, up, if it is still there. Says the store's revision.
    ///
    /// # Errors
    /// What the store says.
    pub async fn leave<S: TurnStore>(&self, store: &S) -> Result<u64, TurnError<S::Error>> {
        let delete = DeleteRangeRequest::of(KeyRange::one(self.key.clone()));
        Ok(order(store, self.while_it_lasts(Operation::DeleteRange(delete))).await?.0)
    }

    /// Sets the value that others see. Says the revision.
    ///
    /// # Errors
    /// [`TurnError::Over`], and what the store says.
    pub async fn proclaim<S: TurnStore>(&self, store: &S, value: &[u8]) -> Result<u64, TurnError<S::Error>> {
        let put = PutRequest::new(self.key.clone(), value).lease(self.lease);
        let (revision, response) = order(store, self.while_it_lasts(Operation::Put(put))).await?;
        if response.succeeded { Ok(revision) } else { Err(TurnError::Over) }
    }

    fn while_it_lasts(&self, operation: Operation) -> TxnRequest {
        let compares = vec![came_to_be(&self.key, self.revision)];
        TxnRequest { compares, success: vec![operation], failure: Vec::new() }
    }
}

/// That a key came to be at a revision; 0: that it is missing.
fn came_to_be(key: &[u8], revision: u64) -> Compare {
    Compare::new(key, Comparison::Equal, Target::Create(i64::try_from(revision).unwrap_or(i64::MAX)))
}

async fn order<S: TurnStore>(store: &S, txn: TxnRequest) -> Result<(u64, TxnResponse), TurnError<S::Error>> {
    match store.order(Request::Txn(txn)).await.map_err(TurnError::Store)? {
        Answered { revision, response: Response::Txn(response) } => Ok((revision, response)),
        _ => Err(TurnError::Store(another())),
    }
}

pub(super) async fn read<S: TurnStore>(
    store: &S,
    request: RangeRequest,
) -> Result<(u64, Vec<Pair>), TurnError<S::Error>> {
    let (revision, found) = store.read(request).await.map_err(TurnError::Store)?;
    Ok((revision, found.records))
}

async fn until_deleted<S: TurnStore>(store: &S, key: Vec<u8>, from: u64) -> Result<(), TurnError<S::Error>> {
    let mut changes = store.watch(KeyRange::one(key), from).await.map_err(TurnError::Store)?;
    loop {
        let happened = changes.next().await.map_err(TurnError::Store)?;
        if happened.changes.iter().any(|change| change.put.is_none()) {
            return Ok(());
        }
    }
}

/// What a response to another request is told as.
pub(super) fn another<E: From<BackendError>>() -> E {
    BackendError::Unreadable("a response to another request".to_owned()).into()
}

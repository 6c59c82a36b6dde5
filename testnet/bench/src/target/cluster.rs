//! Straight to the replicas.

use std::fmt;
use std::sync::Arc;

use tetrarch_client::Client;
use tetrarch_kv::{
    Command, CommandResult, Compare, Comparison, KvError, Operation, PutRequest, RangeRequest, Request, Target,
    TxnRequest,
};
use tetrarch_kv_client::ClusterBackend;
use tetrarch_kv_client::turns::{Plain, TurnStore};
use tetrarch_types::Outcome;

use crate::plan::Work;

/// Straight to the replicas: each step is a transaction of its own, signed here, answered by a certificate that is checked here.
#[derive(Clone)]
pub struct ClusterTarget {
    signer: Arc<Client>,
    /// Reads need no key of their own: clients share what they read through.
    reader: Arc<Plain<ClusterBackend>>,
}

impl fmt::Debug for ClusterTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterTarget").field("key", &self.signer.public_key()).finish_non_exhaustive()
    }
}

impl ClusterTarget {
    /// A client that writes with `signer` and reads through `reader`.
    pub const fn new(signer: Arc<Client>, reader: Arc<Plain<ClusterBackend>>) -> Self {
        Self { signer, reader }
    }

    pub(super) async fn carry_out(&self, work: &Work) -> Result<(), String> {
        let command = match work {
            Work::Get(key) => return self.read(key).await,
            Work::Put(puts) => Command::new(puts.iter().map(|(key, value)| Request::put(key.as_str(), value.clone()))),
            Work::Txn(key, value) => Command::from(Request::Txn(txn(key, value))),
        };
        let submitted = self.signer.submit(command.encode()).await.map_err(|error| error.to_string())?;
        let Outcome::Executed(bytes) = submitted.outcome else { return Err("it was not executed".to_owned()) };
        check(&bytes)
    }

    async fn read(&self, key: &str) -> Result<(), String> {
        let (_, found) = self.reader.read(RangeRequest::one(key)).await.map_err(|error| error.to_string())?;
        if found.records.is_empty() { Err(format!("{key} is not there")) } else { Ok(()) }
    }
}

/// Whether all that was asked for was done.
fn check(bytes: &[u8]) -> Result<(), String> {
    let refused = |error: KvError| error.to_string();
    let result = CommandResult::decode(bytes).map_err(|error| error.to_string())?;
    result.results.map_err(refused)?.into_iter().try_for_each(|result| result.map(drop).map_err(refused))
}

fn txn(key: &str, value: &[u8]) -> TxnRequest {
    let success = vec![Operation::Put(PutRequest::new(key, value))];
    TxnRequest { compares: vec![Compare::new(key, Comparison::Equal, Target::Lease(0))], success, failure: Vec::new() }
}

//! Straight to the replicas.

use std::fmt;
use std::sync::Arc;

use tetrarch_client::Client;
use tetrarch_kv::{
    Answered, Command, CommandResult, Compare, Comparison, KeyRange, KvError, Operation, PutRequest, RangeRequest,
    Request, Target, TxnRequest,
};
use tetrarch_kv_client::ClusterBackend;
use tetrarch_kv_client::turns::{Changes, Plain, TurnStore, Within};
use tetrarch_types::Outcome;
use tokio::sync::Mutex;

use super::own_key;
use crate::plan::Work;

/// Straight to the replicas: each step is a transaction of its own, signed here, answered by a certificate that is checked here.
pub struct ClusterTarget {
    signer: Arc<Client>,
    /// Reads need no key of their own: clients share what they read through.
    reader: Arc<Plain<ClusterBackend>>,
    /// Its own key.
    own: String,
    watch: Mutex<Option<Within>>,
}

impl fmt::Debug for ClusterTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterTarget").field("key", &self.signer.public_key()).finish_non_exhaustive()
    }
}

impl ClusterTarget {
    /// The client of that number, which writes with `signer` and reads through `reader`.
    pub fn new(number: usize, signer: Arc<Client>, reader: Arc<Plain<ClusterBackend>>) -> Self {
        Self { signer, reader, own: own_key(number), watch: Mutex::default() }
    }

    pub(super) async fn carry_out(&self, work: &Work) -> Result<(), String> {
        let command = match work {
            Work::Get(key) => return self.read(key).await,
            Work::Watched(value) => return self.watched(value).await,
            Work::Put(puts) => Command::new(puts.iter().map(|(key, value)| Request::put(key.as_str(), value.clone()))),
            Work::Txn(key, value) => Command::from(Request::Txn(txn(key, value))),
        };
        self.order(&command).await.map(drop)
    }

    /// The store's revision behind it.
    async fn order(&self, command: &Command) -> Result<u64, String> {
        let submitted = self.signer.submit(command.encode()).await.map_err(|error| error.to_string())?;
        let Outcome::Executed(bytes) = submitted.outcome else { return Err("it was not executed".to_owned()) };
        let result = CommandResult::decode(&bytes).map_err(|error| error.to_string())?;
        check(result.results)?;
        Ok(result.revision)
    }

    async fn watched(&self, value: &[u8]) -> Result<(), String> {
        let mut watch = self.watch.lock().await;
        let revision = self.order(&Command::put(self.own.as_str(), value)).await?;
        let watch = match &mut *watch {
            Some(watch) => watch,
            none => none.insert(self.begin(revision).await?),
        };
        while watch.next().await.map_err(|error| error.to_string())?.revision < revision {}
        Ok(())
    }

    async fn begin(&self, revision: u64) -> Result<Within, String> {
        let range = KeyRange::one(self.own.as_str());
        self.reader.watch(range, revision).await.map_err(|error| error.to_string())
    }

    async fn read(&self, key: &str) -> Result<(), String> {
        let (_, found) = self.reader.read(RangeRequest::one(key)).await.map_err(|error| error.to_string())?;
        if found.records.is_empty() { Err(format!("{key} is not there")) } else { Ok(()) }
    }
}

/// Whether all that was asked for was done.
fn check(results: Result<Vec<Result<Answered, KvError>>, KvError>) -> Result<(), String> {
    let done = results.and_then(|each| each.into_iter().try_for_each(|result| result.map(drop)));
    done.map_err(|error| error.to_string())
}

fn txn(key: &str, value: &[u8]) -> TxnRequest {
    let success = vec![Operation::Put(PutRequest::new(key, value))];
    TxnRequest { compares: vec![Compare::new(key, Comparison::Equal, Target::Lease(0))], success, failure: Vec::new() }
}

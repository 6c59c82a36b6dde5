//! `tetrarch kv`: reading and writing keys.

mod change;
mod print;
mod proof;
mod read;
mod txn;
mod watch;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

pub(crate) use change::{executed, stated};
use clap::{Args, Subcommand};
use tetrarch_kv::{DeleteRangeRequest, Expected, KeyRange, PutRequest, RangeRequest, Request};

use crate::cluster::{ClusterArguments, finish};
use crate::failure::Failure;
use crate::output::Output;
use crate::{describe, input};
pub(crate) use proof::{RECORDS, proven_record};

/// What can be done with keys and values.
#[derive(Debug, Subcommand)]
pub(crate) enum KvCommand {
    /// Set a key's value.
    Put(PutArguments),
    /// Print a key's value exactly as it is, or a table of all keys with a prefix (long values abridged; `--output json` has them
    /// whole). Exit code 1 if the key is missing.
    Get(ReadArguments),
    /// Delete a key, or all keys with a prefix.
    Del(DelArguments),
    /// Print what happens to a key, or to all keys with a prefix, until Ctrl-C.
    Watch(watch::WatchArguments),
    /// Run a transaction: compares, and one of two lists of operations.
    ///
    /// Its text has three paragraphs, divided by empty lines, as in `etcdctl txn`: compares; what to do if all of them hold; what to do else.
    /// A compare is like `mod("key") = 5` or `value("key") != "x"`, of version, create, mod, value or lease, with = != < or >. What to
    /// do is like `put KEY VALUE [--lease=ID]`, `get KEY [--prefix] [--limit N] [--rev R]` or `del KEY [--prefix]`. Words with spaces
    /// stand in quotes; in double quotes \n \t \xNN are bytes. Exit code 5 if the compares do not hold.
    #[command(verbatim_doc_comment)]
    Txn(txn::TxnArguments),
}

/// What to put.
#[derive(Clone, Debug, Args)]
pub(crate) struct PutArguments {
    /// The key.
    #[arg(value_name = "KEY")]
    name: OsString,
    /// Its new value; `-` reads it from stdin.
    #[arg(allow_hyphen_values = true)]
    value: OsString,
    /// The lease that the key hangs on from now on, in hexadecimal; 0 is none.
    #[arg(long, default_value = "0", value_parser = describe::lease_id, value_name = "ID")]
    lease: u64,
    #[command(flatten)]
    condition: Condition,
}

/// When to put. If it does not hold, nothing changes and the exit code is 5.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
struct Condition {
    /// Only if the key is missing.
    #[arg(long)]
    if_absent: bool,
    /// Only if the key was last changed at this revision.
    #[arg(long, value_name = "N")]
    if_revision: Option<u64>,
    /// Only if the key has this value.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    if_value: Option<OsString>,
}

/// What to get.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetArguments {
    /// The key, or with --prefix what the keys begin with; every key begins with ''.
    #[arg(value_name = "KEY")]
    name: OsString,
    /// All keys that begin so.
    #[arg(long)]
    prefix: bool,
    /// So many keys at most; 0 is no limit.
    #[arg(long, requires = "prefix", default_value_t = 0, value_name = "N")]
    limit: u64,
    /// As it was at this revision; 0 is the latest. Revisions that were compacted are gone.
    #[arg(long, default_value_t = 0, value_name = "R")]
    rev: u64,
}

/// What to get, and whether it is to be proven.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadArguments {
    #[command(flatten)]
    get: GetArguments,
    /// Get a proof of the key's record at the latest stable checkpoint as well, check it, and say whether it is the one read.
    /// Exit code 6 if no replica gives a proof that holds.
    #[arg(long, conflicts_with_all = ["prefix", "rev"])]
    verify: bool,
    /// Write the proof into a file, which anyone can check offline with `tetrarch verify proof`.
    #[arg(long, requires = "verify", value_name = "FILE")]
    save: Option<PathBuf>,
}

/// What to delete.
#[derive(Clone, Debug, Args)]
pub(crate) struct DelArguments {
    /// The key, or with --prefix what the keys begin with; every key begins with ''.
    #[arg(value_name = "KEY")]
    name: OsString,
    /// All keys that begin so.
    #[arg(long)]
    prefix: bool,
}

impl PutArguments {
    /// The request that does it.
    pub(crate) fn request(self) -> Result<Request, Failure> {
        let key = self.name.into_vec();
        let value = input::argument_or_stdin(self.value, tetrarch_kv::store::bounds::MAX_VALUE_BYTES)?;
        let put = PutRequest::new(key, value).lease(self.lease);
        Ok(match self.condition.expected() {
            Some(expected) => Request::put_if(expected, put),
            None => Request::Put(put),
        })
    }
}

impl Condition {
    fn expected(self) -> Option<Expected> {
        let absent = self.if_absent.then_some(Expected::Absent);
        let value = self.if_value.map(|value| Expected::Value(value.into_vec()));
        absent.or(self.if_revision.map(Expected::ModRevision)).or(value)
    }
}

impl GetArguments {
    /// What it reads.
    pub(crate) fn range(&self) -> RangeRequest {
        let key = self.name.clone().into_vec();
        let range = if self.prefix { KeyRange::prefix(key) } else { KeyRange::one(key) };
        RangeRequest::of(range).limit(self.limit).at(self.rev)
    }
}

impl DelArguments {
    /// The request that does it.
    pub(crate) fn request(self) -> Request {
        Request::DeleteRange(DeleteRangeRequest::of(self.range()))
    }

    /// What it deletes.
    fn range(self) -> KeyRange {
        let key = self.name.into_vec();
        if self.prefix { KeyRange::prefix(key) } else { KeyRange::one(key) }
    }
}

/// Runs `tetrarch kv`.
pub(crate) async fn run(command: KvCommand, cluster: &ClusterArguments, output: &Output) -> Result<(), Failure> {
    match command {
        KvCommand::Put(put) => change::change(put.request()?, cluster, output).await,
        KvCommand::Del(del) => change::change(del.request(), cluster, output).await,
        KvCommand::Watch(watch) => watch::run(watch, cluster, output).await,
        KvCommand::Txn(txn) => txn::run(&txn, cluster, output).await,
        KvCommand::Get(ReadArguments { get, verify: false, .. }) => {
            let client = cluster.reading_client()?;
            let answer = read::read(&client, &get).await;
            finish(&client).await;
            print::print(&get, &answer?, None, output)
        }
        KvCommand::Get(ReadArguments { get, save, .. }) => {
            let client = cluster.reading_client()?;
            let read = proof::read(&client, &get, save.as_deref()).await;
            finish(&client).await;
            let (answer, proven) = read?;
            print::print(&get, &answer, Some(&proven), output)
        }
    }
}

/// Says at once what every replica would refuse.
pub(crate) fn check(request: &Request, tried: &str) -> Result<(), Failure> {
    request.check().map_err(|error| Failure::usage(tried, error.to_string(), "correct the key or the value"))
}

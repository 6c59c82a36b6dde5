//! `tetrarch kv watch`: what happens to keys, as it is believed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::Args;
use serde_json::{Map, Value};
use tetrarch_kv::KeyRange;
use tetrarch_kv_client::turns::{Changes, Plain, Within};
use tetrarch_kv_client::watch::{Change, Happened, newest};

use crate::cluster::{ClusterArguments, store_failure};
use crate::describe;
use crate::failure::Failure;
use crate::output::Output;

/// What to watch.
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// The key, or with --prefix what the keys begin with; every key begins with ''.
    #[arg(value_name = "KEY")]
    name: OsString,
    /// All keys that begin so.
    #[arg(long)]
    prefix: bool,
    /// From this revision on; else from now on. Revisions that were compacted are gone.
    #[arg(long, value_name = "R")]
    rev: Option<u64>,
    /// Print what was there before as well.
    #[arg(long)]
    prev: bool,
    /// End after so many changes.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Prints each change on a line of its own, until Ctrl-C. Each is one that f + 1 replicas tell.
pub(super) async fn run(arguments: WatchArguments, cluster: &ClusterArguments, output: &Output) -> Result<(), Failure> {
    let tried = "cannot watch";
    let Plain(backend) = cluster.store()?;
    let key = arguments.name.into_vec();
    let range = if arguments.prefix { KeyRange::prefix(key) } else { KeyRange::one(key) };
    range.check().map_err(|error| Failure::usage(tried, error.to_string(), "correct the key"))?;
    let from = match arguments.rev {
        Some(revision) => revision,
        None => newest(&*backend).await.map_err(|error| store_failure(tried, &error.into()))? + 1,
    };
    let mut changes = Within::of(&backend, range, from, arguments.prev);
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left > 0 {
        let happened = changes.next().await.map_err(|error| store_failure(tried, &error))?;
        for change in happened.changes.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            output.data(&object(happened.revision, change), || line(&happened, change))?;
            left -= 1;
        }
    }
    backend.close().await;
    Ok(())
}

fn object(revision: u64, change: &Change) -> Value {
    let mut object = Map::new();
    object.insert("revision".into(), revision.into());
    object.insert("event".into(), if change.put.is_some() { "put" } else { "delete" }.into());
    describe::put_bytes(&mut object, "key", &change.key);
    for (name, record) in [("kv", &change.put), ("prev_kv", &change.previous)] {
        if let Some(record) = record {
            object.insert(name.into(), describe::record(&change.key, record));
        }
    }
    Value::Object(object)
}

fn line(happened: &Happened, change: &Change) -> String {
    let (revision, key) = (happened.revision, describe::quoted(&change.key));
    let before =
        change.previous.as_ref().map(|it| format!(" (was {})", describe::quoted(&it.value))).unwrap_or_default();
    match &change.put {
        Some(record) => format!("{revision} put {key} = {}{before}", describe::quoted(&record.value)),
        None => format!("{revision} delete {key}{before}"),
    }
}

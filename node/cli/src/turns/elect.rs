//! `tetrarch elect`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tetrarch_kv::store::Pair;
use tetrarch_kv_client::turns::{Observer, Queue};

use super::held::{End, hold, refused};
use crate::cluster::{ClusterArguments, Store};
use crate::failure::{Class, Failure};
use crate::output::Output;
use crate::{describe, duration};

/// Which election, and whether to stand for it.
#[derive(Debug, Args)]
pub(crate) struct ElectArguments {
    /// The election's name. `etcdctl elect NAME` takes part in the same one.
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Stand for it, and tell the others this value once elected: held until Ctrl-C.
    #[arg(required_unless_present = "listen", allow_hyphen_values = true)]
    value: Option<OsString>,
    /// Do not stand; say who leads, and whenever that changes.
    #[arg(long, conflicts_with = "value")]
    listen: bool,
    /// How long the lead outlives this process if that ends, or loses its network, without giving it back.
    #[arg(long, default_value = "15s", value_parser = duration::parse, value_name = "TIME")]
    ttl: Duration,
}

impl ElectArguments {
    /// Whether there is something to give back at the end.
    pub(crate) const fn holds(&self) -> bool {
        self.value.is_some()
    }
}

/// Leads until it is asked to end, or listens. Exit code 5 if the lead is lost.
pub(crate) async fn run(
    arguments: ElectArguments,
    cluster: &ClusterArguments,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let name = arguments.name.into_vec();
    let (store, queue) = (cluster.store()?, Queue::new(name.clone()));
    let end = match arguments.value {
        Some(value) => {
            let tried = format!("cannot lead {}", describe::quoted(&name));
            let value = value.into_vec();
            hold(&store, &queue, &value, arguments.ttl, &tried, async |turn, revision| {
                let mut object = leader(&turn.key, &value, turn.revision);
                object["revision"] = revision.into();
                output.data(&object, || format!("{}: leads with {}", describe::quoted(&turn.key), turn.revision))?;
                std::future::pending().await
            })
            .await
        }
        None => listen(&store, queue, output).await,
    };
    store.0.close().await;
    match end? {
        End::Interrupted => Ok(Class::Interrupted.exit_code()),
    }
}

/// Only an interrupt ends it, or what goes wrong.
async fn listen(store: &Store, queue: Queue, output: &Output) -> Result<End<std::convert::Infallible>, Failure> {
    let mut observer = Observer::new(store, queue);
    loop {
        let tried = "cannot say who leads";
        let ((key, record), _): (Pair, u64) = observer.next().await.map_err(|error| refused(tried, &error))?;
        let object = leader(&key, &record.value, record.create_revision);
        output.data(&object, || format!("{} leads: {}", describe::quoted(&key), describe::quoted(&record.value)))?;
    }
}

fn leader(key: &[u8], value: &[u8], fence: u64) -> Value {
    let mut object = serde_json::Map::new();
    describe::put_bytes(&mut object, "key", key);
    describe::put_bytes(&mut object, "value", value);
    object.insert("fence".into(), json!(fence));
    Value::Object(object)
}

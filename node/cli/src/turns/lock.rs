//! `tetrarch lock`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tetrarch_kv_client::turns::Queue;

use super::held::{End, hold};
use super::program;
use crate::cluster::ClusterArguments;
use crate::failure::{Class, Failure};
use crate::output::Output;
use crate::{describe, duration};

/// Which lock, and what to do with it.
#[derive(Debug, Args)]
pub(crate) struct LockArguments {
    /// The lock's name. `etcdctl lock NAME` stands in the same queue.
    #[arg(value_name = "NAME")]
    name: OsString,
    /// How long the lock outlives this process if that ends, or loses its network, without giving it back.
    #[arg(long, default_value = "15s", value_parser = duration::parse, value_name = "TIME")]
    ttl: Duration,
    /// What to run while it is held, with TETRARCH_FENCE, a number that is larger than that of any holder before, in its environment. It is killed if the
    /// lock is lost. Without it the lock is held until Ctrl-C.
    #[arg(last = true, value_name = "CMD")]
    program: Vec<OsString>,
}

/// Takes the lock, runs the program and gives the lock back. The exit code is the program's; 5 if the lock was lost.
pub(crate) async fn run(
    arguments: LockArguments,
    cluster: &ClusterArguments,
    output: &Output,
) -> Result<ExitCode, Failure> {
    let name = arguments.name.into_vec();
    let tried = format!("cannot hold the lock {}", describe::quoted(&name));
    let (store, queue) = (cluster.store()?, Queue::new(name));
    let end = hold(&store, &queue, b"", arguments.ttl, &tried, async |turn, revision| {
        if arguments.program.is_empty() {
            let object = json!({
                "key": String::from_utf8_lossy(&turn.key),
                "fence": turn.revision,
                "lease": describe::lease(turn.lease),
                "revision": revision,
            });
            let held = || format!("{}: held with fencing number {}", describe::quoted(&turn.key), turn.revision);
            output.data(&object, held)?;
            return std::future::pending().await;
        }
        let mut child = program::start(&arguments.program, &turn, &tried)?;
        let status = child.wait().await;
        let unknown = |error: std::io::Error| Failure::failed(&tried, error.to_string(), "check what it did");
        Ok(program::code(status.map_err(unknown)?))
    })
    .await;
    store.0.close().await;
    match end? {
        End::Done(code) => Ok(ExitCode::from(code)),
        End::Interrupted => Ok(Class::Interrupted.exit_code()),
    }
}

//! `testnet down`.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tetrarch_launcher::{Command, LaunchError, SupervisorLock, send, wipe};

use super::failure::{of, unsafe_to};
use super::place::Place;
use crate::failure::Failure;
use crate::output::Output;

/// How long the nodes and the supervisor may take to end: more than the supervisor gives a node before it uses SIGKILL.
const PATIENCE: Duration = Duration::from_secs(30);

/// The supervisor ends right behind its answer.
const LAST_STEPS: Duration = Duration::from_secs(10);

/// What to take down.
#[derive(Debug, Args)]
pub(crate) struct DownArguments {
    /// Remove the directory with all data and keys, too.
    #[arg(long)]
    wipe: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs `tetrarch testnet down`. One that does not run is as it should be.
pub(super) async fn run(arguments: &DownArguments, output: &Output) -> Result<(), Failure> {
    let tried = "cannot stop the testnet";
    let layout = arguments.place.layout();
    let dir = layout.root().display().to_string();
    if !arguments.wipe {
        arguments.place.open(tried)?;
    }
    let was_running = match send(&layout, &Command::Down, PATIENCE).await {
        Ok(_) => true,
        Err(LaunchError::NotRunning { .. }) => false,
        Err(error) => return Err(of(tried, &error)),
    };
    until_ended(&arguments.place).await?;
    if arguments.wipe {
        remove(&arguments.place)?;
    }
    output.data(&json!({ "dir": dir, "was_running": was_running, "wiped": arguments.wipe }), || {
        let stopped = if was_running { "is stopped" } else { "was not running" };
        let data = if arguments.wipe { "its directory is removed" } else { "its data is kept" };
        format!("the testnet in {dir} {stopped}; {data}")
    })
}

async fn until_ended(place: &Place) -> Result<(), Failure> {
    let start = Instant::now();
    while let Some(pid) = SupervisorLock::holder(&place.layout()) {
        if start.elapsed() > LAST_STEPS {
            let happened = format!("its processes have ended, but the supervisor (process {pid}) has not");
            return Err(Failure::failed("cannot stop the testnet", happened, "end it with `kill`"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Only what carries the marker of a testnet, and only while nobody runs it.
pub(super) fn remove(place: &Place) -> Result<(), Failure> {
    let tried = "cannot remove the testnet's directory";
    let refused = |error: LaunchError| unsafe_to(tried, &error);
    let layout = place.layout();
    if !layout.root().exists() {
        return Ok(());
    }
    if !layout.marker().exists() {
        return Err(refused(LaunchError::Foreign { dir: layout.root().into() }));
    }
    let lock = SupervisorLock::take(&layout).map_err(refused)?;
    wipe(layout.root(), &lock).map_err(refused)
}

//! `testnet kill`, `start`, `pause` and `resume`.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tetrarch_launcher::{Command, Whom, send};

use super::failure::of;
use super::place::Place;
use crate::failure::Failure;
use crate::output::Output;

/// How long the supervisor may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whose process of which testnet.
#[derive(Debug, Args)]
pub(crate) struct BreakArguments {
    /// The replica's id, or `gateway`.
    #[arg(value_name = "REPLICA|gateway")]
    whom: Whom,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn kill(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "kill", |whom| Command::Kill { whom }, "is killed", output).await
}

pub(super) async fn start(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "start", |whom| Command::Start { whom }, "is started", output).await
}

pub(super) async fn pause(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "pause", |whom| Command::Pause { whom }, "is paused", output).await
}

pub(super) async fn resume(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "resume", |whom| Command::Resume { whom }, "goes on", output).await
}

async fn act(
    arguments: &BreakArguments,
    verb: &'static str,
    command: impl Fn(Whom) -> Command,
    done: &str,
    output: &Output,
) -> Result<(), Failure> {
    let BreakArguments { whom, place } = arguments;
    let tried = format!("cannot {verb} {whom}");
    let testnet = place.open(&tried)?;
    send(testnet.layout(), &command(*whom), PATIENCE).await.map_err(|error| of(&tried, &error))?;
    let object = match whom {
        Whom::Replica(replica) => json!({ "replica": replica, "done": verb }),
        Whom::Gateway => json!({ "gateway": testnet.description().gateway_address(), "done": verb }),
    };
    output.data(&object, || format!("{whom} {done}"))
}

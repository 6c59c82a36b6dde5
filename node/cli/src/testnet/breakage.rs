//! `testnet kill`, `start`, `pause` and `resume`.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tetrarch_launcher::{Command, send};

use super::failure::of;
use super::place::Place;
use crate::failure::Failure;
use crate::output::Output;

/// How long the supervisor may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which replica of which testnet.
#[derive(Debug, Args)]
pub(crate) struct BreakArguments {
    /// The replica's id.
    replica: u16,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn kill(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "kill", |replica| Command::Kill { replica }, "is killed", output).await
}

pub(super) async fn start(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "start", |replica| Command::Start { replica }, "is started", output).await
}

pub(super) async fn pause(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "pause", |replica| Command::Pause { replica }, "is paused", output).await
}

pub(super) async fn resume(arguments: &BreakArguments, output: &Output) -> Result<(), Failure> {
    act(arguments, "resume", |replica| Command::Resume { replica }, "goes on", output).await
}

async fn act(
    arguments: &BreakArguments,
    verb: &'static str,
    command: impl Fn(u16) -> Command,
    done: &str,
    output: &Output,
) -> Result<(), Failure> {
    let BreakArguments { replica, place } = arguments;
    let tried = format!("cannot {verb} replica {replica}");
    let testnet = place.open(&tried)?;
    send(testnet.layout(), &command(*replica), PATIENCE).await.map_err(|error| of(&tried, &error))?;
    output.data(&json!({ "replica": replica, "done": verb }), || format!("replica {replica} {done}"))
}

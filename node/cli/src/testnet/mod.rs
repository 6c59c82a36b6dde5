//! `tetrarch testnet`: a whole cluster on this machine, to use, to break and to mend.

mod breakage;
mod byzantine;
mod corrupt;
mod detach;
mod down;
mod failure;
mod live;
mod logs;
mod place;
mod prepare;
mod ready;
mod recovery;
mod report;
mod start;
mod status;
mod transfers;
mod up;

use clap::Subcommand;

use crate::failure::Failure;
use crate::logging;
use crate::output::Output;

/// What can be done with a testnet.
#[derive(Debug, Subcommand)]
pub(crate) enum TestnetCommand {
    /// Start a testnet: what is missing is made. Ctrl-C stops it and keeps its data.
    Up(start::UpArguments),
    /// Say how the replicas are.
    Status(status::StatusArguments),
    /// End a replica's process at once (SIGKILL), or the gateway's. It stays down until `start`.
    Kill(breakage::BreakArguments),
    /// Start a replica that is down, or the gateway.
    Start(breakage::BreakArguments),
    /// Stop a replica where it stands (SIGSTOP), or the gateway.
    Pause(breakage::BreakArguments),
    /// Let a paused replica go on, or the gateway.
    Resume(breakage::BreakArguments),
    /// Replace a replica by one that lies, with that replica's key. It is honest again after `start`.
    Corrupt(corrupt::CorruptArguments),
    /// Run a replica that lies. The supervisor does this.
    #[command(hide = true)]
    Liar(corrupt::LiarArguments),
    /// Stop the testnet.
    Down(down::DownArguments),
    /// Print a replica's log, or the gateway's.
    Logs(logs::LogsArguments),
}

/// Runs `tetrarch testnet`.
pub(crate) async fn run(command: TestnetCommand, log: Option<&str>, output: &Output) -> Result<(), Failure> {
    // A liar logs as a node does.
    if !matches!(command, TestnetCommand::Liar(_)) {
        logging::start(&logging::Settings::for_command(None))?;
    }
    match command {
        TestnetCommand::Up(arguments) => up::run(arguments, output).await,
        TestnetCommand::Status(arguments) => status::run(&arguments, output).await,
        TestnetCommand::Kill(arguments) => breakage::kill(&arguments, output).await,
        TestnetCommand::Start(arguments) => breakage::start(&arguments, output).await,
        TestnetCommand::Pause(arguments) => breakage::pause(&arguments, output).await,
        TestnetCommand::Resume(arguments) => breakage::resume(&arguments, output).await,
        TestnetCommand::Corrupt(arguments) => corrupt::run(&arguments, output).await,
        TestnetCommand::Liar(arguments) => corrupt::lie(arguments, log).await,
        TestnetCommand::Down(arguments) => down::run(&arguments, output).await,
        TestnetCommand::Logs(arguments) => logs::run(&arguments, output).await,
    }
}

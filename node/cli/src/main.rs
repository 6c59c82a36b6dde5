//! The binary `tetrarch`: arguments, output and exit codes. What it does is done by the crates below it.
//!
//! Data goes to stdout, everything else to stderr. The exit codes are those of [`failure::Class`].

mod arguments;
mod bench;
mod cluster;
mod completions;
mod describe;
mod doctor;
mod duration;
mod failure;
mod gateway;
mod input;
mod inspect;
mod interrupt;
mod keys;
mod kv;
mod lease;
mod logging;
mod node;
mod output;
mod passphrase;
mod signals;
mod sim;
mod stop;
mod testnet;
mod turns;
mod tx;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;
use output::Output;

/// Execution makes and drops many small things on many threads: with the system's allocator a fifth of its time went into that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.output);
    match start(arguments, &output) {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            failure.class.exit_code()
        }
    }
}

fn start(arguments: Arguments, output: &Output) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let next = "raise the limits of threads and open files for this user";
        Failure::failed("cannot start the program's threads", error.to_string(), next)
    })?;
    let result = runtime.block_on(run(arguments, output));
    // Nobody waits for a thread that still reads from a terminal.
    runtime.shutdown_background();
    result
}

async fn run(arguments: Arguments, output: &Output) -> Result<ExitCode, Failure> {
    let Arguments { log, command, .. } = arguments;
    if !command.is_served() {
        logging::start(&logging::Settings::for_command(log.as_deref()))?;
    }
    if !command.ends_itself() {
        interrupt::exit_when_interrupted();
    }
    let done = match command {
        Command::Lock { arguments, cluster } => return turns::lock(arguments, &cluster, output).await,
        Command::Elect { arguments, cluster } => return turns::elect(arguments, &cluster, output).await,
        Command::Testnet(command) => testnet::run(command, log.as_deref(), output).await,
        Command::Kv { command, cluster } => kv::run(command, &cluster, output).await,
        Command::Lease { command, cluster } => lease::run(command, &cluster, output).await,
        Command::Tx { command, cluster } => tx::run(command, &cluster, output).await,
        Command::Bench { arguments, cluster } => bench::run(&arguments, &cluster, output).await,
        Command::Sim(command) => sim::run(&command, output),
        Command::Keys(command) => keys::run(command, output),
        Command::Verify(command) => verify::run(&command, output),
        Command::Node(command) => node::run(command, log.as_deref(), output).await,
        Command::Gateway(arguments) => gateway::run(&arguments, log.as_deref()).await,
        Command::Inspect(command) => inspect::run(&command, output),
        Command::Doctor(arguments) => doctor::run(&arguments, output).await,
        Command::Completions { shell } => completions::completions(shell, output),
        Command::Man { dir } => completions::man(&dir, output),
    };
    done.map(|()| ExitCode::SUCCESS)
}

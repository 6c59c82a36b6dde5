//! `tetrarch sim`: the simulator at the command line, one seed or many, and pictures of what happened.

mod chart;
mod clocks;
mod complaint;
mod fixed;
mod progress;
mod recoveries;
mod run;
mod shrink;
mod soak;
mod twins;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Output;

/// What can be simulated.
#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Run one seed, and say what it drew and what came of it.
    Run(run::RunArguments),
    /// Run many seeds on all cores. Fails if one of them does.
    Soak(soak::SoakArguments),
    /// Draw what happened between replicas and clients, as a picture or a log.
    Chart(chart::ChartArguments),
    /// Find a smaller run of a failing seed that fails alike.
    Shrink(shrink::ShrinkArguments),
    /// Run one replica of four twice with one key, split in every way from the others and from itself.
    Twins(twins::TwinsArguments),
}

/// Simulates.
pub(crate) fn run(command: &SimCommand, output: &Output) -> Result<(), Failure> {
    match command {
        SimCommand::Run(arguments) => run::run(arguments, output),
        SimCommand::Soak(arguments) => soak::run(arguments, output),
        SimCommand::Chart(arguments) => chart::run(arguments, output),
        SimCommand::Shrink(arguments) => shrink::run(arguments, output),
        SimCommand::Twins(arguments) => twins::run(arguments, output),
    }
}

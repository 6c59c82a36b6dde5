//! `testnet corrupt`, and the process that lies.

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;
use tetrarch_launcher::{Answer, Command, Corruption, Mode, ProcessStatus, Testnet, send};
use tetrarch_types::Genesis;

use super::failure::of;
use super::place::Place;
use crate::failure::Failure;
use crate::node::{self, RunArguments};
use crate::output::Output;

/// How long the supervisor may take: the replica is given time to end in good order.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which replica is to lie, and how.
#[derive(Debug, Args)]
pub(crate) struct CorruptArguments {
    /// The replica's id.
    replica: u16,
    /// How it lies.
    #[arg(long, value_parser = mode(), value_name = "MODE")]
    mode: Mode,
    /// What its lies are drawn from. Default: drawn, and printed.
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    #[command(flatten)]
    place: Place,
}

/// As the supervisor starts it.
#[derive(Debug, Args)]
pub(crate) struct LiarArguments {
    #[command(flatten)]
    run: RunArguments,
    #[arg(long, value_parser = mode())]
    mode: Mode,
    #[arg(long)]
    seed: u64,
}

fn mode() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::name)).try_map(|name| name.parse::<Mode>())
}

/// Runs `tetrarch testnet corrupt`.
pub(super) async fn run(arguments: &CorruptArguments, output: &Output) -> Result<(), Failure> {
    let CorruptArguments { replica, mode, seed, place } = arguments;
    let tried = format!("cannot corrupt replica {replica}");
    let testnet = place.open(&tried)?;
    let corruption = order(&testnet, *replica, *mode, *seed, &tried).await?;
    let Corruption { seed, .. } = corruption;
    output.data(&json!({ "replica": replica, "done": "corrupt", "mode": mode, "seed": seed }), || {
        told(*replica, corruption)
    })?;
    warn(&testnet, output).await;
    Ok(())
}

/// Has the supervisor replace a replica by a liar.
pub(super) async fn order(
    testnet: &Testnet,
    replica: u16,
    mode: Mode,
    seed: Option<u64>,
    tried: &str,
) -> Result<Corruption, Failure> {
    let corruption = match seed {
        Some(seed) => Corruption { mode, seed },
        None => {
            Corruption::draw(mode).map_err(|error| Failure::failed(tried, error.to_string(), "give it a --seed"))?
        }
    };
    let command = Command::Corrupt { replica, corruption };
    send(testnet.layout(), &command, PATIENCE).await.map_err(|error| of(tried, &error))?;
    Ok(corruption)
}

/// For people.
pub(super) fn told(replica: u16, Corruption { mode, seed }: Corruption) -> String {
    format!(
        "replica {replica} lies: {mode}, with seed {seed}; `tetrarch testnet start {replica}` makes it honest again"
    )
}

/// More liars than the chain tolerates are what some want to see: they are warned.
pub(super) async fn warn(testnet: &Testnet, output: &Output) {
    if let Some(warning) = warning(testnet.genesis(), liars(testnet).await) {
        output.note(&warning);
    }
}

/// How many replicas lie now, as far as the supervisor says.
async fn liars(testnet: &Testnet) -> usize {
    match send(testnet.layout(), &Command::Status, PATIENCE).await {
        Ok(Answer::Status(status)) => status.replicas.iter().filter(|it| is_liar(it)).count(),
        _ => 0,
    }
}

fn is_liar(process: &ProcessStatus) -> bool {
    process.corruption.is_some() && process.pid.is_some()
}

fn warning(genesis: &Genesis, liars: usize) -> Option<String> {
    let tolerated = genesis.membership().faults();
    (liars > tolerated).then(|| {
        format!(
            "warning: {liars} replicas lie, and a chain of {} tolerates {tolerated}: what the honest ones agree on is not guaranteed any more, \
             and what clients are told may be false",
            genesis.replicas.len()
        )
    })
}

/// Runs `tetrarch testnet liar`: a node whose seam an adversary holds. Nothing but this command leads there.
pub(super) async fn lie(arguments: LiarArguments, log: Option<&str>) -> Result<(), Failure> {
    let LiarArguments { run, mode, seed } = arguments;
    let corruption = Corruption { mode, seed };
    node::serve(&run, log, |config, told| tetrarch_liar::run(config, corruption, async move { drop(told.await) })).await
}

//! `testnet logs`.

use std::io;
use std::time::Duration;

use clap::Args;
use tetrarch_launcher::{LaunchError, LogReader, Refusal, Whom};

use super::failure::of;
use super::place::Place;
use crate::failure::Failure;
use crate::output::Output;

/// How often a followed log is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// Whose log.
#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// The replica's id, or `gateway`.
    #[arg(value_name = "REPLICA|gateway")]
    whose: Whom,
    /// Go on printing what is added, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs `tetrarch testnet logs`, with or without a running testnet.
pub(super) async fn run(arguments: &LogsArguments, _: &Output) -> Result<(), Failure> {
    let tried = format!("cannot show the log of {}", arguments.whose);
    let failed = |error: LaunchError| failure(&tried, &error);
    let testnet = arguments.place.open(&tried)?;
    let n = testnet.description().n;
    let path = match arguments.whose {
        Whom::Replica(replica) if replica >= n => {
            return Err(failed(Refusal::NoSuchReplica { replica, n }.into()));
        }
        Whom::Replica(replica) => testnet.layout().log(replica),
        Whom::Gateway => testnet.layout().gateway_log(),
    };
    if !path.exists() {
        let next = "start the testnet with `tetrarch testnet up`";
        return Err(Failure::failed(tried, "it has none yet, because it was never started", next));
    }
    let mut stdout = io::stdout();
    let mut reader = LogReader::open(path, &mut stdout).map_err(failed)?;
    if !arguments.follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(PAUSE).await;
        reader.copy(&mut stdout).map_err(failed)?;
    }
}

fn failure(tried: &str, error: &LaunchError) -> Failure {
    match error {
        LaunchError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => Failure::output_closed(),
        _ => of(tried, error),
    }
}

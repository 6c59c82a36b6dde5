//! `testnet logs`.

use std::io;
use std::time::Duration;

use clap::Args;
use tetrarch_launcher::{LaunchError, LogReader, Refusal};

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
    #[arg(value_parser = Whose::parse, value_name = "REPLICA|gateway")]
    whose: Whose,
    /// Go on printing what is added, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    place: Place,
}

/// Who has a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Replica(u16),
    Gateway,
}

impl Whose {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(replica) => Ok(Self::Replica(replica)),
            Err(_) if text == "gateway" => Ok(Self::Gateway),
            Err(_) => Err("it is a replica's number, or `gateway`".to_owned()),
        }
    }
}

/// Runs `tetrarch testnet logs`, with or without a running testnet.
pub(super) async fn run(arguments: &LogsArguments, _: &Output) -> Result<(), Failure> {
    let tried = match arguments.whose {
        Whose::Replica(replica) => format!("cannot show the log of replica {replica}"),
        Whose::Gateway => "cannot show the log of the gateway".to_owned(),
    };
    let failed = |error: LaunchError| failure(&tried, &error);
    let testnet = arguments.place.open(&tried)?;
    let n = testnet.description().n;
    let path = match arguments.whose {
        Whose::Replica(replica) if replica >= n => {
            return Err(failed(Refusal::NoSuchReplica { replica, n }.into()));
        }
        Whose::Replica(replica) => testnet.layout().log(replica),
        Whose::Gateway => testnet.layout().gateway_log(),
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

//! What all steps of `testnet up` share: what was asked for, and how its failure is called.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::byzantine::{self, Byzantine};
use super::place::Place;
use crate::duration;
use crate::failure::Failure;

pub(super) const TRIED: &str = "cannot start the testnet";

/// What to start.
#[derive(Clone, Debug, Args)]
pub(crate) struct UpArguments {
    /// How many replicas: 4 or more, or 1, which tolerates nothing. Default: what is there, else 4.
    #[arg(short, value_name = "N")]
    pub(super) n: Option<u16>,
    #[command(flatten)]
    pub(super) place: Place,
    /// The first of 2N UDP ports on 127.0.0.1. A testnet that is there moves. Default: what is there, else 7400.
    #[arg(long, value_name = "PORT")]
    pub(super) base_port: Option<u16>,
    /// How many batches lie between two checkpoints. For a new testnet only; default: 128.
    #[arg(long, value_name = "K")]
    pub(super) checkpoint_interval: Option<u64>,
    /// How many batches above the stable checkpoint may be in agreement; at least 2K. For a new testnet only; default: 2K.
    #[arg(long, value_name = "L")]
    pub(super) window: Option<u64>,
    /// Replica K lies as soon as the cluster serves, as with `testnet corrupt`: 3=equivocate, for example. May be repeated.
    #[arg(long, value_parser = byzantine::parse, value_name = "K=MODE")]
    pub(super) byzantine: Vec<Byzantine>,
    /// The TCP port on 127.0.0.1 where etcd's clients are served. Default: what is there, else 2379.
    #[arg(long, value_name = "PORT")]
    pub(super) gateway_port: Option<u16>,
    /// Start no gateway.
    #[arg(long, env = "TETRARCH_NO_GATEWAY", value_parser = FalseyValueParser::new(), conflicts_with = "gateway_port")]
    pub(super) no_gateway: bool,
    /// Remove what is in the directory first, with all data and keys. Refused for anything but a testnet that does not run.
    #[arg(long)]
    pub(super) reset: bool,
    /// Use a temporary directory that is removed at the end.
    #[arg(long, conflicts_with_all = ["reset", "detach"])]
    pub(super) ephemeral: bool,
    /// Go on in the background, and return as soon as the cluster serves.
    #[arg(long)]
    pub(super) detach: bool,
    /// How long to wait until the cluster serves.
    #[arg(long, default_value = "60s", value_parser = duration::parse, value_name = "TIME")]
    pub(super) timeout: Duration,
    /// This is the process in the background.
    #[arg(long, hide = true)]
    pub(super) background: bool,
}

/// The program to run the replicas with: this one.
pub(super) fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::failed(TRIED, format!("this program does not find itself: {error}"), "call it by its path")
    })
}

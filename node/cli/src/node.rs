//! `tetrarch node`: setting up and running one replica.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use tetrarch_server::{ExitClass, Identity, NodeConfig, NodeError};
use tokio::sync::oneshot;

use crate::failure::{Class, Failure};
use crate::logging;
use crate::output::Output;
use crate::stop::Stop;

/// What can be done with a node.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Make a replica's data directory. Once in its life: an empty directory is no new replica, it may be one that lost its votes.
    Init(InitArguments),
    /// Run a replica until Ctrl-C or SIGTERM.
    Run(RunArguments),
}

/// Where a node's configuration is, or what to make one of.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE", required_unless_present = "dir", conflicts_with_all = ["dir", "genesis", "key"])]
    config: Option<PathBuf>,
    /// Instead: a directory to make, with a configuration in it (node.toml).
    #[arg(long, value_name = "DIR", requires_all = ["genesis", "key"])]
    dir: Option<PathBuf>,
    /// The chain's genesis file, for the configuration.
    #[arg(long, value_name = "FILE", requires = "dir")]
    genesis: Option<PathBuf>,
    /// The replica's key file, for the configuration.
    #[arg(long, value_name = "FILE", requires = "dir")]
    key: Option<PathBuf>,
    /// A file whose first line is the key's passphrase, for the configuration.
    #[arg(long, value_name = "FILE", requires = "dir")]
    passphrase_file: Option<PathBuf>,
}

/// Which node to run.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The node's configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Shut down when stdin ends: whoever started the node holds the other end.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// Runs `tetrarch node`.
pub(crate) async fn run(command: NodeCommand, log: Option<&str>, output: &Output) -> Result<(), Failure> {
    match command {
        NodeCommand::Init(arguments) => init(arguments, output),
        NodeCommand::Run(arguments) => {
            serve(&arguments, log, |config, told| tetrarch_server::run(config, async move { drop(told.await) })).await
        }
    }
}

fn init(arguments: InitArguments, output: &Output) -> Result<(), Failure> {
    let path = match &arguments.config {
        Some(path) => path.clone(),
        None => write_config(&arguments)?,
    };
    let config = NodeConfig::load(&path).map_err(|error| failure(&error))?;
    tetrarch_server::init(&config).map_err(|error| failure(&error))?;
    let identity = Identity::load(&config).map_err(|error| failure(&error))?;
    let (id, chain) = (identity.id(), identity.genesis().digest());
    let object = json!({
        "replica": id.get(),
        "chain": chain.to_string(),
        "config": path.to_string_lossy(),
        "data_dir": config.data_dir.to_string_lossy(),
    });
    output.data(&object, || {
        let (data, path) = (config.data_dir.display(), path.display());
        format!("replica {id} of chain {chain} is set up in {data}\nrun it with `tetrarch node run --config {path}`")
    })
}

/// Writes a configuration into a new directory, after what it names is found to fit: a mistake leaves nothing behind.
fn write_config(arguments: &InitArguments) -> Result<PathBuf, Failure> {
    let dir = absolute(arguments.dir.as_deref())?;
    let path = dir.join("node.toml");
    let config = NodeConfig {
        genesis: absolute(arguments.genesis.as_deref())?,
        key: absolute(arguments.key.as_deref())?,
        key_passphrase_file: arguments.passphrase_file.as_deref().map(|path| absolute(Some(path))).transpose()?,
        ..NodeConfig::default()
    };
    Identity::load(&config).map_err(|error| failure(&error))?;
    let refuse = |error: std::io::Error| {
        let tried = format!("cannot write the configuration {}", path.display());
        Failure::failed(tried, error.to_string(), "choose another directory, or check its permissions")
    };
    std::fs::create_dir_all(&dir).map_err(refuse)?;
    let mut file = std::fs::File::create_new(&path).map_err(refuse)?;
    std::io::Write::write_all(&mut file, config.to_toml().as_bytes()).map_err(refuse)?;
    Ok(path)
}

fn absolute(path: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = path.unwrap_or(Path::new(""));
    std::path::absolute(path).map_err(|error| {
        let tried = format!("cannot use the path {path:?}");
        Failure::usage(tried, error.to_string(), "give --dir, --genesis and --key a path each")
    })
}

/// Reads the configuration, and runs the node in the way given until a signal, or whoever started it, tells it to stop.
pub(crate) async fn serve<R>(
    arguments: &RunArguments,
    log: Option<&str>,
    run: impl FnOnce(NodeConfig, oneshot::Receiver<()>) -> R,
) -> Result<(), Failure>
where
    R: Future<Output = Result<(), NodeError>> + Send + 'static,
{
    let config = NodeConfig::load(&arguments.config).map_err(|error| failure(&error))?;
    logging::start(&logging::Settings::for_node(log, &config.log))?;
    let mut stop = Stop::new(arguments.exit_with_stdin)?;
    let (tell, told) = oneshot::channel();
    // In a task of its own, because opening a large state keeps its thread busy, and a signal is to be heard meanwhile. A node that is
    // half open is opened and then closed in good order: a database that other threads still use when the program ends brings it down.
    let mut running = tokio::spawn(run(config, told));
    let reason = tokio::select! {
        ended = &mut running => return result(ended),
        reason = stop.wait() => reason,
    };
    tracing::info!(%reason, "the node shuts down");
    let _told: Result<(), ()> = tell.send(());
    tokio::select! {
        ended = &mut running => result(ended)?,
        _ = stop.wait() => tracing::warn!("told again to stop: the node is not waited for"),
    }
    reason.result()
}

fn result(ended: Result<Result<(), NodeError>, tokio::task::JoinError>) -> Result<(), Failure> {
    ended.map_err(|error| broken(&error))?.map_err(|error| failure(&error))
}

/// A node's own error, with its class.
pub(crate) fn failure(error: &NodeError) -> Failure {
    let class = match error.class() {
        ExitClass::Usage => Class::Usage,
        ExitClass::Unsafe => Class::Unsafe,
        ExitClass::Failed => Class::Failed,
    };
    Failure::whole(class, &error.to_string())
}

fn broken(error: &tokio::task::JoinError) -> Failure {
    Failure::failed("cannot run the node", error.to_string(), "report this: it is a defect of the program")
}

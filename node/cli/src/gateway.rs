//! `tetrarch gateway`: etcd's API on a cluster.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tetrarch_client::{Client, ClientOptions, NonceFile, NonceFileError};
use tetrarch_gateway::{AutoCompaction, Options, Tls, TlsError, TlsFiles};
use tetrarch_kv_client::ClusterBackend;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::cluster::ClusterPlace;
use crate::failure::{Class, Failure};
use crate::passphrase::PassphraseArguments;
use crate::stop::Stop;
use crate::{duration, keys, logging};

const TRIED: &str = "cannot run the gateway";

/// How long the cluster may take: a little less than a gateway's caller waits, so that the log says why there was no answer.
const PATIENCE: Duration = Duration::from_secs(9);

/// How long a transaction stays valid: how far this machine's clock may be behind, and how long after a caller was told that there is no answer
/// its request may still be executed.
const VALIDITY: Duration = Duration::from_secs(60);

/// Where to listen, and as whom to act.
#[derive(Debug, Args)]
pub(crate) struct GatewayArguments {
    /// Where clients reach it.
    #[arg(long, default_value = "127.0.0.1:2379", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where clients that ask for the members are told to reach it, by etcd's name: URLs, with commas between them. Without, where it listens, and
    /// where each client has reached it if that is everywhere.
    #[arg(long, value_name = "URLS", value_delimiter = ',', value_parser = client_url)]
    advertise_client_urls: Vec<String>,
    /// The key that it signs with, its own: `tetrarch keys new FILE` makes one. FILE.nonces is kept beside it.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    #[command(flatten)]
    cluster: ClusterPlace,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    history: HistoryArguments,
    /// Shut down when stdin ends: whoever started the gateway holds the other end.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

/// TLS, by etcd's names.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArguments {
    /// Serve over TLS, with this certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// The authorities of clients' certificates (PEM). With them every client has to show one.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    trusted_ca_file: Option<PathBuf>,
    /// Every client has to show a certificate.
    #[arg(long, requires = "trusted_ca_file")]
    client_cert_auth: bool,
}

/// What of the store's history is kept, by etcd's names.
#[derive(Debug, Args)]
#[command(next_help_heading = "History")]
struct HistoryArguments {
    /// How the history that is kept is measured.
    #[arg(long, value_enum, default_value_t, value_name = "MODE", requires = "auto_compaction_retention")]
    auto_compaction_mode: CompactionMode,
    /// Compact what is older: a time as in 1h, with --auto-compaction-mode revision a number of revisions. Without, it is kept until a client
    /// compacts it, up to 65536 revisions or 128 MiB: beyond that the store gives up the oldest.
    #[arg(long, value_name = "TIME")]
    auto_compaction_retention: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum CompactionMode {
    /// By time
    #[default]
    Periodic,
    /// By revisions
    Revision,
}

impl HistoryArguments {
    fn kept(&self) -> Result<Option<AutoCompaction>, Failure> {
        let Some(text) = &self.auto_compaction_retention else { return Ok(None) };
        let kept = match self.auto_compaction_mode {
            CompactionMode::Periodic => duration::parse(text).map(AutoCompaction::Periodic),
            CompactionMode::Revision => {
                text.parse().map(AutoCompaction::Revision).map_err(|_| format!("{text:?} is no number of revisions"))
            }
        };
        let advice =
            "give a time as in --auto-compaction-retention 1h, or a number and --auto-compaction-mode revision";
        kept.map(Some)
            .map_err(|happened| Failure::usage(TRIED, format!("--auto-compaction-retention: {happened}"), advice))
    }
}

impl TlsArguments {
    /// What the files hold, if any are named.
    pub(crate) fn load(&self) -> Option<Result<Tls, TlsError>> {
        let (certificate, key) = (self.cert_file.clone()?, self.key_file.clone()?);
        Some(Tls::load(&TlsFiles { certificate, key, client_authorities: self.trusted_ca_file.clone() }))
    }
}

/// What etcd takes for such a URL: a scheme, a host and a port, and nothing behind them.
fn client_url(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let parts = address.and_then(|address| address.rsplit_once(':'));
    match parts {
        Some((host, port)) if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() => {
            Ok(text.to_owned())
        }
        _ => Err("give a URL as in http://10.0.0.1:2379".to_owned()),
    }
}

/// Runs `tetrarch gateway`.
pub(crate) async fn run(arguments: &GatewayArguments, log: Option<&str>) -> Result<(), Failure> {
    logging::start(&logging::Settings::for_service(log))?;
    let mut stop = Stop::new(arguments.exit_with_stdin)?;
    let unreadable = |error: TlsError| Failure::sentence(Class::Usage, TRIED, &error.to_string());
    let tls = arguments.tls.load().transpose().map_err(unreadable)?;
    let auto_compaction = arguments.history.kept()?;
    let genesis = arguments.cluster.load_genesis()?;
    let client = client(arguments, &genesis)?;
    let listener = listen(arguments.listen).await?;
    tell(arguments, tls.is_some(), &client);
    let options = Options { tls, auto_compaction, advertised: arguments.advertise_client_urls.clone() };
    let backend = ClusterBackend::new(client, &genesis, PATIENCE);
    let (end, ended) = oneshot::channel();
    let serving = tetrarch_gateway::serve(backend, listener, options, async { drop(ended.await) });
    tokio::pin!(serving);
    let failed = |error: tetrarch_gateway::ServeError| Failure::failed(TRIED, error.to_string(), "start it again");
    let reason = tokio::select! {
        served = &mut serving => return served.map_err(failed),
        reason = stop.wait() => reason,
    };
    tracing::info!(%reason, "the gateway shuts down");
    let _told: Result<(), ()> = end.send(());
    tokio::select! {
        served = &mut serving => served.map_err(failed)?,
        _ = stop.wait() => tracing::warn!("told again to stop: calls under way are not waited for"),
    }
    reason.result()
}

/// The key is taken before anything is served: two gateways with one key would be in each other's way.
fn client(arguments: &GatewayArguments, genesis: &tetrarch_types::Genesis) -> Result<Client, Failure> {
    let path = &arguments.identity;
    let key = keys::load(path, arguments.passphrase.read()?.as_ref())?;
    let nonces = NonceFile::open(path).map_err(|error| {
        let class = if matches!(error, NonceFileError::InUse { .. }) { Class::Unsafe } else { Class::Failed };
        Failure::sentence(class, TRIED, &error.to_string())
    })?;
    let options = ClientOptions { timeout: PATIENCE, validity: VALIDITY, ..ClientOptions::default() };
    let client = Client::new(genesis, key, options).map_err(|error| Failure::client(TRIED, &error))?;
    Ok(client.keeping_nonces(nonces))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            let next = "stop that one, an etcd perhaps, or choose another address with --listen";
            Failure::failed(TRIED, format!("{address} is in use by another process"), next)
        }
        ErrorKind::PermissionDenied => {
            Failure::failed(TRIED, format!("{address}: {error}"), "choose a port above 1023 with --listen")
        }
        _ => Failure::failed(TRIED, format!("{address}: {error}"), "choose another address with --listen"),
    })
}

fn tell(arguments: &GatewayArguments, is_tls: bool, client: &Client) {
    let GatewayArguments { listen, tls, .. } = arguments;
    tracing::info!(%listen, tls = is_tls, chain = %client.chain(), key = %client.public_key(), "the gateway serves");
    if !listen.ip().is_loopback() && tls.trusted_ca_file.is_none() {
        tracing::warn!(
            "whoever reaches {listen} acts with this gateway's key: ask for certificates with --trusted-ca-file"
        );
    }
}

//! Finding the cluster and the key that a command is to use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tetrarch_client::{Client, ClientOptions};
use tetrarch_crypto::SigningKey;
use tetrarch_kv_client::turns::{Plain, PlainError};
use tetrarch_kv_client::{BackendError, ClusterBackend};
use tetrarch_types::Genesis;

use crate::failure::{Class, Failure};
use crate::passphrase::PassphraseArguments;
use crate::{duration, input, keys};

/// Which cluster, as whom, and with how much patience.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArguments {
    #[command(flatten)]
    pub(crate) place: ClusterPlace,

    /// The key to sign with, instead of the directory's.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) passphrase: PassphraseArguments,

    /// How long to wait for the cluster.
    #[arg(long, global = true, default_value = "5s", value_parser = duration::parse, value_name = "TIME")]
    pub(crate) timeout: Duration,
}

/// Which cluster.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterPlace {
    /// A testnet's directory: genesis.json is the cluster, client.pem the key.
    #[arg(long, global = true, env = "TETRARCH_DIR", default_value = "./tetrarch-testnet", value_name = "DIR")]
    pub(crate) dir: PathBuf,

    /// The cluster's genesis file, instead of a directory.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,
}

impl ClusterPlace {
    /// The genesis of the cluster: of `--genesis`, else in `--dir`, $TETRARCH_DIR or ./tetrarch-testnet.
    pub(crate) fn load_genesis(&self) -> Result<Genesis, Failure> {
        if let Some(path) = &self.genesis {
            return read_genesis(path);
        }
        let path = self.dir.join("genesis.json");
        if !path.exists() {
            let next = "start a testnet with `tetrarch testnet up`, or name a cluster with --dir or --genesis";
            return Err(Failure::usage("cannot find the cluster", format!("there is no {}", path.display()), next));
        }
        read_genesis(&path)
    }
}

impl ClusterArguments {
    /// The genesis of the cluster.
    pub(crate) fn load_genesis(&self) -> Result<Genesis, Failure> {
        self.place.load_genesis()
    }

    /// A client that signs with the key given, or with the testnet's.
    pub(crate) fn signing_client(&self) -> Result<Client, Failure> {
        self.signing_client_for(ClientOptions::default().validity)
    }

    /// The same, for transactions that stay valid for this long.
    pub(crate) fn signing_client_for(&self, validity: Duration) -> Result<Client, Failure> {
        let genesis = self.load_genesis()?;
        self.client(&genesis, self.load_key()?, validity)
    }

    /// A client for what needs nobody's signature. If there is a key it is used, else one is made up for the moment.
    pub(crate) fn reading_client(&self) -> Result<Client, Failure> {
        if self.key_path().is_some() {
            return self.signing_client();
        }
        self.client_of(&self.load_genesis()?, keys::generate()?)
    }

    /// A client of the cluster with this genesis that signs with this key.
    pub(crate) fn client_of(&self, genesis: &Genesis, key: SigningKey) -> Result<Client, Failure> {
        self.client(genesis, key, ClientOptions::default().validity)
    }

    /// The cluster's store, for what takes more than one question. It signs with the key given, or with the testnet's. Must be called in a
    /// runtime.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        let genesis = self.load_genesis()?;
        Ok(self.store_through(self.client_of(&genesis, self.load_key()?)?, &genesis))
    }

    /// The store of the cluster with this genesis, asked by this client. Must be called in a runtime.
    pub(crate) fn store_through(&self, client: Client, genesis: &Genesis) -> Store {
        Plain(Arc::new(ClusterBackend::new(client, genesis, self.timeout)))
    }

    /// The key given, or the testnet's.
    pub(crate) fn load_key(&self) -> Result<SigningKey, Failure> {
        let path = self.key_path().ok_or_else(|| {
            let next = "give one with --key; `tetrarch keys new FILE` makes one";
            Failure::usage("cannot sign for this cluster", "there is no key to sign with", next)
        })?;
        keys::load(&path, self.passphrase.read()?.as_ref())
    }

    fn key_path(&self) -> Option<PathBuf> {
        let of_testnet =
            || self.place.genesis.is_none().then(|| self.place.dir.join("client.pem")).filter(|path| path.exists());
        self.key.clone().or_else(of_testnet)
    }

    fn client(&self, genesis: &Genesis, key: SigningKey, validity: Duration) -> Result<Client, Failure> {
        let options = ClientOptions { timeout: self.timeout, validity, ..ClientOptions::default() };
        Client::new(genesis, key, options).map_err(|error| Failure::client("cannot connect to the cluster", &error))
    }
}

/// A cluster's store.
pub(crate) type Store = Plain<ClusterBackend>;

/// Why the store does not do what it was asked.
pub(crate) fn store_failure(tried: &str, error: &PlainError) -> Failure {
    let class = match error {
        PlainError::Backend(BackendError::Unavailable(_)) => Class::Unreachable,
        PlainError::Backend(BackendError::TimedOut | BackendError::Disagree) => Class::NoQuorum,
        PlainError::Backend(_) | PlainError::Store(_) | PlainError::Compacted(_) => Class::Failed,
    };
    let mut failure = Failure::sentence(class, tried, &error.to_string());
    if failure.next.is_empty() {
        failure.next = "try again; `tetrarch testnet status` says how the cluster is".into();
    }
    failure
}

/// Takes leave of the replicas; those that do not listen are not waited for.
pub(crate) async fn finish(client: &Client) {
    let _ = tokio::time::timeout(Duration::from_millis(200), client.close()).await;
}

/// Reads and checks a genesis file.
pub(crate) fn read_genesis(path: &Path) -> Result<Genesis, Failure> {
    let text = input::document("the genesis file", path)?;
    Genesis::from_json(&text).map_err(|error| {
        let tried = format!("cannot use the genesis file {}", path.display());
        Failure::usage(tried, error.to_string(), "get the chain's own file from another operator")
    })
}

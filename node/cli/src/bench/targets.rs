//! The clients of a load.

use std::sync::Arc;

use tetrarch_bench::{ClusterTarget, EtcdTarget, Target};
use tetrarch_client::Client;
use tetrarch_crypto::SigningKey;
use tetrarch_kv_client::ClusterBackend;
use tetrarch_kv_client::turns::Plain;

use super::{BenchArguments, TRIED};
use crate::cluster::ClusterArguments;
use crate::failure::{Class, Failure};

/// Sets of connections to the replicas that clients with keys of their own share.
const CONNECTIONS: usize = 16;

/// A client for each that is asked for.
pub(super) async fn make(arguments: &BenchArguments, cluster: &ClusterArguments) -> Result<Vec<Target>, Failure> {
    let clients = usize::from(arguments.clients);
    if let Some(endpoint) = &arguments.endpoint {
        return etcd(endpoint, clients).await;
    }
    if arguments.distinct_keys { distinct(cluster, clients) } else { alike(cluster, clients) }
}

async fn etcd(endpoint: &str, clients: usize) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::with_capacity(clients);
    for number in 0..clients {
        let connected = EtcdTarget::connect(number, endpoint).await.map_err(|error| {
            let next = "check --endpoint, and that it serves without TLS";
            Failure::new(Class::Unreachable, TRIED, format!("{endpoint}: {error}"), next)
        })?;
        targets.push(Target::Etcd(connected));
    }
    Ok(targets)
}

/// One key and one set of connections, as a gateway has.
fn alike(cluster: &ClusterArguments, clients: usize) -> Result<Vec<Target>, Failure> {
    let signer = Arc::new(cluster.signing_client()?);
    let reader = reader(cluster, &signer)?;
    let target = |number| Target::Cluster(ClusterTarget::new(number, Arc::clone(&signer), Arc::clone(&reader)));
    Ok((0..clients).map(target).collect())
}

/// A key for each, and as many sets of connections as are of use.
fn distinct(cluster: &ClusterArguments, clients: usize) -> Result<Vec<Target>, Failure> {
    let mut connections = Vec::new();
    for _ in 0..clients.min(CONNECTIONS) {
        let client = cluster.reading_client()?;
        let reader = reader(cluster, &client)?;
        connections.push((client, reader));
    }
    let sign = |(number, (client, reader)): (usize, &(Client, Arc<_>))| {
        let signer = Arc::new(client.with_key(key()?));
        Ok(Target::Cluster(ClusterTarget::new(number, signer, Arc::clone(reader))))
    };
    connections.iter().cycle().take(clients).enumerate().map(sign).collect()
}

fn reader(cluster: &ClusterArguments, client: &Client) -> Result<Arc<Plain<ClusterBackend>>, Failure> {
    let genesis = cluster.load_genesis()?;
    Ok(Arc::new(Plain(Arc::new(ClusterBackend::new(client.with_key(key()?), &genesis, cluster.timeout)))))
}

fn key() -> Result<SigningKey, Failure> {
    SigningKey::generate().map_err(|error| Failure::failed("cannot make a key", error.to_string(), "try again"))
}

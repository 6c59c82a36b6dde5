//! The clients of a load.

use std::sync::Arc;

use tetrarch_bench::{ClusterTarget, EtcdTarget, Target};
use tetrarch_client::Client;
use tetrarch_types::Genesis;

use super::{BenchArguments, TRIED};
use crate::cluster::{ClusterArguments, Store};
use crate::failure::{Class, Failure};
use crate::keys;

/// Sets of connections to the replicas that clients with keys of their own share.
const CONNECTIONS: usize = 16;

/// Clients of whatever speaks etcd's API there.
pub(super) async fn of_etcd(arguments: &BenchArguments, endpoint: &str) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for number in 0..arguments.clients.into() {
        let connected = EtcdTarget::connect(number, endpoint).await.map_err(|error| {
            let next = "check --endpoint, and that it serves without TLS";
            Failure::new(Class::Unreachable, TRIED, format!("{endpoint}: {error}"), next)
        })?;
        targets.push(Target::Etcd(connected));
    }
    Ok(targets)
}

/// Clients of the cluster with this genesis. Must be called in a runtime.
pub(super) fn of_cluster(
    arguments: &BenchArguments,
    cluster: &ClusterArguments,
    genesis: &Genesis,
) -> Result<Vec<Target>, Failure> {
    let clients = usize::from(arguments.clients);
    if arguments.distinct_keys { distinct(cluster, genesis, clients) } else { alike(cluster, genesis, clients) }
}

/// One key and one set of connections, as a gateway has.
fn alike(cluster: &ClusterArguments, genesis: &Genesis, clients: usize) -> Result<Vec<Target>, Failure> {
    let signer = Arc::new(cluster.client_of(genesis, cluster.load_key()?)?);
    let reader = reader(cluster, genesis, &signer)?;
    let target = |number| Target::Cluster(ClusterTarget::new(number, Arc::clone(&signer), Arc::clone(&reader)));
    Ok((0..clients).map(target).collect())
}

/// A key for each, and as many sets of connections as are of use. All of them belong to one process, which examines the signature over
/// a batch's results once.
fn distinct(cluster: &ClusterArguments, genesis: &Genesis, clients: usize) -> Result<Vec<Target>, Failure> {
    let first = cluster.client_of(genesis, keys::generate()?)?;
    let connect = |number| {
        let client = first.with_key(keys::generate()?);
        let client = if number == 0 { Ok(client) } else { client.with_own_connections() };
        let client = client.map_err(|error| Failure::client(TRIED, &error))?;
        let reader = reader(cluster, genesis, &client)?;
        Ok((client, reader))
    };
    let connections: Vec<(Client, Arc<Store>)> =
        (0..clients.min(CONNECTIONS)).map(connect).collect::<Result<_, _>>()?;
    let target = |(number, (client, reader)): (usize, &(Client, Arc<Store>))| {
        let signer = Arc::new(client.with_key(keys::generate()?));
        Ok(Target::Cluster(ClusterTarget::new(number, signer, Arc::clone(reader))))
    };
    connections.iter().cycle().take(clients).enumerate().map(target).collect()
}

/// What reads over a client's connections. Reads need no key of anybody's.
fn reader(cluster: &ClusterArguments, genesis: &Genesis, client: &Client) -> Result<Arc<Store>, Failure> {
    Ok(Arc::new(cluster.store_through(client.with_key(keys::generate()?), genesis)))
}

//! A client's way in.

mod cluster;
mod etcd;

pub use cluster::ClusterTarget;
pub use etcd::EtcdTarget;

use crate::plan::Work;

/// A client's way in.
#[derive(Debug)]
pub enum Target {
    /// Signed transactions to the replicas.
    Cluster(ClusterTarget),
    /// Calls to a gateway or an etcd.
    Etcd(EtcdTarget),
}

impl Target {
    /// Does it, and checks that it was done.
    pub(crate) async fn carry_out(&self, work: &Work) -> Result<(), String> {
        match self {
            Self::Cluster(cluster) => cluster.carry_out(work).await,
            Self::Etcd(etcd) => etcd.carry_out(work).await,
        }
    }
}

/// The key that only the client of this number puts.
fn own_key(number: usize) -> String {
    format!("bench-of/{number:04}")
}

//! An etcd of three members on this machine, as Debian packs it (etcd-server); its processes end when this is dropped.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tetrarch_gateway::messages::health::{HealthCheckRequest, HealthCheckResponse};
use tonic::transport::Endpoint;

use super::installed::program;

const MEMBERS: usize = 3;

/// How long it may take until it has a leader.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Etcd {
    members: Vec<Child>,
    /// Where the first member takes clients.
    pub(crate) address: String,
    _data: tempfile::TempDir,
}

impl Etcd {
    /// None where etcd is not installed.
    pub(crate) async fn start() -> Option<Self> {
        program("etcd").arg("--version").stdout(Stdio::null()).status().ok()?;
        let data = tempfile::tempdir().unwrap();
        let addresses = free_addresses(2 * MEMBERS);
        let (clients, peers) = addresses.split_at(MEMBERS);
        let cluster: Vec<String> = (0..MEMBERS).map(|member| format!("m{member}=http://{}", peers[member])).collect();
        let start = |member: usize| {
            let (client, peer) = (format!("http://{}", clients[member]), format!("http://{}", peers[member]));
            program("etcd")
                .args(["--name", &format!("m{member}"), "--log-level", "error", "--data-dir"])
                .arg(data.path().join(member.to_string()))
                .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
                .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
                .args(["--initial-cluster", &cluster.join(",")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let members = (0..MEMBERS).map(start).collect();
        let etcd = Self { members, address: clients[0].clone(), _data: data };
        etcd.until_healthy().await;
        Some(etcd)
    }

    async fn until_healthy(&self) {
        let until = Instant::now() + PATIENCE;
        let channel = Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy();
        let check = || HealthCheckRequest { service: String::new() };
        while !super::call::<_, HealthCheckResponse>(channel.clone(), "/grpc.health.v1.Health/Check", check())
            .await
            .is_ok_and(|health| health.status == 1)
        {
            assert!(Instant::now() < until, "etcd has no leader within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            drop(member.kill());
            drop(member.wait());
        }
    }
}

/// Different ones, free now.
fn free_addresses(count: usize) -> Vec<String> {
    let listeners: Vec<_> = (0..count).map(|_| std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect()
}

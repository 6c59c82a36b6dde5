//! An etcd of three members on this machine, as Debian packs it (etcd-server), to compare with.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::plan::Work;
use crate::target::EtcdTarget;

const MEMBERS: usize = 3;

/// How long it may take until it has a leader.
const PATIENCE: Duration = Duration::from_secs(30);

/// Its processes end when this is dropped.
#[derive(Debug)]
pub struct EtcdMembers {
    members: Vec<Child>,
    address: String,
}

impl EtcdMembers {
    /// Starts them on free ports, with their data below `dir`, and waits until they take a put.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where etcd is not installed, [`io::ErrorKind::TimedOut`] if it does not come up.
    pub async fn start(dir: &Path) -> io::Result<Self> {
        let addresses = free_addresses(2 * MEMBERS)?;
        let (clients, peers) = addresses.split_at(MEMBERS);
        let cluster: Vec<String> = (0..MEMBERS).map(|member| format!("m{member}=http://{}", peers[member])).collect();
        let mut etcd = Self { members: Vec::new(), address: clients[0].clone() };
        for member in 0..MEMBERS {
            let (client, peer) = (format!("http://{}", clients[member]), format!("http://{}", peers[member]));
            let process = Command::new("etcd")
                .args(["--name", &format!("m{member}"), "--log-level", "error", "--data-dir"])
                .arg(dir.join(member.to_string()))
                .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
                .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
                .args(["--initial-cluster", &cluster.join(",")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            etcd.members.push(process);
        }
        etcd.until_it_takes_a_put().await?;
        Ok(etcd)
    }

    /// Where the first of them takes clients.
    pub fn address(&self) -> &str {
        &self.address
    }

    async fn until_it_takes_a_put(&self) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        let put = Work::Put(vec![("bench-is-up".to_owned(), b"yes".to_vec())]);
        loop {
            if let Ok(target) = EtcdTarget::connect(0, &self.address).await
                && target.carry_out(&put).await.is_ok()
            {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "etcd has no leader"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for EtcdMembers {
    fn drop(&mut self) {
        for member in &mut self.members {
            drop(member.kill());
            drop(member.wait());
        }
    }
}

/// Different ones, free now.
fn free_addresses(count: usize) -> io::Result<Vec<String>> {
    let listeners: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<io::Result<_>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}

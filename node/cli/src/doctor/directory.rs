//! Whether a testnet's or a node's directory is whole.

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tetrarch_crypto::{Signer, SigningKey};
use tetrarch_launcher::{Layout, SupervisorLock, Testnet};
use tetrarch_server::{Identity, NodeConfig};

use super::{Check, gateway};

pub(super) async fn checks(dir: &Path) -> Vec<Check> {
    if Layout::new(dir).marker().exists() {
        testnet(dir).await
    } else if dir.join("node.toml").exists() {
        node("node", &dir.join("node.toml"), true)
    } else {
        let found = format!("{} is neither a testnet's directory nor a node's", dir.display());
        let next = "make one with `tetrarch testnet up` or `tetrarch node init`, or name another with --dir";
        vec![Check::fail("directory", found, next)]
    }
}

async fn testnet(dir: &Path) -> Vec<Check> {
    let testnet = match Testnet::open(dir) {
        Ok(testnet) => testnet,
        Err(error) => return vec![Check::fail_sentence("testnet", &error.to_string())],
    };
    let (layout, description) = (testnet.layout(), testnet.description());
    let found = format!("{} replicas, chain {}", description.n, description.chain);
    let mut checks = vec![Check::ok("testnet", found), client_key(&layout.client_key())];
    let holder = SupervisorLock::holder(layout);
    checks.push(match holder {
        Some(pid) => Check::ok("supervisor", format!("it runs as process {pid}")),
        None => Check::ok("supervisor", "it does not run; `tetrarch testnet up` starts it"),
    });
    for replica in 0..description.n {
        checks.extend(node(&format!("replica {replica}"), &layout.config(replica), holder.is_none()));
    }
    checks.extend(gateway::checks(&testnet, holder.is_some()).await);
    checks
}

fn client_key(path: &Path) -> Check {
    match SigningKey::load(path, None) {
        Ok(key) => Check::ok("client key", format!("public key {}", key.public_key())),
        Err(error) => Check::fail_sentence("client key", &error.to_string()),
    }
}

/// Whether a node could start from this configuration; its ports are tried only when it should not be running.
fn node(name: &str, config: &Path, is_down: bool) -> Vec<Check> {
    let loaded = NodeConfig::load(config).and_then(|config| Ok((Identity::load(&config)?, config)));
    let (identity, config) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return vec![Check::fail_sentence(name, &error.to_string())],
    };
    let found = format!("the key is that of replica {} of chain {}", identity.id(), identity.genesis().digest());
    let mut checks = vec![Check::ok(name, found)];
    checks.extend(data(name, &config));
    if is_down {
        let member = identity.genesis().replicas.get(identity.id().index());
        let peers = config.peer_listen.or(member.map(|member| member.peer_address));
        let clients = config.client_listen.or(member.map(|member| member.client_address));
        checks.extend(peers.into_iter().chain(clients).map(|address| port(name, address)));
    }
    checks
}

fn data(name: &str, config: &NodeConfig) -> Vec<Check> {
    let path = config.data_dir.display();
    let here = format!("{name} data");
    if !config.data_dir.is_dir() {
        let next = "make it with `tetrarch node init --config FILE`";
        return vec![Check::fail(here, format!("{path} is not there"), next)];
    }
    match lock_holder(&config.data_dir.join("db").join("LOCK")) {
        Some(pid) => {
            let found =
                format!("{path} is in use by process {pid}; what is in it can be checked when that has stopped");
            vec![Check::ok(here, found)]
        }
        None => {
            let mut checks = vec![Check::ok(here, format!("{path} is there, and no process has it open"))];
            checks.extend(super::data::checks(name, config));
            checks
        }
    }
}

/// The process that holds a lock on a file, as the system lists it: asking does not disturb a node that starts at this moment.
fn lock_holder(path: &Path) -> Option<u32> {
    let inode = std::fs::metadata(path).ok()?.ino().to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // 1: POSIX  ADVISORY  WRITE 1234 fe:00:131099 0 EOF
    let holder = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (pid, file) = (fields.get(4)?, fields.get(5)?);
        (file.rsplit(':').next() == Some(inode.as_str())).then(|| pid.parse().ok())?
    };
    locks.lines().find_map(holder)
}

fn port(name: &str, address: SocketAddr) -> Check {
    let name = format!("{name} port");
    match UdpSocket::bind(address) {
        Ok(_) => Check::ok(name, format!("UDP {address} is free")),
        Err(error) => {
            let next = "stop whoever has it, unless that is this node itself; or choose another port";
            Check::warn(name, format!("UDP {address}: {error}"), next)
        }
    }
}

//! Whether a testnet's gateway serves, and whether what a gateway is to serve with can be read.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tetrarch_crypto::{Signer, SigningKey};
use tetrarch_launcher::{Answer, Command, GatewayStatus, ProcessState, Testnet, send};

use super::Check;
use crate::gateway::TlsArguments;

/// How long the supervisor may take, and each page of the gateway: it asks the cluster for one of them.
const PATIENCE: Duration = Duration::from_secs(12);

/// The most that is read of a page, in bytes.
const MAX_PAGE: u64 = 64 * 1024;

/// A certificate, its key, and the authorities of clients' certificates, where they are named.
pub(super) fn tls(arguments: &TlsArguments) -> Option<Check> {
    let name = "gateway TLS files";
    Some(match arguments.load()? {
        Ok(_) => Check::ok(name, "the certificate and its key can be read, and belong together"),
        Err(error) => Check::fail_sentence(name, &error.to_string()),
    })
}

/// The gateway of a testnet, whether it runs or not.
pub(super) async fn checks(testnet: &Testnet, is_supervised: bool) -> Vec<Check> {
    let mut checks: Vec<Check> = key(testnet).into_iter().collect();
    if !is_supervised {
        checks.push(port(testnet.description().gateway_address()));
        return checks;
    }
    match process(testnet).await {
        Ok(Some(process)) => checks.extend(running(&process)),
        Ok(None) => checks.push(Check::ok("gateway", "the testnet runs without one")),
        Err(error) => checks.push(Check::fail_sentence("gateway", &error)),
    }
    checks
}

/// It is made with the first start, so that one that is not there yet is no fault.
fn key(testnet: &Testnet) -> Option<Check> {
    let (name, path) = ("gateway key", testnet.layout().gateway_key());
    path.exists().then(|| match SigningKey::load(&path, None) {
        Ok(key) => Check::ok(name, format!("public key {}", key.public_key())),
        Err(error) => Check::fail_sentence(name, &error.to_string()),
    })
}

fn port(address: SocketAddr) -> Check {
    let name = "gateway port";
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(name, format!("TCP {address} is free")),
        Err(error) => {
            let next = "stop whoever has it, an etcd perhaps; or choose another with `testnet up --gateway-port`";
            Check::warn(name, format!("TCP {address}: {error}"), next)
        }
    }
}

/// What the supervisor knows of it.
async fn process(testnet: &Testnet) -> Result<Option<GatewayStatus>, String> {
    match send(testnet.layout(), &Command::Status, PATIENCE).await {
        Ok(Answer::Status(status)) => Ok(status.gateway),
        Ok(_) => Err("the supervisor answered something else; use the version of tetrarch that it runs".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn running(process: &GatewayStatus) -> Vec<Check> {
    let GatewayStatus { address, state, last_words, .. } = process;
    let name = "gateway";
    match state {
        ProcessState::Running => vec![health(*address), version(*address)],
        ProcessState::Killed => {
            vec![Check::warn(name, "it was killed on purpose", "start it with `tetrarch testnet start gateway`")]
        }
        ProcessState::Paused => {
            vec![Check::warn(name, "it is paused", "let it go on with `tetrarch testnet resume gateway`")]
        }
        ProcessState::Restarting | ProcessState::Stopped => {
            let words = last_words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
            let next = "look into its log with `tetrarch testnet logs gateway`";
            vec![Check::fail(name, format!("it does not run, and is {state}{words}"), next)]
        }
    }
}

fn health(address: SocketAddr) -> Check {
    let name = "gateway";
    match page(address, "/health") {
        Ok(page) if page["health"] == "true" => {
            Check::ok(name, format!("it answers at {address}, and the cluster behind it answers"))
        }
        Ok(page) => {
            let reason = page["reason"].as_str().unwrap_or("it does not say why");
            let next = "look at the replicas with `tetrarch testnet status`";
            Check::fail(name, format!("it answers at {address}, and says that it is not healthy: {reason}"), next)
        }
        Err(error) => {
            let next = "look into its log with `tetrarch testnet logs gateway`";
            Check::fail(name, format!("it runs, and does not answer at {address}: {error}"), next)
        }
    }
}

fn version(address: SocketAddr) -> Check {
    let name = "gateway version";
    match page(address, "/version") {
        Ok(page) => match page["etcdserver"].as_str() {
            Some(version) => Check::ok(name, format!("it speaks as etcd {version} does")),
            None => Check::fail(name, format!("what listens at {address} does not say"), "see what it is"),
        },
        Err(error) => Check::fail(name, format!("it cannot be asked: {error}"), "run `tetrarch doctor` again"),
    }
}

/// An object that is served over plain HTTP.
fn page(address: SocketAddr, path: &str) -> io::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(MAX_PAGE).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
    let object = body.and_then(|body| serde_json::from_str(body).ok());
    object.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "what came back is no page of a gateway"))
}

//! What is said when a testnet serves.

use std::net::SocketAddr;

use serde::Serialize;
use tetrarch_launcher::{ReplicaState, Testnet, TestnetStatus};

use super::place::{called, flag};
use super::status::{gateway, or_dash, role, summary};
use crate::failure::Failure;
use crate::output::{Output, table};

#[derive(Serialize)]
struct Report {
    dir: String,
    n: usize,
    f: usize,
    quorum: usize,
    view: Option<u64>,
    primary: Option<u16>,
    gateway: Option<SocketAddr>,
    replicas: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: u16,
    pid: Option<u32>,
    peer_address: String,
    client_address: String,
    role: &'static str,
    state: ReplicaState,
}

/// The replicas as data, two commands to try as a message.
///
/// A table stands above the message, for who reads on. JSON is the last that is said: who waits for that line has the message by then.
pub(super) fn print(testnet: &Testnet, status: &TestnetStatus, output: &Output) -> Result<(), Failure> {
    let report = report(testnet, status);
    let message = message(testnet, status);
    if output.is_json() {
        output.note(&message);
        return output.json(&report);
    }
    output.text(&text(&report))?;
    output.note(&message);
    Ok(())
}

fn message(testnet: &Testnet, status: &TestnetStatus) -> String {
    let (tetrarch, flag) = (called(), flag(testnet.layout().root()));
    let mut lines = vec![summary(status)];
    lines.extend(gateway(status));
    if status.f == 0 {
        lines.push("one replica tolerates nothing: good for development only".into());
    }
    lines.push(format!("try:  {tetrarch} kv put greeting hello{flag}"));
    lines.extend(status.gateway.map(|it| format!("      ETCDCTL_API=3 etcdctl --endpoints={it} put hello world")));
    lines.push(format!("      {tetrarch} testnet kill {}{flag}", status.primary.unwrap_or(0)));
    lines.join("\n")
}

fn report(testnet: &Testnet, status: &TestnetStatus) -> Report {
    let description = testnet.description();
    let row = |replica: &tetrarch_launcher::ReplicaStatus| Row {
        id: replica.id,
        pid: replica.pid,
        peer_address: description.peer_address(replica.id).to_string(),
        client_address: description.client_address(replica.id).to_string(),
        role: role(status.primary, replica.id),
        state: replica.state,
    };
    let TestnetStatus { n, f, quorum, view, primary, gateway, .. } = *status;
    let dir = testnet.layout().root().display().to_string();
    Report { dir, n, f, quorum, view, primary, gateway, replicas: status.replicas.iter().map(row).collect() }
}

fn text(report: &Report) -> String {
    let cells = |row: &Row| {
        let Row { id, pid, peer_address, client_address, role, state } = row;
        let state = state.word().to_owned();
        vec![id.to_string(), or_dash(*pid), peer_address.clone(), client_address.clone(), (*role).into(), state]
    };
    let rows: Vec<Vec<String>> = report.replicas.iter().map(cells).collect();
    table(&["REPLICA", "PID", "PEERS", "CLIENTS", "ROLE", "STATE"], &rows)
}

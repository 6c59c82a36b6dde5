//! `testnet status`.

use std::time::Duration;

use clap::Args;
use tetrarch_launcher::{GatewayStatus, Observer, ReplicaStatus, TestnetStatus};

use super::failure::of;
use super::place::Place;
use super::recovery;
use crate::duration;
use crate::failure::Failure;
use crate::output::{Output, mebibytes, table};

/// Which testnet, and how long to wait for its replicas.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    place: Place,
    /// How long to wait for replicas that do not answer.
    #[arg(long, default_value = "2s", value_parser = duration::parse, value_name = "TIME")]
    timeout: Duration,
}

/// Runs `tetrarch testnet status`. Without a supervisor, the replicas are unreachable, and that is no failure.
pub(super) async fn run(arguments: &StatusArguments, output: &Output) -> Result<(), Failure> {
    let tried = "cannot say how the testnet is";
    let testnet = arguments.place.open(tried)?;
    let observer = Observer::new(&testnet, arguments.timeout).map_err(|error| of(tried, &error))?;
    let status = observer.look().await;
    observer.close().await;
    output.data(&status, || text(&status))
}

fn text(status: &TestnetStatus) -> String {
    let header =
        ["REPLICA", "PID", "STATE", "ROLE", "VIEW", "EXECUTED", "CHECKPOINT", "REVISION", "DATABASE", "STATE ROOT"];
    let rows: Vec<Vec<String>> = status.replicas.iter().map(|replica| row(status, replica)).collect();
    let mut text = format!("{}\n\n{}", summary(status), table(&header, &rows));
    for (replica, line) in status.replicas.iter().filter_map(|replica| Some((replica, recovery::line(replica)?))) {
        text.push_str(&format!("replica {}: {line}\n", replica.id));
    }
    text.extend(gateway(status).map(|line| format!("{line}\n")));
    text
}

/// One line about the gateway, if there is one.
pub(super) fn gateway(status: &TestnetStatus) -> Option<String> {
    let GatewayStatus { address, pid, state, last_words, .. } = status.gateway_process.as_ref()?;
    let process = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let words = last_words.as_deref().filter(|_| pid.is_none()).map(|words| format!(": {words}")).unwrap_or_default();
    Some(format!("gateway at {address}: {state}{process}{words}"))
}

/// One line about the whole.
pub(super) fn summary(status: &TestnetStatus) -> String {
    let TestnetStatus { n, f, quorum, .. } = status;
    let tolerance = match f {
        0 => "tolerates no fault".to_owned(),
        1 => "tolerates 1 faulty replica".to_owned(),
        f => format!("tolerates {f} faulty replicas"),
    };
    let view = match (status.view, status.primary) {
        (Some(view), Some(primary)) => format!("view {view}, primary {primary}"),
        _ => "view unknown: too few replicas answer".into(),
    };
    format!("{n} replicas, {quorum} decide, {tolerance}; {view}")
}

fn row(status: &TestnetStatus, replica: &ReplicaStatus) -> Vec<String> {
    vec![
        replica.id.to_string(),
        or_dash(replica.pid),
        replica.words(),
        role(status.primary, replica.id).into(),
        or_dash(replica.view),
        or_dash(replica.executed),
        or_dash(replica.stable_checkpoint),
        or_dash(replica.revision),
        or_dash(replica.stored_bytes.map(mebibytes)),
        replica.state_root.map_or_else(|| "-".into(), |root| root.to_string().chars().take(16).collect()),
    ]
}

/// What a replica is in the view.
pub(super) fn role(primary: Option<u16>, replica: u16) -> &'static str {
    match primary {
        Some(primary) if primary == replica => "primary",
        Some(_) => "backup",
        None => "-",
    }
}

pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

//! Waiting until a testnet serves.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tetrarch_client::{Client, ClientError, ClientOptions};
use tetrarch_crypto::SigningKey;
use tetrarch_kv::Command;
use tetrarch_launcher::{ProcessState, ProcessStatus, Supervisor, Testnet};

use super::start::TRIED;
use crate::failure::{Class, Failure};
use crate::keys;

/// How long one attempt may take; then it is looked whether there is any hope.
const ATTEMPT: Duration = Duration::from_secs(2);

/// A process that crashed so often in a row is not expected to come up.
const HOPELESS: u64 = 3;

/// Waits until the cluster has answered a signed transaction. It reads, so that nothing is left behind by it.
pub(super) async fn until_serving(
    testnet: &Testnet,
    supervisor: &Supervisor,
    patience: Duration,
) -> Result<(), Failure> {
    let client = client(testnet)?;
    let spinner = spinner(testnet.description().n);
    let start = Instant::now();
    let result = loop {
        let Err(error) = client.submit(Command::get("tetrarch").encode()).await else { break Ok(()) };
        let status = supervisor.status();
        let crashes = crashes(&status.replicas);
        spinner.set_message(crashes.clone());
        if is_hopeless(&status.replicas, client.membership().quorum()) {
            break Err(Failure::failed(TRIED, crashes, "correct that, then start it again"));
        }
        if start.elapsed() >= patience {
            break Err(too_late(&error, &crashes, patience));
        }
        pause(&error).await;
    };
    spinner.finish_and_clear();
    client.close().await;
    result
}

/// Waits until the gateway takes connections, if there is one.
pub(super) async fn until_gateway_listens(supervisor: &Supervisor, patience: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    while let Some(gateway) = supervisor.status().gateway {
        if tokio::net::TcpStream::connect(gateway.address).await.is_ok() {
            break;
        }
        let is_lost = gateway.restarts >= HOPELESS && gateway.state == ProcessState::Restarting;
        if is_lost || start.elapsed() >= patience {
            let exit = gateway.last_exit.unwrap_or_else(|| "it does not listen".into());
            let words = gateway.last_words.map(|words| format!(": {words}")).unwrap_or_default();
            let next = "correct that, or start without a gateway with --no-gateway";
            return Err(Failure::failed(TRIED, format!("the gateway does not come up ({exit}){words}"), next));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn client(testnet: &Testnet) -> Result<Client, Failure> {
    let key: SigningKey = keys::load(&testnet.layout().client_key(), None)?;
    let options =
        ClientOptions { timeout: ATTEMPT, retransmit_interval: Duration::from_millis(250), ..ClientOptions::default() };
    Client::new(testnet.genesis(), key, options).map_err(|error| Failure::client(TRIED, &error))
}

/// Some errors come at once.
async fn pause(_: &ClientError) {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn spinner(n: u16) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{spinner} {prefix} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style);
    spinner.set_prefix(format!("starting {}", super::prepare::replicas(n)));
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// So many crash again and again that the rest is no quorum.
fn is_hopeless(processes: &[ProcessStatus], quorum: usize) -> bool {
    let is_lost = |process: &&ProcessStatus| process.restarts >= HOPELESS && process.state == ProcessState::Restarting;
    processes.len() - processes.iter().filter(is_lost).count() < quorum
}

/// What is the matter with those that are not up.
pub(super) fn crashes(processes: &[ProcessStatus]) -> String {
    let crash = |process: &ProcessStatus| {
        let exit = process.last_exit.as_deref().filter(|_| process.state == ProcessState::Restarting)?;
        let words = process.last_words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
        Some(format!("replica {} ends by itself ({exit}){words}", process.id))
    };
    processes.iter().filter_map(crash).collect::<Vec<_>>().join("; ")
}

fn too_late(error: &ClientError, crashes: &str, patience: Duration) -> Failure {
    let happened = format!("it did not answer a transaction within {} s: {error}", patience.as_secs());
    let happened = if crashes.is_empty() { happened } else { format!("{happened}; {crashes}") };
    Failure::new(Class::NoQuorum, TRIED, happened, "look at `tetrarch testnet logs K`, or wait longer with --timeout")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u16, restarts: u64, state: ProcessState) -> ProcessStatus {
        let last_exit = Some("exit status: 2".to_owned());
        let last_words = Some("error: the key is damaged".to_owned());
        ProcessStatus { id, pid: None, state, corruption: None, restarts, last_exit, last_words }
    }

    #[test]
    fn one_of_four_may_fail() {
        let mut processes: Vec<_> = (0..4).map(|id| process(id, 0, ProcessState::Running)).collect();
        processes[1] = process(1, 5, ProcessState::Restarting);
        assert!(!is_hopeless(&processes, 3));
        assert_eq!(crashes(&processes), "replica 1 ends by itself (exit status: 2): error: the key is damaged");
        processes[3] = process(3, 2, ProcessState::Restarting);
        assert!(!is_hopeless(&processes, 3), "not yet");
        processes[3].restarts = 3;
        assert!(is_hopeless(&processes, 3));
    }
}

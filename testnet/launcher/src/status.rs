//! How a testnet is: what the supervisor knows of its processes, and what the replicas say of themselves.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tetrarch_client::{Client, ClientOptions};
use tetrarch_crypto::{Digest, SigningKey};
use tetrarch_liar::Corruption;
use tetrarch_types::{NodeMode, NodeStatus, View, nth_largest};

use crate::control;
use crate::protocol::{Answer, Command, GatewayStatus, ProcessState, ProcessStatus, SupervisorStatus};
use crate::recovery::{self, RecoveryStatus, TransferStatus};
use crate::{LaunchError, Testnet};

/// How long a supervisor may take to say how its processes are.
const SUPERVISOR_PATIENCE: Duration = Duration::from_secs(2);

/// What a replica is doing, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplicaState {
    /// It answers and takes part.
    Running,
    /// It answers and is behind, or does not vote until that is safe; the reason stands beside it.
    Recovering,
    /// It answers that it does not vote; its reason stands beside it.
    Halted,
    /// Up, and lies on purpose; how, stands beside it.
    Byzantine,
    /// Killed on purpose.
    Killed,
    /// Stopped by SIGSTOP.
    Paused,
    /// No answer.
    Unreachable,
}

impl ReplicaState {
    /// The word for it, as in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Recovering => "recovering",
            Self::Halted => "halted",
            Self::Byzantine => "byzantine",
            Self::Killed => "killed",
            Self::Paused => "paused",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How one replica is. What it did not say is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// Which.
    pub id: u16,
    /// Its process.
    pub pid: Option<u32>,
    /// What it is doing.
    pub state: ReplicaState,
    /// How it lies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub corruption: Option<Corruption>,
    /// Its view.
    pub view: Option<u64>,
    /// The last batch executed.
    pub executed: Option<u64>,
    /// Its stable checkpoint.
    pub stable_checkpoint: Option<u64>,
    /// The state root at its own last checkpoint.
    pub state_root: Option<Digest>,
    /// Its store's revision.
    pub revision: Option<u64>,
    /// Bytes of its database.
    #[serde(default)]
    pub stored_bytes: Option<u64>,
    /// The state transfer that it has under way.
    #[serde(default)]
    pub transfer: Option<TransferStatus>,
    /// How it came back when its process started.
    #[serde(default)]
    pub recovery: Option<RecoveryStatus>,
    /// Why it is halted, recovering or unreachable, where that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl ReplicaStatus {
    /// What it is doing, for people: of a liar, how it lies.
    pub fn words(&self) -> String {
        match self.corruption {
            Some(Corruption { mode, .. }) => format!("lying: {mode}"),
            None => self.state.word().to_owned(),
        }
    }
}

/// How a testnet is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestnetStatus {
    /// Replicas.
    pub n: usize,
    /// Faulty ones tolerated.
    pub f: usize,
    /// How many decide.
    pub quorum: usize,
    /// The highest view that f + 1 replicas have reached, so that one honest replica has; null when so many do not answer.
    pub view: Option<u64>,
    /// That view's primary.
    pub primary: Option<u16>,
    /// Where etcd's clients reach the gateway; null when none is running under the supervisor.
    #[serde(default)]
    pub gateway: Option<SocketAddr>,
    /// How the gateway's process is.
    #[serde(default)]
    pub gateway_process: Option<GatewayStatus>,
    /// Each replica, by id.
    pub replicas: Vec<ReplicaStatus>,
}

/// Looks at a testnet, again and again over the same connections.
pub struct Observer {
    testnet: Testnet,
    client: Client,
}

impl Observer {
    /// An observer that waits `timeout` for replicas' answers at each look. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When no network socket can be had.
    pub fn new(testnet: &Testnet, timeout: Duration) -> Result<Self, LaunchError> {
        let options = ClientOptions { timeout, ..ClientOptions::default() };
        // Statuses are asked for without a signature: any key will do, and the client's file need not be readable.
        let client = Client::new(testnet.genesis(), SigningKey::generate()?, options)
            .map_err(|error| LaunchError::Observer { reason: error.to_string() })?;
        Ok(Self { testnet: testnet.clone(), client })
    }

    /// How everything is now. Without a supervisor, processes are not known, and replicas that do not answer are unreachable.
    pub async fn look(&self) -> TestnetStatus {
        let (supervisor, answers) = tokio::join!(self.supervisor(), self.client.statuses());
        let (processes, gateway) = supervisor.map(|it| (it.replicas, it.gateway)).unwrap_or_default();
        let mut replicas = Vec::new();
        for (id, answer) in (0..).zip(answers) {
            let process = processes.get(usize::from(id));
            replicas.push(replica_status(id, process, answer.map_err(|trouble| trouble.to_string())));
        }
        self.summary(replicas, gateway)
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.client.close().await;
    }

    /// The view as f + 1 of them have reached it.
    fn summary(&self, replicas: Vec<ReplicaStatus>, gateway_process: Option<GatewayStatus>) -> TestnetStatus {
        let membership = self.client.membership();
        let views = replicas.iter().filter_map(|replica| replica.view);
        let view = nth_largest(views, membership.weak_quorum());
        let primary = view.map(|view| membership.primary(View::new(view)).get());
        let (n, f, quorum) = (membership.size(), membership.faults(), membership.quorum());
        let gateway = gateway_process.as_ref().map(|process| process.address);
        TestnetStatus { n, f, quorum, view, primary, gateway, gateway_process, replicas }
    }

    async fn supervisor(&self) -> Option<SupervisorStatus> {
        match control::send(self.testnet.layout(), &Command::Status, SUPERVISOR_PATIENCE).await {
            Ok(Answer::Status(status)) => Some(status),
            _ => None,
        }
    }
}

fn replica_status(id: u16, process: Option<&ProcessStatus>, answer: Result<NodeStatus, String>) -> ReplicaStatus {
    let state = replica_state(process, answer.as_ref().ok());
    let reason = reason(state, process, &answer);
    let said = answer.ok();
    ReplicaStatus {
        id,
        pid: process.and_then(|process| process.pid),
        state,
        corruption: process.and_then(|process| process.corruption).filter(|_| state == ReplicaState::Byzantine),
        view: said.as_ref().map(|status| status.view.get()),
        executed: said.as_ref().map(|status| status.executed.get()),
        stable_checkpoint: said.as_ref().map(|status| status.stable_checkpoint.get()),
        state_root: said.as_ref().map(|status| status.state_root),
        revision: said.as_ref().map(|status| status.revision),
        stored_bytes: said.as_ref().map(|status| status.stored_bytes),
        transfer: said.as_ref().and_then(|status| status.transfer).map(TransferStatus::from),
        recovery: said.map(|status| RecoveryStatus::from(status.recovery)),
        reason,
    }
}

fn replica_state(process: Option<&ProcessStatus>, said: Option<&NodeStatus>) -> ReplicaState {
    if process.is_some_and(|process| process.state == ProcessState::Running && process.corruption.is_some()) {
        return ReplicaState::Byzantine;
    }
    match (process.map(|process| process.state), said.map(|status| &status.mode)) {
        (Some(ProcessState::Killed), _) => ReplicaState::Killed,
        (Some(ProcessState::Paused), _) => ReplicaState::Paused,
        (_, None) => ReplicaState::Unreachable,
        (_, Some(NodeMode::Recovering | NodeMode::Silent { .. })) => ReplicaState::Recovering,
        (_, Some(NodeMode::Halted(_))) => ReplicaState::Halted,
        (_, Some(NodeMode::Normal | NodeMode::ChangingView)) => ReplicaState::Running,
    }
}

fn reason(state: ReplicaState, process: Option<&ProcessStatus>, answer: &Result<NodeStatus, String>) -> Option<String> {
    match (state, answer) {
        (ReplicaState::Halted | ReplicaState::Recovering, Ok(NodeStatus { mode, transfer, .. })) => {
            recovery::reason(mode, transfer.map(TransferStatus::from))
        }
        (ReplicaState::Unreachable, Err(trouble)) => Some(process.and_then(crash).unwrap_or_else(|| trouble.clone())),
        _ => None,
    }
}

/// Why a process that should be up is not, or was not until a moment ago.
fn crash(process: &ProcessStatus) -> Option<String> {
    let exit = process.last_exit.as_deref()?;
    let now = match process.state {
        ProcessState::Restarting => "is started again soon",
        ProcessState::Running => "was started again, and does not answer",
        _ => return None,
    };
    let words = process.last_words.as_deref().map(|words| format!("; its last words: {words}")).unwrap_or_default();
    Some(format!("it ended by itself ({exit}) and {now}{words}"))
}

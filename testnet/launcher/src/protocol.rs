//! What a supervisor and whoever tells it what to do say to each other: commands, answers, statuses, refusals.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tetrarch_liar::Corruption;

use crate::Whom;

/// The longest line either side takes, in bytes.
pub(crate) const MAX_LINE: usize = 256 * 1024;

/// What a supervisor can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// How the processes are.
    Status,
    /// SIGKILL, and stay down.
    Kill {
        /// Whom.
        whom: Whom,
    },
    /// Start one that is down, or make a replica honest that lies.
    Start {
        /// Whom.
        whom: Whom,
    },
    /// Stop one and start it as a liar; one that is down comes up as one.
    Corrupt {
        /// Whom.
        replica: u16,
        /// How it lies.
        corruption: Corruption,
    },
    /// SIGSTOP.
    Pause {
        /// Whom.
        whom: Whom,
    },
    /// SIGCONT.
    Resume {
        /// Whom.
        whom: Whom,
    },
    /// Stop everything, the supervisor too; answered when every process has ended.
    Down,
}

/// A supervisor's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It is done.
    Done,
    /// To [`Command::Status`].
    Status(SupervisorStatus),
    /// It was not done.
    Refused {
        /// Why.
        why: Refusal,
    },
}

/// How a supervisor and its processes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisorStatus {
    /// The supervisor's process.
    pub pid: u32,
    /// Whether the cluster has answered a signed transaction since the start.
    pub serving: bool,
    /// The replicas' processes, by id.
    pub replicas: Vec<ProcessStatus>,
    /// The gateway's process, if there is one.
    #[serde(default)]
    pub gateway: Option<GatewayStatus>,
}

/// How the gateway's process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayStatus {
    /// Where clients reach it.
    pub address: SocketAddr,
    /// Its process id, while it is up.
    pub pid: Option<u32>,
    /// What it is doing.
    pub state: ProcessState,
    /// How often it was started again after a crash.
    pub restarts: u64,
    /// How its last process ended, if it did so by itself.
    pub last_exit: Option<String>,
    /// The last line of its log when it last crashed.
    pub last_words: Option<String>,
}

impl GatewayStatus {
    pub(crate) fn new(address: SocketAddr, process: ProcessStatus) -> Self {
        let ProcessStatus { pid, state, restarts, last_exit, last_words, .. } = process;
        Self { address, pid, state, restarts, last_exit, last_words }
    }
}

/// What a replica's process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessState {
    /// Up.
    Running,
    /// Up, stopped by SIGSTOP.
    Paused,
    /// Down on purpose; stays down.
    Killed,
    /// Down by a crash; comes back soon.
    Restarting,
    /// Down with the whole testnet.
    Stopped,
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Killed => "killed",
            Self::Restarting => "waiting to be started again",
            Self::Stopped => "stopped",
        })
    }
}

/// How a replica's process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Whose.
    pub id: u16,
    /// Its process id, while it is up.
    pub pid: Option<u32>,
    /// What it is doing.
    pub state: ProcessState,
    /// How it lies; none of an honest one.
    #[serde(default)]
    pub corruption: Option<Corruption>,
    /// How often it was started again after a crash.
    pub restarts: u64,
    /// How its last process ended, if it did so by itself.
    pub last_exit: Option<String>,
    /// The last line of its log when it last crashed.
    pub last_words: Option<String>,
}

impl ProcessStatus {
    /// Before its first process.
    pub(crate) const fn starting(id: u16) -> Self {
        Self {
            id,
            pid: None,
            state: ProcessState::Restarting,
            corruption: None,
            restarts: 0,
            last_exit: None,
            last_words: None,
        }
    }
}

/// Why a supervisor did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Refusal {
    /// An id out of range.
    #[error("there is no replica {replica}: this testnet has replicas 0 to {}", n.saturating_sub(1))]
    NoSuchReplica {
        /// The id.
        replica: u16,
        /// How many there are.
        n: u16,
    },
    /// There is none to do it to.
    #[error("this testnet runs without a gateway; start it without --no-gateway")]
    NoGateway,
    /// Down, or between two starts.
    #[error("{whom} is not running ({state}); start it with `tetrarch testnet start {}`", whom.word())]
    NotRunning {
        /// Who.
        whom: Whom,
        /// What it is instead.
        state: String,
    },
    /// Up already.
    #[error("{whom} is running already (process {pid})")]
    AlreadyRunning {
        /// Who.
        whom: Whom,
        /// Its process.
        pid: u32,
    },
    /// Up, but stopped.
    #[error("{whom} is paused (process {pid}); let it go on with `tetrarch testnet resume {}`", whom.word())]
    Paused {
        /// Who.
        whom: Whom,
        /// Its process.
        pid: u32,
    },
    /// Not stopped.
    #[error("{whom} is not paused (process {pid} runs)")]
    NotPaused {
        /// Who.
        whom: Whom,
        /// Its process.
        pid: u32,
    },
    /// The operating system refused.
    #[error("could not {doing} {whom}: {why}")]
    Failed {
        /// What was tried: a verb.
        doing: String,
        /// Whom.
        whom: Whom,
        /// What the system says.
        why: String,
    },
    /// It is going down.
    #[error("the testnet is stopping")]
    Stopping,
    /// Not a command.
    #[error("the supervisor does not understand this: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
}

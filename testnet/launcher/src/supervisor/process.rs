//! One running node, or the gateway.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tetrarch_liar::Corruption;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{oneshot, watch};

use crate::Gateway;
use crate::log_file::LogFile;

/// How long the rest of a dead node's log may take to arrive.
const LOG_PATIENCE: Duration = Duration::from_millis(500);

/// How wide tokio's runtime is.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// How one process is started.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) program: PathBuf,
    pub(super) role: Role,
    pub(super) log: LogFile,
}

/// What a process is to be.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// A replica, with this configuration, and so many threads for what it does on the network.
    Replica { config: PathBuf, threads: usize },
    /// The gateway.
    Gateway(Gateway),
}

impl Recipe {
    /// An honest node is an ordinary one; a liar is a command of its own, since `node run` cannot lie.
    fn arguments(&self, corruption: Option<Corruption>) -> Vec<OsString> {
        let config = match &self.role {
            Role::Replica { config, .. } => config,
            Role::Gateway(gateway) => return gateway.arguments(),
        };
        let verb: &[&str] = if corruption.is_some() { &["testnet", "liar"] } else { &["node", "run"] };
        let mut arguments: Vec<OsString> = verb.iter().copied().map(OsString::from).collect();
        arguments.extend(["--config".into(), config.into(), "--exit-with-stdin".into()]);
        if let Some(Corruption { mode, seed }) = corruption {
            arguments.extend(["--mode", mode.name(), "--seed", &seed.to_string()].map(OsString::from));
        }
        arguments
    }

    /// What its environment says beside ours. Where ours says how many threads there are to be, that holds.
    fn environment(&self) -> Option<(&'static str, String)> {
        match self.role {
            Role::Replica { threads, .. } if std::env::var_os(THREADS).is_none() => {
                Some((THREADS, threads.to_string()))
            }
            _ => None,
        }
    }
}

/// A process of ours. Nothing else is ever sent a signal: its id stays its own until this value has seen it end.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Held open: the node ends when it closes, so none outlives the supervisor, however that ends.
    _stdin: ChildStdin,
    started: Instant,
    drained: oneshot::Receiver<()>,
    pub(super) is_paused: bool,
}

impl Process {
    pub(super) fn start(recipe: &Recipe, corruption: Option<Corruption>) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&recipe.program);
        command
            .args(recipe.arguments(corruption))
            .envs(recipe.environment())
            .stdin(Stdio::piped())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .kill_on_drop(true)
            // A group of its own: Ctrl-C at the terminal reaches the supervisor alone, which then ends the nodes in order; and when
            // the supervisor dies, the system wakes and ends a paused node, which could not notice by itself.
            .process_group(0);
        let mut child = command.spawn()?;
        // With the command goes the parent's end of the pipe for writing, so that the log sees the node's end.
        drop(command);
        // Taken out of the child, because waiting for it would close it.
        let stdin = child.stdin.take().ok_or_else(|| io::Error::other("the node's standard input is missing"))?;
        let drained = recipe.log.drain(reader)?;
        Ok(Self { child, _stdin: stdin, started: Instant::now(), drained, is_paused: false })
    }

    /// The process id; `None` once the end has been seen.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process has ended"))?;
        Ok(kill_process(pid, signal)?)
    }

    /// Waits for the end. May be dropped and called again.
    pub(super) async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Waits, a bounded time, until the log has everything that the ended process wrote.
    pub(super) async fn log_drained(&mut self) {
        let _ = tokio::time::timeout(LOG_PATIENCE, &mut self.drained).await;
    }

    /// SIGKILL, and the end.
    pub(super) async fn kill(mut self) -> io::Result<ExitStatus> {
        // Tokio's own, which does not mind a process that has just ended.
        self.child.start_kill()?;
        let status = self.child.wait().await;
        self.log_drained().await;
        status
    }

    /// SIGTERM; SIGKILL when it takes longer than `grace`, or when `force` says so.
    pub(super) async fn stop(mut self, grace: Duration, force: &mut watch::Receiver<bool>) -> io::Result<ExitStatus> {
        // A paused process takes its SIGTERM only when it goes on. Failures mean that it has ended already.
        let _ = self.signal(Signal::TERM);
        let _ = self.signal(Signal::CONT);
        let ended = tokio::select! {
            status = self.child.wait() => Some(status),
            () = tokio::time::sleep(grace) => None,
            () = forced(force) => None,
        };
        match ended {
            Some(status) => {
                self.log_drained().await;
                status
            }
            None => self.kill().await,
        }
    }
}

async fn forced(force: &mut watch::Receiver<bool>) {
    let _ = force.wait_for(|force| *force).await;
}

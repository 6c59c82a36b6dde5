//! Keeping one process as it should be: a replica's, or the gateway's.
//!
//! ```text
//!              start            crash                   wait over
//!   Resting ──────────▶ Up ──────────────▶ Waiting ─────────────────▶ Up
//!      ▲                │ ▲ pause, resume      │
//!      └────── kill ────┴─┴────────────────────┘          stop, from anywhere: Over
//! ```
//!
//! `corrupt`, from anywhere, leads to Up as a liar, and `start` to Up as an honest node. A liar that crashes comes back as a liar.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tetrarch_liar::Corruption;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::process::{Process, Recipe};
use crate::Whom;
use crate::protocol::{ProcessState, ProcessStatus, Refusal};

/// How long a node may take to end by itself when it changes sides.
const CHANGE: Duration = Duration::from_secs(5);

/// What a keeper is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Kill,
    Start,
    Corrupt(Corruption),
    Pause,
    Resume,
    Stop { grace: Duration },
}

/// An order and where its result goes.
pub(super) struct Ordered {
    pub(super) order: Order,
    pub(super) done: oneshot::Sender<Result<(), Refusal>>,
}

pub(super) struct Keeper {
    pub(super) whom: Whom,
    pub(super) recipe: Recipe,
    pub(super) orders: mpsc::Receiver<Ordered>,
    pub(super) status: watch::Sender<ProcessStatus>,
    pub(super) force: watch::Receiver<bool>,
    pub(super) backoff: Backoff,
    /// How it lies, while it is to lie.
    pub(super) corruption: Option<Corruption>,
}

enum Phase {
    Up(Box<Process>),
    Waiting(Instant),
    Resting,
    Over,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        let mut phase = self.launch();
        loop {
            phase = match phase {
                Phase::Up(process) => self.keep_up(process).await,
                Phase::Waiting(until) => self.wait_until(until).await,
                Phase::Resting => self.rest().await,
                Phase::Over => return,
            };
        }
    }

    async fn keep_up(&mut self, mut process: Box<Process>) -> Phase {
        tokio::select! {
            exit = process.exited() => self.on_crash(process, exit).await,
            ordered = self.orders.recv() => match ordered {
                Some(ordered) => self.obey_up(process, ordered).await,
                None => self.stop(process, Duration::ZERO).await,
            },
        }
    }

    async fn obey_up(&mut self, mut process: Box<Process>, Ordered { order, done }: Ordered) -> Phase {
        let pid = process.pid().unwrap_or_default();
        let whom = self.whom;
        let (phase, result) = match order {
            Order::Kill => (self.kill(process).await, Ok(())),
            Order::Stop { grace } => (self.stop(process, grace).await, Ok(())),
            Order::Pause if process.is_paused => (Phase::Up(process), Err(Refusal::Paused { whom, pid })),
            Order::Pause => self.pause(process),
            Order::Resume if !process.is_paused => (Phase::Up(process), Err(Refusal::NotPaused { whom, pid })),
            Order::Resume => {
                process.is_paused = false;
                let result = process.signal(Signal::CONT).map_err(|error| self.failed("resume", &error));
                self.publish(ProcessState::Running, Some(pid));
                (Phase::Up(process), result)
            }
            Order::Corrupt(corruption) => self.change(process, Some(corruption)).await,
            Order::Start if self.corruption.is_some() => self.change(process, None).await,
            Order::Start if process.is_paused => (Phase::Up(process), Err(Refusal::Paused { whom, pid })),
            Order::Start => (Phase::Up(process), Err(Refusal::AlreadyRunning { whom, pid })),
        };
        let _ = done.send(result);
        phase
    }

    /// Ends a process and starts it on the other side.
    async fn change(&mut self, process: Box<Process>, to: Option<Corruption>) -> (Phase, Result<(), Refusal>) {
        let exit = describe(&process.stop(CHANGE, &mut self.force).await);
        self.recipe.log.note(&format!("stopped to change sides ({exit})"));
        self.start(to)
    }

    fn pause(&self, mut process: Box<Process>) -> (Phase, Result<(), Refusal>) {
        let result = process.signal(Signal::STOP).map_err(|error| self.failed("pause", &error));
        if result.is_ok() {
            process.is_paused = true;
            self.publish(ProcessState::Paused, process.pid());
        }
        (Phase::Up(process), result)
    }

    async fn kill(&mut self, process: Box<Process>) -> Phase {
        let exit = describe(&process.kill().await);
        self.recipe.log.note(&format!("killed on purpose ({exit})"));
        self.publish_exit(ProcessState::Killed, None, None);
        Phase::Resting
    }

    async fn stop(&mut self, process: Box<Process>, grace: Duration) -> Phase {
        let exit = describe(&process.stop(grace, &mut self.force).await);
        self.recipe.log.note(&format!("stopped ({exit})"));
        self.publish_exit(ProcessState::Stopped, None, None);
        Phase::Over
    }

    async fn on_crash(&mut self, mut process: Box<Process>, exit: io::Result<ExitStatus>) -> Phase {
        process.log_drained().await;
        let exit = describe(&exit);
        let words = self.recipe.log.last_words();
        self.wait_after(process.uptime(), &format!("ended by itself ({exit})"), exit.clone(), words)
    }

    fn wait_after(&mut self, uptime: Duration, what: &str, exit: String, words: Option<String>) -> Phase {
        let wait = self.backoff.after(uptime);
        self.recipe.log.note(&format!("{what}; it is started again in {:.1} s", wait.as_secs_f32()));
        self.publish_exit(ProcessState::Restarting, Some(exit), words);
        Phase::Waiting(Instant::now() + wait)
    }

    async fn wait_until(&mut self, until: Instant) -> Phase {
        tokio::select! {
            () = tokio::time::sleep_until(until) => {
                self.status.send_modify(|status| status.restarts = status.restarts.saturating_add(1));
                self.launch()
            }
            ordered = self.orders.recv() => self.obey_down(ordered, Phase::Waiting(until)),
        }
    }

    async fn rest(&mut self) -> Phase {
        let ordered = self.orders.recv().await;
        self.obey_down(ordered, Phase::Resting)
    }

    fn obey_down(&mut self, ordered: Option<Ordered>, phase: Phase) -> Phase {
        let Some(Ordered { order, done }) = ordered else { return Phase::Over };
        let is_resting = matches!(phase, Phase::Resting);
        let (phase, result) = match order {
            Order::Stop { .. } => {
                self.publish(ProcessState::Stopped, None);
                (Phase::Over, Ok(()))
            }
            Order::Start => self.start(None),
            Order::Corrupt(corruption) => self.start(Some(corruption)),
            Order::Kill if !is_resting => {
                self.recipe.log.note("not started again: killed on purpose");
                self.publish(ProcessState::Killed, None);
                (Phase::Resting, Ok(()))
            }
            Order::Kill | Order::Pause | Order::Resume => (phase, Err(self.not_running())),
        };
        let _ = done.send(result);
        phase
    }

    fn start(&mut self, corruption: Option<Corruption>) -> (Phase, Result<(), Refusal>) {
        self.backoff.reset();
        self.corruption = corruption;
        let phase = self.launch();
        let result = match &phase {
            Phase::Up(_) => Ok(()),
            _ => Err(Refusal::Failed {
                doing: "start".into(),
                whom: self.whom,
                why: self.status.borrow().last_exit.clone().unwrap_or_default(),
            }),
        };
        (phase, result)
    }

    fn launch(&mut self) -> Phase {
        self.recipe.log.forget();
        match Process::start(&self.recipe, self.corruption) {
            Ok(process) => {
                let side = self.corruption.map(|it| format!(", to lie: {} with seed {}", it.mode, it.seed));
                let pid = process.pid().unwrap_or_default();
                self.recipe.log.note(&format!("started as process {pid}{}", side.unwrap_or_default()));
                self.publish(ProcessState::Running, process.pid());
                Phase::Up(Box::new(process))
            }
            Err(error) => {
                let reason = format!("{} could not be run: {error}", self.recipe.program.display());
                self.wait_after(Duration::ZERO, &reason.clone(), reason, None)
            }
        }
    }

    fn publish(&self, state: ProcessState, pid: Option<u32>) {
        self.status.send_modify(|status| {
            status.state = state;
            status.pid = pid;
            status.corruption = self.corruption;
        });
    }

    fn publish_exit(&self, state: ProcessState, exit: Option<String>, words: Option<String>) {
        self.status.send_modify(|status| {
            status.state = state;
            status.pid = None;
            status.corruption = self.corruption;
            status.last_exit = exit;
            status.last_words = words;
        });
    }

    fn not_running(&self) -> Refusal {
        Refusal::NotRunning { whom: self.whom, state: self.status.borrow().state.to_string() }
    }

    fn failed(&self, doing: &str, error: &io::Error) -> Refusal {
        Refusal::Failed { doing: doing.into(), whom: self.whom, why: error.to_string() }
    }
}

fn describe(exit: &io::Result<ExitStatus>) -> String {
    match exit {
        Ok(status) => status.to_string(),
        Err(error) => format!("its end was not seen: {error}"),
    }
}

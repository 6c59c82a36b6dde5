//! `testnet up`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tetrarch_launcher::{Observer, Supervisor, Testnet};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::of;
use super::place::Place;
use super::prepare::{Found, Prepared, prepare};
use super::{detach, live, ready, report};
use crate::duration;
use crate::failure::{Class, Failure};
use crate::output::Output;

pub(super) const TRIED: &str = "cannot start the testnet";

/// How long replicas may take to say how they are.
const LOOK: Duration = Duration::from_secs(1);

/// Signals closer together than this are one.
const ECHO: Duration = Duration::from_millis(500);

/// What to start.
#[derive(Clone, Debug, Args)]
pub(crate) struct UpArguments {
    /// How many replicas: 4 or more, or 1, which tolerates nothing. Default: what is there, else 4.
    #[arg(short, value_name = "N")]
    pub(super) n: Option<u16>,
    #[command(flatten)]
    pub(super) place: Place,
    /// The first of 2N UDP ports on 127.0.0.1. A testnet that is there moves. Default: what is there, else 7400.
    #[arg(long, value_name = "PORT")]
    pub(super) base_port: Option<u16>,
    /// Remove what is in the directory first, with all data and keys. Refused for anything but a testnet that does not run.
    #[arg(long)]
    pub(super) reset: bool,
    /// Use a temporary directory that is removed at the end.
    #[arg(long, conflicts_with_all = ["reset", "detach"])]
    pub(super) ephemeral: bool,
    /// Go on in the background, and return as soon as the cluster serves.
    #[arg(long)]
    pub(super) detach: bool,
    /// How long to wait until the cluster serves.
    #[arg(long, default_value = "60s", value_parser = duration::parse, value_name = "TIME")]
    pub(super) timeout: Duration,
    /// This is the process in the background.
    #[arg(long, hide = true)]
    pub(super) background: bool,
}

/// Runs `tetrarch testnet up`.
pub(super) async fn run(arguments: UpArguments, output: &Output) -> Result<(), Failure> {
    if arguments.background {
        tetrarch_launcher::lead_session()
            .map_err(|error| Failure::failed(TRIED, format!("no session of its own: {error}"), "use --detach"))?;
    }
    let mut signals = Signals::new()?;
    match prepare(&arguments, output)? {
        Found::Running(pid, dir) => {
            let flag = super::place::flag(&dir);
            output.note(&format!("the testnet in {} is running (process {pid})", dir.display()));
            output.note(&format!("see `tetrarch testnet status{flag}`; stop it with `tetrarch testnet down{flag}`"));
            Ok(())
        }
        Found::Ready(Prepared { testnet, lock, .. }) if arguments.detach => {
            drop(lock);
            detach::run(&testnet, &arguments, &mut signals, output).await
        }
        Found::Ready(prepared) => foreground(prepared, &arguments, &mut signals, output).await,
    }
}

/// The program to run the replicas with: this one.
pub(super) fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::failed(TRIED, format!("this program does not find itself: {error}"), "call it by its path")
    })
}

async fn foreground(
    prepared: Prepared,
    arguments: &UpArguments,
    signals: &mut Signals,
    output: &Output,
) -> Result<(), Failure> {
    let Prepared { testnet, lock, ephemeral } = prepared;
    let supervisor = Supervisor::start(&testnet, lock, &program()?).map_err(|error| of(TRIED, &error))?;
    let served = tokio::select! {
        result = serve(&testnet, &supervisor, arguments, output) => result,
        () = supervisor.until_down() => {
            output.note("stopped by `tetrarch testnet down`");
            Ok(())
        }
        () = signals.next() => Ok(()),
    };
    stop(&supervisor, output).await;
    drop(supervisor);
    if ephemeral.is_none() && served.is_ok() {
        output.note(&format!("stopped; the data is kept in {}", testnet.layout().root().display()));
    }
    served
}

/// Returns only when it fails.
async fn serve(
    testnet: &Testnet,
    supervisor: &Supervisor,
    arguments: &UpArguments,
    output: &Output,
) -> Result<(), Failure> {
    ready::until_serving(testnet, supervisor, arguments.timeout).await?;
    let observer = Observer::new(testnet, LOOK).map_err(|error| of(TRIED, &error))?;
    let status = observer.look().await;
    supervisor.mark_serving();
    match report::print(testnet, &status, output) {
        // Whoever reads the table only does not end the testnet by that.
        Err(Failure { class: Class::OutputClosed, .. }) => {}
        printed => printed?,
    }
    live::watch(&observer, status, output).await;
    Ok(())
}

/// Ends the nodes in order; at once, when it is asked for again.
async fn stop(supervisor: &Supervisor, output: &Output) {
    let stopping = supervisor.stop();
    tokio::pin!(stopping);
    tokio::select! {
        () = &mut stopping => return,
        () = asked_again() => {}
    }
    output.note("stopping at once");
    supervisor.force();
    stopping.await;
}

/// Wrappers pass a signal on that the terminal has sent as well: what comes right behind the first one is no second thought.
async fn asked_again() {
    tokio::time::sleep(ECHO).await;
    match Signals::new() {
        Ok(mut signals) => signals.next().await,
        Err(_) => std::future::pending().await,
    }
}

/// What asks this process to end: Ctrl-C, `kill`, a closed terminal.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None where whoever started this process wants it to outlive the terminal, as `nohup` does.
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed(TRIED, format!("cannot listen for signals: {error}"), "try again"))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: if is_hangup_ignored() { None } else { Some(listen(SignalKind::hangup())?) },
        })
    }

    /// Waits for the next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = next_of(self.hangup.as_mut()) => {}
        }
    }
}

async fn next_of(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Looked up before this process listens for it, which would end that.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

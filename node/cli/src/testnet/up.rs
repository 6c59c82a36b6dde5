//! `testnet up`.

use std::time::Duration;

use tetrarch_launcher::{Gateway, Observer, Supervisor, Testnet};

use super::failure::of;
use super::prepare::{Found, Prepared, prepare};
use super::start::{TRIED, UpArguments, program};
use super::{byzantine, detach, live, ready, report};
use crate::failure::{Class, Failure};
use crate::output::Output;
use crate::signals::Signals;

/// How long replicas may take to say how they are.
const LOOK: Duration = Duration::from_secs(1);

/// Signals closer together than this are one.
const ECHO: Duration = Duration::from_millis(500);

/// Runs `tetrarch testnet up`.
pub(super) async fn run(arguments: UpArguments, output: &Output) -> Result<(), Failure> {
    if arguments.background {
        tetrarch_launcher::lead_session()
            .map_err(|error| Failure::failed(TRIED, format!("no session of its own: {error}"), "use --detach"))?;
    }
    let mut signals = Signals::listen(TRIED)?;
    match prepare(&arguments, output)? {
        Found::Running(pid, dir) => {
            byzantine::check_running(&arguments.byzantine)?;
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

async fn foreground(
    prepared: Prepared,
    arguments: &UpArguments,
    signals: &mut Signals,
    output: &Output,
) -> Result<(), Failure> {
    let Prepared { testnet, lock, ephemeral } = prepared;
    let failed = |error: tetrarch_launcher::LaunchError| of(TRIED, &error);
    let gateway = if arguments.no_gateway { None } else { Some(Gateway::prepare(&testnet).map_err(failed)?) };
    let supervisor = Supervisor::start(&testnet, lock, &program()?, gateway).map_err(failed)?;
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
    ready::until_gateway_listens(supervisor, arguments.timeout).await?;
    byzantine::begin(testnet, &arguments.byzantine, output).await?;
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
    match Signals::listen(TRIED) {
        Ok(mut signals) => signals.next().await,
        Err(_) => std::future::pending().await,
    }
}

//! `testnet up --detach`.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use tetrarch_launcher::{Answer, Command, Detached, Observer, Testnet, send};

use super::failure::of;
use super::report;
use super::start::{TRIED, UpArguments, program};
use crate::failure::{Class, Failure};
use crate::output::Output;
use crate::signals::Signals;

/// How often the process in the background is looked after.
const PAUSE: Duration = Duration::from_millis(50);

/// How long its supervisor may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much longer than its own patience the process in the background is waited for.
const LAST_STEPS: Duration = Duration::from_secs(30);

/// Starts this program again in the background and returns when the cluster serves.
pub(super) async fn run(
    testnet: &Testnet,
    arguments: &UpArguments,
    signals: &mut Signals,
    output: &Output,
) -> Result<(), Failure> {
    let layout = testnet.layout();
    let mut process =
        Detached::start(layout, &program()?, &background(testnet, arguments)).map_err(|error| of(TRIED, &error))?;
    output.note(&format!(
        "starting in the background (process {}); it writes to {}",
        process.pid(),
        layout.up_log().display()
    ));
    tokio::select! {
        result = until_serving(testnet, &mut process, arguments.timeout + LAST_STEPS) => result?,
        () = signals.next() => {
            let _ = send(layout, &Command::Down, LAST_STEPS).await;
            return Err(Failure::new(Class::Interrupted, TRIED, "interrupted", ""));
        }
    }
    let observer = Observer::new(testnet, PATIENCE).map_err(|error| of(TRIED, &error))?;
    let status = observer.look().await;
    observer.close().await;
    report::print(testnet, &status, output)
}

fn background(testnet: &Testnet, arguments: &UpArguments) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["testnet", "up", "--background", "--timeout"].map(OsString::from).into();
    words.push(format!("{}ms", arguments.timeout.as_millis()).into());
    words.push("--dir".into());
    words.push(testnet.layout().root().into());
    words.extend(arguments.no_gateway.then(|| "--no-gateway".into()));
    for liar in &arguments.byzantine {
        words.extend(["--byzantine".into(), liar.to_string().into()]);
    }
    words
}

async fn until_serving(testnet: &Testnet, process: &mut Detached, patience: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        if let Some(status) = process.ended().map_err(|error| of(TRIED, &error))? {
            return Err(failure(process, status.code()));
        }
        if let Ok(Answer::Status(status)) = send(testnet.layout(), &Command::Status, PATIENCE).await
            && status.serving
        {
            return Ok(());
        }
        if start.elapsed() > patience {
            let happened = format!("the process in the background ({}) does not say that it serves", process.pid());
            return Err(Failure::failed(TRIED, happened, "see `tetrarch testnet status`"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Its own words and its own exit code.
fn failure(process: &Detached, code: Option<i32>) -> Failure {
    let words = process.words();
    let line = |start: &str| words.lines().rev().find_map(|line| line.strip_prefix(start));
    let happened = line("error: ").map_or_else(
        || format!("the process in the background ended: {}", words.lines().last().unwrap_or("it said nothing")),
        |error| error.strip_prefix(TRIED).and_then(|error| error.strip_prefix(": ")).unwrap_or(error).to_owned(),
    );
    let class = [Class::Usage, Class::Unreachable, Class::NoQuorum, Class::Unverified, Class::Unsafe]
        .into_iter()
        .find(|class| code == Some(*class as i32))
        .unwrap_or(Class::Failed);
    Failure::new(class, TRIED, happened, line("what to do: ").unwrap_or_default())
}

//! `tetrarch doctor`: is this machine fit, and is a directory whole?

mod data;
mod directory;
mod gateway;
mod machine;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::gateway::TlsArguments;
use crate::output::{Output, table};

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// A testnet's or a node's directory. Default: ./tetrarch-testnet, if it is there.
    #[arg(long, env = "TETRARCH_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    tls: TlsArguments,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    state: State,
    name: String,
    found: String,
    /// What to do about it; empty where nothing is wrong.
    next: String,
}

impl Check {
    fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { state: State::Ok, name: name.into(), found: found.into(), next: String::new() }
    }

    fn warn(name: impl Into<String>, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { state: State::Warn, name: name.into(), found: found.into(), next: next.into() }
    }

    fn fail(name: impl Into<String>, found: impl Into<String>, next: impl Into<String>) -> Self {
        Self { state: State::Fail, name: name.into(), found: found.into(), next: next.into() }
    }

    /// From an error's sentence, which has what to do behind its last semicolon.
    fn fail_sentence(name: impl Into<String>, sentence: &str) -> Self {
        let (found, next) = sentence.rsplit_once("; ").unwrap_or((sentence, ""));
        Self::fail(name, found, next)
    }
}

/// Looks at everything and prints it; fails if anything failed.
pub(crate) async fn run(arguments: &DoctorArguments, output: &Output) -> Result<(), Failure> {
    let default = PathBuf::from("./tetrarch-testnet");
    let dir = arguments.dir.clone().or_else(|| default.exists().then_some(default));
    let mut checks = machine::checks(dir.as_deref());
    if let Some(dir) = &dir {
        checks.extend(directory::checks(dir).await);
    }
    checks.extend(gateway::tls(&arguments.tls));
    let failed = checks.iter().filter(|check| check.state == State::Fail).count();
    output.data(&json!({ "ok": failed == 0, "checks": checks }), || text(&checks))?;
    match failed {
        0 => Ok(()),
        1 => Err(unfit("one check failed")),
        more => Err(unfit(&format!("{more} checks failed"))),
    }
}

fn unfit(happened: &str) -> Failure {
    Failure::failed(
        "not everything is in order",
        happened,
        "do what stands beside each, and run `tetrarch doctor` again",
    )
}

fn text(checks: &[Check]) -> String {
    let row = |check: &Check| {
        let state = match check.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        let found =
            if check.next.is_empty() { check.found.clone() } else { format!("{}; {}", check.found, check.next) };
        vec![state.to_owned(), check.name.clone(), found]
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    table(&["STATE", "CHECK", "FOUND"], &rows)
}

//! `tetrarch kv txn`: compares, and one of two lists of operations.

mod parse;
mod words;

use std::path::PathBuf;

use clap::Args;
use tetrarch_kv::{Answered, Command, Request, Response, TxnResponse};

use super::change::{executed, first_result, stated};
use super::check;
use crate::cluster::{ClusterArguments, finish};
use crate::failure::{Class, Failure};
use crate::output::Output;
use crate::{describe, input};

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct TxnArguments {
    /// The transaction's text; `-` is stdin.
    #[arg(default_value = "-")]
    file: PathBuf,
}

/// Runs a transaction. Exit code 5 if the compares do not hold, even if there was something to do then.
pub(super) async fn run(arguments: &TxnArguments, cluster: &ClusterArguments, output: &Output) -> Result<(), Failure> {
    let tried = "cannot run the transaction";
    let text = input::document("the transaction", &arguments.file)?;
    let wrong = |error: String| Failure::usage(tried, error, "see `tetrarch kv txn --help` for how it is written");
    let request = Request::Txn(parse::parse(&text).map_err(wrong)?);
    check(&request, tried)?;
    let client = cluster.signing_client()?;
    let submitted = client.submit(Command::from(request).encode()).await;
    finish(&client).await;
    let submitted = submitted.map_err(|error| Failure::client(tried, &error))?;
    let result = executed(&submitted.outcome, tried)?;
    let Answered { revision, response } = first_result(&result, tried)?;
    let Response::Txn(TxnResponse { succeeded, .. }) = response else {
        return Err(Failure::failed(tried, "the result is one of another request", "report this"));
    };
    let mut object = stated(&submitted);
    object["revision"] = (*revision).into();
    object["succeeded"] = (*succeeded).into();
    object["responses"] = describe::responses(response);
    let by = describe::replicas(&submitted.replicas);
    output.data(&object, || {
        let line = describe::response_line(response);
        format!("{line}: revision {revision}, sequence {}, stated by replicas {by}", submitted.seq)
    })?;
    if *succeeded {
        return Ok(());
    }
    let next = "read the keys again and decide anew";
    Err(Failure::new(Class::CompareFalse, tried, "the compares do not hold: what was to be done else is done", next))
}

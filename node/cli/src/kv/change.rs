//! Changing keys.

use serde_json::{Value, json};
use tetrarch_client::Submitted;
use tetrarch_kv::{Answered, Command, CommandResult, Request, Response};
use tetrarch_types::Outcome;

use super::check;
use crate::cluster::{ClusterArguments, finish};
use crate::describe;
use crate::failure::{Class, Failure};
use crate::output::Output;

/// What to do about bytes that only another version understands.
pub(super) const OTHER_VERSION: &str = "use the version of tetrarch that the cluster runs";

/// Submits a request that changes something, and prints what came of it.
pub(super) async fn change(request: Request, cluster: &ClusterArguments, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot {}", describe::request_name(&request));
    check(&request, &tried)?;
    let client = cluster.signing_client()?;
    let submitted = client.submit(Command::from(request).encode()).await;
    finish(&client).await;
    let submitted = submitted.map_err(|error| Failure::client(&tried, &error))?;
    print_change(&submitted, &tried, output)
}

/// Prints what came of a single request, and fails where it did not do what was asked.
fn print_change(submitted: &Submitted, tried: &str, output: &Output) -> Result<(), Failure> {
    let result = executed(&submitted.outcome, tried)?;
    let Answered { revision, response } = first_result(&result, tried)?;
    let swapped = response.swapped();
    let mut object = stated(submitted);
    object["revision"] = (*revision).into();
    let said = match (response, &swapped) {
        (Response::Deleted { count, .. }, _) => {
            object["deleted"] = (*count).into();
            format!("{count} deleted")
        }
        (_, Some(swapped)) => {
            object["succeeded"] = swapped.is_ok().into();
            object["mod_revision"] = swapped.err().unwrap_or(*revision).into();
            if swapped.is_ok() { "put, it was as expected".into() } else { "not put".into() }
        }
        _ => "put".into(),
    };
    let by = describe::replicas(&submitted.replicas);
    output.data(&object, || {
        format!("{said}: revision {revision}, sequence {}, stated by replicas {by}", submitted.seq)
    })?;
    match swapped {
        Some(Err(mod_revision)) => Err(not_as_expected(mod_revision, tried)),
        _ => Ok(()),
    }
}

fn not_as_expected(mod_revision: u64, tried: &str) -> Failure {
    let happened = match mod_revision {
        0 => "the key is not as expected: it is missing".to_owned(),
        revision => format!("the key is not as expected: it was last changed at revision {revision}"),
    };
    Failure::new(Class::CompareFalse, tried, happened, "read it again and decide anew; nothing was changed")
}

/// The fields that every submitted transaction's JSON has.
pub(crate) fn stated(submitted: &Submitted) -> Value {
    json!({
        "transaction": submitted.transaction.to_string(),
        "sequence": submitted.seq.get(),
        "replicas": describe::replica_numbers(&submitted.replicas),
        "needed": submitted.needed,
    })
}

/// An executed command's result.
pub(crate) fn executed(outcome: &Outcome, tried: &str) -> Result<CommandResult, Failure> {
    match outcome {
        Outcome::Executed(bytes) => CommandResult::decode(bytes)
            .map_err(|error| Failure::failed(tried, format!("its result cannot be read: {error}"), OTHER_VERSION)),
        Outcome::Expired => {
            let happened = "the cluster ordered it after its validity had ended, so it did not execute and never will";
            Err(Failure::failed(tried, happened, "do it again; if that repeats, check this machine's clock"))
        }
        Outcome::ValidTooLong => {
            let happened =
                "it was valid for more than an hour by the cluster's time, so it did not execute and never will";
            Err(Failure::failed(
                tried,
                happened,
                "do it again with a shorter validity; if that repeats, check this machine's clock",
            ))
        }
    }
}

/// The response to a command's only request.
pub(super) fn first_result<'a>(result: &'a CommandResult, tried: &str) -> Result<&'a Answered, Failure> {
    let refused = |error: &dyn ToString| Failure::sentence(Class::Failed, tried, &error.to_string());
    let results = result.results.as_ref().map_err(|error| refused(error))?;
    let first = results.first().ok_or_else(|| refused(&"the command has no requests"))?;
    first.as_ref().map_err(|error| refused(error))
}

//! Printing what was read.

use serde_json::{Value, json};
use tetrarch_kv::{KeyRecord, Request};

use super::GetArguments;
use super::proof::Proven;
use super::read::Found;
use crate::describe;
use crate::failure::Failure;
use crate::output::{Output, abridged, table};

/// Prints what was read, and what is proven of it.
pub(super) fn print(
    get: &GetArguments,
    answer: &Found,
    proven: Option<&Proven>,
    output: &Output,
) -> Result<(), Failure> {
    if output.is_json() {
        output.json(&object(answer, proven))?;
    } else {
        print_text(get, answer, output)?;
        proven.iter().flat_map(|proven| proven.lines(answer)).for_each(|line| output.note(&line));
    }
    if answer.records.is_empty() && !get.prefix {
        let tried = format!("cannot {}", describe::request_name(&Request::Range(get.range())));
        let at = if get.rev == 0 { answer.revision } else { get.rev };
        let happened = format!("there is no such key at revision {at}");
        return Err(Failure::failed(tried, happened, "check the key; `tetrarch kv get '' --prefix` lists all"));
    }
    Ok(())
}

fn object(answer: &Found, proven: Option<&Proven>) -> Value {
    let mut object = json!({
        "revision": answer.revision,
        "kvs": describe::records(&answer.records),
        "count": answer.count,
        "more": answer.more,
    });
    if let Some(proven) = proven {
        object["proof"] = proven.object(answer);
    }
    object
}

fn print_text(get: &GetArguments, answer: &Found, output: &Output) -> Result<(), Failure> {
    if get.prefix {
        let row = |(key, record): &(Vec<u8>, KeyRecord)| {
            let text = |bytes: &[u8]| abridged(&String::from_utf8_lossy(bytes));
            vec![text(key), record.mod_revision.to_string(), record.version.to_string(), text(&record.value)]
        };
        let rows: Vec<_> = answer.records.iter().map(row).collect();
        output.text(&table(&["KEY", "REVISION", "VERSION", "VALUE"], &rows))
    } else {
        answer.records.first().map_or(Ok(()), |(_, record)| output.bytes(&record.value))
    }
}

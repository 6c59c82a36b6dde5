//! `inspect journal`: the records of a replica's votes.

use serde::Serialize;
use serde_json::json;
use tetrarch_crypto::Digest;
use tetrarch_replica::Record;
use tetrarch_storage::{Entry, JournalReport, Mark, Marked, Reader, StoreError, check_journal};
use tetrarch_types::{Payload, SeqNum, View, decode, limits};

use super::Stopped;
use crate::failure::{Class, Failure};
use crate::output::{Output, table};

/// The longest record is a NEW-VIEW, which travelled in one bulk message.
const MAX_RECORD_BYTES: usize = 2 * limits::MAX_BULK_BYTES;

/// Digits of a digest that a line shows.
const DIGITS: usize = 16;

/// A record on a line.
#[derive(Serialize)]
struct Line {
    index: u64,
    kind: &'static str,
    view: Option<u64>,
    seq: Option<u64>,
    digest: Option<String>,
    bytes: usize,
}

/// What a record says in short.
struct Said {
    kind: &'static str,
    view: Option<View>,
    seq: Option<SeqNum>,
    digest: Option<Digest>,
}

/// Prints every record up to the first that is not as it was written.
pub(super) fn inspect(node: &Stopped, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot read the journal in {}", node.data().display());
    let reader = node.open(&tried)?;
    let mark = node.mark();
    let mut lines = Vec::new();
    let known = mark.as_ref().ok().and_then(Option::as_ref);
    let report = check_journal(&reader, known, &mut |entry| lines.push(line(&entry)));
    let problem = problem(&report, &mark);
    let object = json!({
        "base": report.base.map(|base| base.index),
        "tip": report.tip.map(|tip| tip.index),
        "mark": report.mark.map(|mark| mark.index),
        "mended": report.mended,
        "problem": problem,
        "records": lines,
    });
    output.data(&object, || text(&lines, &report, problem.as_deref()))?;
    match problem {
        None => Ok(()),
        Some(problem) => Err(Failure::new(Class::Unverified, "the journal does not hold", problem, REPAIR)),
    }
}

/// What to do about a journal that does not hold.
const REPAIR: &str = "start the node: in a cluster it begins its journal anew, and votes again when nothing that it forgot can be decided";

/// What is wrong with a journal or its mark, in words; none if a node goes on with it.
pub(crate) fn problem(report: &JournalReport, mark: &Result<Option<Marked>, StoreError>) -> Option<String> {
    let said =
        mark.as_ref().err().map(ToString::to_string).or_else(|| report.problem.as_ref().map(ToString::to_string));
    said.map(|sentence| sentence.trim_end_matches('.').to_owned())
}

/// Visits the records of the journal that can be read and understood.
pub(super) fn for_each_record(reader: &dyn Reader, mark: Option<&Marked>, visit: &mut dyn FnMut(Record)) {
    check_journal(reader, mark, &mut |entry| {
        if let Ok(record) = decode::<Record>(&entry.payload, MAX_RECORD_BYTES) {
            visit(record);
        }
    });
}

fn line(entry: &Entry) -> Line {
    let unreadable = Said { kind: "unreadable", view: None, seq: None, digest: None };
    let record = decode::<Record>(&entry.payload, MAX_RECORD_BYTES);
    let Said { kind, view, seq, digest } = record.map_or(unreadable, |record| said(&record));
    Line {
        index: entry.index,
        kind,
        view: view.map(View::get),
        seq: seq.map(SeqNum::get),
        digest: digest.map(|digest| digest.to_string().chars().take(DIGITS).collect()),
        bytes: entry.payload.len(),
    }
}

fn said(record: &Record) -> Said {
    let view_only = |kind, view| Said { kind, view, seq: None, digest: None };
    let assigned = |kind, view, seq, digest| Said { kind, view: Some(view), seq: Some(seq), digest: Some(digest) };
    match record {
        Record::Proposed { view, seq, batch, .. } => assigned("proposed", *view, *seq, batch.digest()),
        Record::Accepted { view, seq, batch, .. } => assigned("accepted", *view, *seq, batch.digest()),
        Record::Drafted { view, seq, batch, .. } => assigned("drafted", *view, *seq, batch.digest()),
        Record::Prepared(it) => assigned("prepared", it.view, it.seq, it.digest),
        Record::ViewChanging { view } => view_only("view-changing", Some(*view)),
        Record::Starting(Payload::NewView { view, .. }) => view_only("starting", Some(*view)),
        Record::Starting(_) => view_only("starting", None),
        Record::Entered(signed) => view_only("entered", Some(signed.payload.view)),
        Record::Stable(it) => Said { kind: "stable", view: None, seq: Some(it.seq), digest: Some(it.state_root) },
        Record::Lost => view_only("lost", None),
        Record::Cured => view_only("cured", None),
    }
}

fn text(lines: &[Line], report: &JournalReport, problem: Option<&str>) -> String {
    let or_dash = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let row = |line: &Line| {
        let digest = line.digest.clone().unwrap_or_else(|| "-".into());
        let Line { index, kind, view, seq, bytes, .. } = line;
        vec![index.to_string(), (*kind).into(), or_dash(*view), or_dash(*seq), digest, bytes.to_string()]
    };
    let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
    let mut text = table(&["RECORD", "KIND", "VIEW", "SEQUENCE", "DIGEST", "BYTES"], &rows);
    let of = |mark: Option<Mark>| or_dash(mark.map(|mark| mark.index));
    let (base, tip, mark) = (of(report.base), of(report.tip), of(report.mark));
    text.push_str(&format!(
        "{} records; forgotten up to {base}, the last is {tip}, the mark stands at {mark}\n",
        lines.len()
    ));
    if report.mended > 0 {
        text.push_str(&format!("the last {} of them only the mark has; the next start writes them\n", report.mended));
    }
    if problem.is_none() {
        text.push_str("the chain holds, and the mark vouches for it\n");
    }
    text
}

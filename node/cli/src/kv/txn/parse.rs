//! A transaction's text: three paragraphs of lines, as `etcdctl txn` reads them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::{Args, Parser};
use tetrarch_kv::{Compare, Comparison, DeleteRangeRequest, KeyRange, Operation, PutRequest, Target, TxnRequest};

use super::words::{Word, words};
use crate::describe::lease_id;
use crate::kv::{DelArguments, GetArguments};

/// One operation's line.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_help_subcommand = true)]
enum Line {
    Put(PutLine),
    Get(GetArguments),
    Del(DelArguments),
}

#[derive(Debug, Args)]
struct PutLine {
    #[arg(value_name = "KEY")]
    name: OsString,
    #[arg(allow_hyphen_values = true)]
    value: OsString,
    #[arg(long, default_value = "0", value_parser = lease_id)]
    lease: u64,
}

/// Reads a transaction: what must hold, what to do then, what to do else. Empty lines divide; what is left out at the end is empty.
///
/// # Errors
/// The line, and what is wrong with it.
pub(super) fn parse(text: &str) -> Result<TxnRequest, String> {
    let mut txn = TxnRequest::default();
    let mut paragraph = 0;
    for (number, line) in (1_usize..).zip(text.lines()) {
        if line.trim().is_empty() {
            paragraph += 1;
            continue;
        }
        let wrong = |error: String| format!("line {number}, {line:?}: {error}");
        match paragraph {
            0 => txn.compares.push(compare(line).map_err(wrong)?),
            1 => txn.success.push(operation(line).map_err(wrong)?),
            2 => txn.failure.push(operation(line).map_err(wrong)?),
            _ => return Err(wrong("there are three paragraphs only: compares, then, else".to_owned())),
        }
    }
    Ok(txn)
}

fn operation(line: &str) -> Result<Operation, String> {
    let texts = words(line, false)?.into_iter().filter_map(|word| match word {
        Word::Text(bytes) => Some(OsString::from_vec(bytes)),
        _ => None,
    });
    let line = Line::try_parse_from(texts).map_err(|error| first_line(&error.to_string()))?;
    Ok(match line {
        Line::Put(put) => Operation::Put(PutRequest::new(put.name.into_vec(), put.value.into_vec()).lease(put.lease)),
        Line::Get(get) => Operation::Range(get.range()),
        Line::Del(del) => Operation::DeleteRange(DeleteRangeRequest::of(del.range())),
    })
}

/// What clap says, without its usage.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

const SHAPE: &str = "a compare is like mod(\"key\") = 5, of version, create, mod, value or lease, with = != < or >";

fn compare(line: &str) -> Result<Compare, String> {
    let words = words(line, true)?;
    let [Word::Text(of), Word::Open, Word::Text(key), Word::Close, Word::Sign(sign), Word::Text(with)] =
        words.as_slice()
    else {
        return Err(SHAPE.to_owned());
    };
    let result = match *sign {
        "=" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        _ => Comparison::Greater,
    };
    Ok(Compare { range: KeyRange::one(key.clone()), result, target: target(of, with)? })
}

fn target(of: &[u8], with: &[u8]) -> Result<Target, String> {
    let text = || String::from_utf8_lossy(with).into_owned();
    let number = || text().parse::<i64>().map_err(|_| format!("{:?} is not a number", text()));
    match of {
        b"version" | b"ver" => Ok(Target::Version(number()?)),
        b"create" | b"c" => Ok(Target::Create(number()?)),
        b"mod" | b"m" => Ok(Target::Mod(number()?)),
        b"value" | b"val" | b"v" => Ok(Target::Value(with.to_vec())),
        b"lease" => Ok(Target::Lease(lease_id(&text())?)),
        _ => Err(SHAPE.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_paragraphs_make_a_transaction() {
        let text = "mod(\"a\") > 4\nvalue(b) = \"x y\"\nlease(c) = 1f\n\nput a 'new value' --lease=1f\ndel b --prefix\n\n\
                    get '' --prefix --limit 3\n";
        let txn = parse(text).unwrap();
        let compare = |key: &str, result, target| Compare::new(key, result, target);
        assert_eq!(
            txn.compares,
            [
                compare("a", Comparison::Greater, Target::Mod(4)),
                compare("b", Comparison::Equal, Target::Value(b"x y".to_vec())),
                compare("c", Comparison::Equal, Target::Lease(0x1f)),
            ]
        );
        let put = Operation::Put(PutRequest::new("a", "new value").lease(0x1f));
        assert_eq!(txn.success, [put, Operation::DeleteRange(DeleteRangeRequest::of(KeyRange::prefix("b")))]);
        assert!(matches!(txn.failure.as_slice(), [Operation::Range(range)] if range.limit == 3));
    }

    #[test]
    fn paragraphs_may_be_empty() {
        let txn = parse("\nput a 1\n").unwrap();
        assert_eq!((txn.compares.len(), txn.success.len(), txn.failure.len()), (0, 1, 0));
        assert_eq!(parse("version(a) = 0\n\n\nget a").unwrap().failure.len(), 1);
        assert_eq!(parse(""), Ok(TxnRequest::default()));
    }

    #[test]
    fn the_line_that_is_wrong_is_named() {
        let table = [
            ("mod(a) 5", "line 1"),
            ("size(a) = 5", "a compare is like"),
            ("mod(a) = x", "\"x\" is not a number"),
            ("lease(a) = x", "hexadecimal"),
            ("\nput a", "line 2"),
            ("\nput a 1 --if-absent", "--if-absent"),
            ("\nfetch a", "fetch"),
            ("\n\n\nget a", "three paragraphs"),
        ];
        for (text, part) in table {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }
}

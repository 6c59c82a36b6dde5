//! Reading what the user names: files, stdin, arguments that need not be UTF-8.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use crate::failure::Failure;

/// The most that is read of a document: a receipt with the largest command and result, both in hexadecimal.
const MAX_DOCUMENT: u64 = 16 * 1024 * 1024;

/// The bytes of an argument, or of stdin where it is `-`; at most `limit` and one more, which whoever checks the size will notice.
pub(crate) fn argument_or_stdin(argument: OsString, limit: usize) -> Result<Vec<u8>, Failure> {
    if argument != OsStr::new("-") {
        return Ok(argument.into_vec());
    }
    let mut bytes = Vec::new();
    io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| {
        Failure::failed("cannot read the value from stdin", error.to_string(), "check what is piped into the command")
    })?;
    Ok(bytes)
}

/// A file's text, or stdin's where the path is `-`.
pub(crate) fn document(what: &str, path: &Path) -> Result<String, Failure> {
    let tried = || format!("cannot read {what} {}", path.display());
    let refuse = |error: io::Error| Failure::usage(tried(), error.to_string(), "check the path and its permissions");
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(refuse)?;
    } else {
        File::open(path).map_err(refuse)?.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(refuse)?;
    }
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(Failure::usage(tried(), format!("it has more than {MAX_DOCUMENT} bytes"), "check the path"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(tried(), "it is not text", "check the path"))
}

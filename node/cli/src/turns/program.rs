//! A program that runs while a lock is held.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use tetrarch_kv_client::turns::Turn;
use tokio::process::{Child, Command};

use crate::failure::Failure;

/// What tells a program the fencing number, and the key that it holds.
const FENCE: &str = "TETRARCH_FENCE";
const KEY: &str = "TETRARCH_LOCK_KEY";

/// Starts it. It is killed when the child is dropped: it must not go on without the lock.
pub(super) fn start(words: &[OsString], turn: &Turn, tried: &str) -> Result<Child, Failure> {
    let (program, arguments) = words.split_first().ok_or_else(|| Failure::usage(tried, "no program is named", ""))?;
    let key = String::from_utf8_lossy(&turn.key).into_owned();
    let mut command = Command::new(program);
    command.args(arguments).env(FENCE, turn.revision.to_string()).env(KEY, key).kill_on_drop(true);
    command.spawn().map_err(|error| {
        let happened = format!("{} does not start: {error}", program.to_string_lossy());
        Failure::usage(tried, happened, "name a program that is there, and may be run")
    })
}

/// What a shell would say of it.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

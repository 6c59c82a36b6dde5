//! A supervisor in the background: a process in a session of its own, so that closing the terminal does not reach it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::{LaunchError, Layout};

/// The most of its words that is given back, in bytes.
const MAX_WORDS: u64 = 16 * 1024;

/// A process started in the background.
#[derive(Debug)]
pub struct Detached {
    child: Child,
    log: std::path::PathBuf,
}

impl Detached {
    /// Starts one; what it has to say goes to `up.log`, anew each time. It should call [`lead_session`] first.
    ///
    /// # Errors
    /// When the log cannot be made or the program cannot be started.
    pub fn start<A: AsRef<OsStr>>(layout: &Layout, program: &Path, arguments: &[A]) -> Result<Self, LaunchError> {
        let path = layout.up_log();
        crate::files::write(&path, b"")?;
        let log = File::options().append(true).open(&path).map_err(LaunchError::io(&path, "open"))?;
        let second = log.try_clone().map_err(LaunchError::io(&path, "open"))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log).stderr(second);
        let child = command.spawn().map_err(LaunchError::io(program, "run"))?;
        Ok(Self { child, log: path })
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, LaunchError> {
        self.child.try_wait().map_err(LaunchError::io(&self.log, "wait for the process that writes"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said.
    pub fn words(&self) -> String {
        crate::files::read(&self.log, MAX_WORDS).unwrap_or_default()
    }
}

/// Makes this process the leader of a new session, away from any terminal.
///
/// # Errors
/// When it leads a process group already.
pub fn lead_session() -> std::io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

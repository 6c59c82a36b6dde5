//! One supervisor at a time: whoever holds the lock on `supervisor.pid` is it. The system drops the lock with the process, however
//! that ended, so a pid file left over from a killed one never stands in the way.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use crate::{LaunchError, Layout};

/// How often the lock is tried again: somebody may only be looking.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// The right to be a testnet's supervisor, as long as it is held.
#[derive(Debug)]
pub struct SupervisorLock {
    file: File,
    follows_crash: bool,
}

impl SupervisorLock {
    /// Takes the right, and leaves this process's id for others to read.
    ///
    /// # Errors
    /// [`LaunchError::Running`] with the process that has it.
    pub fn take(layout: &Layout) -> Result<Self, LaunchError> {
        let path = layout.pid_file();
        let mut file = open(layout)?;
        for attempt in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < TRIES => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(running(layout, &mut file)),
                Err(TryLockError::Error(source)) => return Err(LaunchError::io(&path, "lock")(source)),
            }
        }
        // A supervisor that ends in order empties the file.
        let follows_crash = read_pid(&mut file) != 0;
        write_pid(&mut file).map_err(LaunchError::io(&path, "write"))?;
        Ok(Self { file, follows_crash })
    }

    /// Whether the supervisor before this one did not end in order. Its nodes end by themselves, and may need a moment for it.
    pub const fn follows_crash(&self) -> bool {
        self.follows_crash
    }

    /// The supervisor's process id, if one runs.
    pub fn holder(layout: &Layout) -> Option<u32> {
        let mut file = File::open(layout.pid_file()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read_pid(&mut file)),
            _ => None,
        }
    }
}

impl Drop for SupervisorLock {
    fn drop(&mut self) {
        // Whoever comes next finds the file without a lock; what stands in it does not matter then.
        let _ = self.file.set_len(0);
    }
}

fn open(layout: &Layout) -> Result<File, LaunchError> {
    let path = layout.pid_file();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(&path).map_err(LaunchError::io(&path, "open"))
}

fn running(layout: &Layout, file: &mut File) -> LaunchError {
    LaunchError::Running { dir: layout.root().into(), pid: read_pid(file) }
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// 0 where the holder has not written it yet.
fn read_pid(file: &mut File) -> u32 {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    text.trim().parse().unwrap_or(0)
}

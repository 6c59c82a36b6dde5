//! The socket's path in a form that fits: a Unix socket's address has room for 108 bytes, and a directory's path may be longer.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use crate::Layout;

/// The longest path used as it is.
const MAX_PATH: usize = 100;

/// An address for the control socket, good while the value lives.
pub(crate) struct SocketPath {
    path: PathBuf,
    _dir: Option<File>,
}

impl SocketPath {
    pub(crate) fn of(layout: &Layout) -> io::Result<Self> {
        let path = layout.control();
        if path.as_os_str().len() <= MAX_PATH {
            return Ok(Self { path, _dir: None });
        }
        let dir = File::open(layout.root())?;
        let short = format!("/proc/self/fd/{}", dir.as_raw_fd());
        Ok(Self { path: PathBuf::from(short).join("control.sock"), _dir: Some(dir) })
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }
}

//! What tells a server to stop: signals, and the end of stdin.

use std::future::pending;
use std::io::Read;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::failure::Failure;

/// Why a server is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Interrupted,
    Terminated,
    StdinEnded,
}

impl Reason {
    /// What the command comes to.
    pub(crate) fn result(self) -> Result<(), Failure> {
        match self {
            Self::Interrupted => Err(Failure::interrupted()),
            Self::Terminated | Self::StdinEnded => Ok(()),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::StdinEnded => "stdin ended",
        })
    }
}

/// Everything that can tell a server to stop.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Stop {
    /// Listens from here on; to the end of stdin, if whoever started the process holds the other end.
    pub(crate) fn new(with_stdin: bool) -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::failed("cannot listen for signals", error.to_string(), "check the limits of this user")
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            stdin: with_stdin.then(stdin_end),
        })
    }

    /// The next reason to stop. The end of stdin is one only once.
    pub(crate) async fn wait(&mut self) -> Reason {
        let stdin = async {
            match &mut self.stdin {
                Some(end) => drop(end.await),
                None => pending().await,
            }
        };
        let reason = tokio::select! {
            _ = self.interrupt.recv() => Reason::Interrupted,
            _ = self.terminate.recv() => Reason::Terminated,
            () = stdin => Reason::StdinEnded,
        };
        if reason == Reason::StdinEnded {
            self.stdin = None;
        }
        reason
    }
}

/// A thread of its own reads stdin, since a read there cannot be given up; it ends with the process.
fn stdin_end() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while std::io::stdin().lock().read(&mut buffer).is_ok_and(|count| count > 0) {}
        let _ = tell.send(());
    });
    told
}

//! A supervisor's side of the socket.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::fleet::Fleet;
use crate::control::socket::SocketPath;
use crate::protocol::{Answer, Command, MAX_LINE, Refusal};
use crate::{LaunchError, Layout};

/// Connections served at a time.
const MAX_CONNECTIONS: usize = 16;

/// How long a connection may say nothing, and how long an answer may take to be read.
const IDLE: Duration = Duration::from_secs(10);

/// Opens the socket, in place of one that a killed supervisor left, and serves it in the background until the fleet is down. The
/// caller holds the supervisor's lock, so nobody else serves it.
pub(super) fn serve(layout: &Layout, fleet: Arc<Fleet>) -> Result<tokio::task::JoinHandle<()>, LaunchError> {
    let listener = listen(layout).map_err(LaunchError::io(&layout.control(), "listen on"))?;
    Ok(tokio::spawn(accept(listener, fleet)))
}

fn listen(layout: &Layout) -> io::Result<UnixListener> {
    match std::fs::remove_file(layout.control()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(SocketPath::of(layout)?.path())?;
    std::fs::set_permissions(layout.control(), std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn accept(listener: UnixListener, fleet: Arc<Fleet>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let fleet = fleet.clone();
                tokio::spawn(async move {
                    // Whoever hangs up in the middle has seen what it wanted.
                    let _ = converse(stream, &fleet).await;
                    drop(permit);
                });
            }
            // Out of descriptors, most likely: others may be closed soon.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn converse(stream: UnixStream, fleet: &Arc<Fleet>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let limit = MAX_LINE as u64;
        tokio::time::timeout(IDLE, (&mut reader).take(limit).read_until(b'\n', &mut line)).await??;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let (answer, is_down) = answer(&line, fleet).await;
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        let written = tokio::time::timeout(IDLE, writer.write_all(&text)).await;
        if is_down {
            fleet.announce_down();
        }
        written??;
    }
}

async fn answer(line: &[u8], fleet: &Arc<Fleet>) -> (Answer, bool) {
    let command = match serde_json::from_slice::<Command>(line) {
        Ok(command) => command,
        Err(error) => return (Answer::Refused { why: Refusal::Malformed { why: error.to_string() } }, false),
    };
    let is_down = command == Command::Down;
    // In a task of its own, so that a client that hangs up does not leave a command half done.
    let fleet = fleet.clone();
    let answer = tokio::spawn(async move { fleet.obey(command).await }).await;
    (answer.unwrap_or(Answer::Refused { why: Refusal::Stopping }), is_down)
}

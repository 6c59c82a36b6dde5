//! Asking a supervisor.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::socket::SocketPath;
use crate::protocol::{Answer, Command, MAX_LINE};
use crate::{LaunchError, Layout};

/// Gives a testnet's supervisor one command and waits for its answer. A refusal is an error.
///
/// # Errors
/// [`LaunchError::NotRunning`] when no supervisor listens, [`LaunchError::Refused`] when it says no, [`LaunchError::Control`] when it
/// does not answer within `patience`.
pub async fn send(layout: &Layout, command: &Command, patience: Duration) -> Result<Answer, LaunchError> {
    let control = |reason: String| LaunchError::Control { reason, log: layout.up_log() };
    let answer = match tokio::time::timeout(patience, exchange(layout, command)).await {
        Ok(answer) => answer,
        Err(_) => return Err(control(format!("did not answer within {} s", patience.as_secs()))),
    };
    match answer {
        Ok(Answer::Refused { why }) => Err(why.into()),
        Ok(answer) => Ok(answer),
        Err(error) if is_absent(&error) => Err(LaunchError::NotRunning { dir: layout.root().into() }),
        Err(error) => Err(control(format!("could not be asked ({error})"))),
    }
}

async fn exchange(layout: &Layout, command: &Command) -> io::Result<Answer> {
    let address = SocketPath::of(layout)?;
    let mut stream = UnixStream::connect(address.path()).await?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    BufReader::new(stream).take(MAX_LINE as u64).read_until(b'\n', &mut answer).await?;
    if answer.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection without an answer"));
    }
    Ok(serde_json::from_slice(&answer)?)
}

/// Nobody listens: no socket, or one that a killed supervisor left behind.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

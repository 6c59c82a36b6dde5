//! A way to a gateway on which what a client says can be held up, to come all at once.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// For one connection.
pub(crate) struct Relay {
    pub(crate) address: String,
    holds: watch::Sender<bool>,
    held: watch::Receiver<usize>,
}

impl Relay {
    pub(crate) async fn to(gateway: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (holds, held_up) = watch::channel(false);
        let (holding, held) = watch::channel(0);
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let (mut asks, mut answered) = client.into_split();
            let (mut answers, asked) = TcpStream::connect(gateway).await.unwrap().into_split();
            tokio::spawn(async move { copy(&mut answers, &mut answered).await });
            pass(&mut asks, asked, held_up, holding).await;
        });
        Self { address, holds, held }
    }

    /// From here on what the client says stays here.
    pub(crate) fn hold(&self) {
        self.holds.send_replace(true);
    }

    /// Waits until so many bytes stay here.
    pub(crate) async fn holds_more_than(&mut self, bytes: usize) -> usize {
        *self.held.wait_for(|held| *held > bytes).await.unwrap()
    }

    /// What stayed here goes on, all at once.
    pub(crate) fn let_go(&self) {
        self.holds.send_replace(false);
    }
}

async fn pass(
    asks: &mut (impl AsyncRead + Unpin),
    mut asked: OwnedWriteHalf,
    mut held_up: watch::Receiver<bool>,
    holding: watch::Sender<usize>,
) {
    let mut held = Vec::new();
    loop {
        tokio::select! {
            read = asks.read_buf(&mut held) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
            }
            changed = held_up.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
        if !*held_up.borrow() {
            asked.write_all(&held).await.unwrap();
            held.clear();
        }
        holding.send_replace(held.len());
    }
}

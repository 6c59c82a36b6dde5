//! A gateway over a store of its own, and programs that talk to it.

pub(crate) mod bolt;
pub(crate) mod calls;
pub(crate) mod local;
pub(crate) mod pair;
pub(crate) mod programs;
pub(crate) mod relay;
pub(crate) mod scripted;
pub(crate) mod watching;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use tetrarch_gateway::Options;
use tetrarch_kv_client::Backend;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A gateway on a thread and a free port of its own; it ends when this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
}

impl Running {
    pub(crate) fn start<B: Backend>(backend: B) -> Self {
        Self::start_with(backend, Options::default())
    }

    pub(crate) fn start_with<B: Backend>(backend: B, options: Options) -> Self {
        Self::start_at("127.0.0.1", backend, options)
    }

    pub(crate) fn start_at<B: Backend>(ip: &'static str, backend: B, options: Options) -> Self {
        let (end, ended) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind((ip, 0)).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tetrarch_gateway::serve(backend, listener, options, async { drop(ended.await) }).await.unwrap();
            });
        });
        Self { address: told.recv().unwrap(), end: Some(end) }
    }

    pub(crate) fn local() -> Self {
        Self::start(local::Local::new())
    }

    pub(crate) fn endpoint(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
    }
}

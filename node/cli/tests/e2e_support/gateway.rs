//! What talks to a gateway: etcdctl, plain gRPC, and plain HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use prost::Message;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tonic::Status;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::process::{Done, run};

/// What a program may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Whether etcdctl is there. Says so if it is not, since what is tested with it is then not tested.
pub(crate) fn has_etcdctl() -> bool {
    let there = Command::new("etcdctl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        // Past the capture of a test's output: a skipped test passes, and would say nothing otherwise.
        let said = "SKIPPED: `etcdctl` is not installed here (Debian's package etcd-client), so it did not talk to a cluster.\n";
        drop(std::io::stderr().write_all(said.as_bytes()));
    }
    there
}

/// Runs etcdctl.
pub(crate) fn etcdctl(endpoint: &str, words: &[&str], input: &str) -> Done {
    let mut command = Command::new("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", endpoint, "--command-timeout", "20s"]).args(words);
    run(command, input.as_bytes(), PATIENCE)
}

/// One connection to a gateway.
#[derive(Clone)]
pub(crate) struct Caller(Channel);

impl Caller {
    /// A connection that is made when it is first needed, and anew when it breaks.
    pub(crate) fn to(gateway: SocketAddr) -> Self {
        Self(Endpoint::from_shared(format!("http://{gateway}")).unwrap().connect_lazy())
    }

    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<PutResponse, Status> {
        let message = PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() };
        self.call("/etcdserverpb.KV/Put", message).await
    }

    /// Everything whose key begins so.
    pub(crate) async fn read_all(&self, prefix: &str) -> Result<RangeResponse, Status> {
        let mut end = prefix.as_bytes().to_vec();
        *end.last_mut().unwrap() += 1;
        let message = RangeRequest { key: prefix.into(), range_end: end, ..RangeRequest::default() };
        self.call("/etcdserverpb.KV/Range", message).await
    }

    async fn call<M, N>(&self, path: &'static str, message: M) -> Result<N, Status>
    where
        M: Message + 'static,
        N: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = http::uri::PathAndQuery::from_static(path);
        Ok(grpc.unary(tonic::Request::new(message), path, ProstCodec::default()).await?.into_inner())
    }
}

/// A page over plain HTTP: its head and its text.
pub(crate) fn page(gateway: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(gateway).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    ask_page(&mut stream, path)
}

/// A page over a connection that is there; nothing, if the other side will not have it.
pub(crate) fn ask_page(stream: &mut (impl Read + Write), path: &str) -> String {
    // A refused handshake shows here or below, whichever comes first.
    let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");
    let mut bytes = Vec::new();
    // Over TLS, an end without a farewell is an error, and the end all the same.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

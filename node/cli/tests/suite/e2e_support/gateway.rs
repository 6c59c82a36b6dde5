//! What talks to a gateway: etcdctl, plain gRPC, and plain HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use prost::Message;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::txn::{
    Compare, CompareResult, CompareTarget, Operation, RequestOp, TargetUnion, TxnRequest, TxnResponse,
};
use tetrarch_gateway::messages::watch::{WatchAction, WatchCreateRequest, WatchRequest, WatchResponse};
use tokio_stream::StreamExt;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use super::Net;
use super::process::{Done, Going, run};
use crate::installed::program;

/// What a program may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Runs etcdctl.
pub(crate) fn etcdctl(endpoint: &str, words: &[&str], input: &str) -> Done {
    let mut command = program("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", endpoint, "--command-timeout", "20s"]).args(words);
    run(command, input.as_bytes(), PATIENCE)
}

/// Starts an etcdctl that goes on.
pub(crate) fn etcdctl_going(net: &Net, words: &[&str]) -> Going {
    let mut command = program("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", &net.gateway().to_string()]).args(words);
    Going::start(command)
}

/// One connection to a gateway.
#[derive(Clone)]
pub(crate) struct Caller {
    channel: Channel,
    requires_leader: bool,
}

impl Caller {
    /// A connection that is made when it is first needed, and anew when it breaks.
    pub(crate) fn to(gateway: SocketAddr) -> Self {
        let channel = Endpoint::from_shared(format!("http://{gateway}")).unwrap().connect_lazy();
        Self { channel, requires_leader: false }
    }

    /// The same connection, to be served by a cluster with a leader only.
    pub(crate) fn requiring_leader(&self) -> Self {
        Self { requires_leader: true, ..self.clone() }
    }

    fn request<M>(&self, message: M) -> tonic::Request<M> {
        let mut request = tonic::Request::new(message);
        if self.requires_leader {
            request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
        }
        request
    }

    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<PutResponse, Status> {
        let message = PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() };
        self.call("/etcdserverpb.KV/Put", message).await
    }

    /// Puts it if there is no such key: however often it is asked for, it happens once.
    pub(crate) async fn put_once(&self, key: &str, value: &str) -> Result<TxnResponse, Status> {
        let absent = Compare {
            result: CompareResult::Equal as i32,
            target: CompareTarget::Create as i32,
            key: key.into(),
            target_union: Some(TargetUnion::CreateRevision(0)),
            range_end: Vec::new(),
        };
        let put = PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() };
        let put = RequestOp { request: Some(Operation::Put(put)) };
        let message = TxnRequest { compare: vec![absent], success: vec![put], failure: Vec::new() };
        self.call("/etcdserverpb.KV/Txn", message).await
    }

    /// Everything whose key begins so.
    pub(crate) async fn read_all(&self, prefix: &str) -> Result<RangeResponse, Status> {
        let (key, range_end) = below(prefix);
        self.range(RangeRequest { key, range_end, ..RangeRequest::default() }).await
    }

    pub(crate) async fn range(&self, message: RangeRequest) -> Result<RangeResponse, Status> {
        self.call("/etcdserverpb.KV/Range", message).await
    }

    /// Watches everything whose key begins so, from a revision on.
    pub(crate) async fn watch(&self, prefix: &str, start_revision: i64) -> Result<Streaming<WatchResponse>, Status> {
        let (key, range_end) = below(prefix);
        let create = WatchCreateRequest { key, range_end, start_revision, ..WatchCreateRequest::default() };
        let asked = WatchRequest { request_union: Some(WatchAction::Create(create)) };
        // The stream of requests stays open: its end is the end of the watch.
        let asks = tokio_stream::once(asked).chain(tokio_stream::pending());
        let mut grpc = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
        Ok(grpc.streaming(self.request(asks), path, ProstCodec::default()).await?.into_inner())
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc)
    }

    async fn call<M, N>(&self, path: &'static str, message: M) -> Result<N, Status>
    where
        M: Message + 'static,
        N: Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let path = http::uri::PathAndQuery::from_static(path);
        Ok(grpc.unary(self.request(message), path, ProstCodec::default()).await?.into_inner())
    }
}

/// The range of the keys that begin so.
pub(crate) fn below(prefix: &str) -> (Vec<u8>, Vec<u8>) {
    let mut end = prefix.as_bytes().to_vec();
    *end.last_mut().unwrap() += 1;
    (prefix.into(), end)
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

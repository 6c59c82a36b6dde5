//! Plain gRPC calls, for what etcdctl does not ask.

use http::uri::PathAndQuery;
use prost::Message;
use tetrarch_gateway::messages::ResponseHeader;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse};
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::Running;

/// One connection.
#[derive(Clone)]
pub(crate) struct Caller {
    channel: Channel,
    requires_leader: bool,
}

impl Caller {
    pub(crate) async fn to(gateway: &Running) -> Self {
        Self::at(&gateway.endpoint()).await
    }

    pub(crate) async fn at(address: &str) -> Self {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { channel, requires_leader: false }
    }

    /// The same connection, to be served by a cluster with a leader only.
    pub(crate) fn requiring_leader(&self) -> Self {
        Self { requires_leader: true, ..self.clone() }
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        if self.requires_leader {
            request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
        }
        request
    }

    async fn ready(&self) -> Grpc<Channel> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        grpc.ready().await.unwrap();
        grpc
    }

    pub(crate) async fn call<M, N>(&self, path: &'static str, message: M) -> Result<N, Status>
    where
        M: Message + 'static,
        N: Message + Default + 'static,
    {
        let (mut grpc, path) = (self.ready().await, PathAndQuery::from_static(path));
        Ok(grpc.unary(self.request(message), path, ProstCodec::default()).await?.into_inner())
    }

    /// One message, answered with a stream.
    pub(crate) async fn follow<M, N>(&self, path: &'static str, message: M) -> Result<Streaming<N>, Status>
    where
        M: Message + 'static,
        N: Message + Default + 'static,
    {
        let (mut grpc, path) = (self.ready().await, PathAndQuery::from_static(path));
        Ok(grpc.server_streaming(self.request(message), path, ProstCodec::default()).await?.into_inner())
    }

    pub(crate) async fn stream<M, N>(
        &self,
        path: &'static str,
        messages: impl Stream<Item = M> + Send + 'static,
    ) -> Result<Streaming<N>, Status>
    where
        M: Message + 'static,
        N: Message + Default + 'static,
    {
        let (mut grpc, path) = (self.ready().await, PathAndQuery::from_static(path));
        Ok(grpc.streaming(self.request(messages), path, ProstCodec::default()).await?.into_inner())
    }

    pub(crate) async fn put(&self, key: &[u8], value: &[u8]) -> Result<ResponseHeader, Status> {
        let message = PutRequest { key: key.to_vec(), value: value.to_vec(), ..Default::default() };
        let response: PutResponse = self.call("/etcdserverpb.KV/Put", message).await?;
        Ok(response.header.unwrap())
    }
}

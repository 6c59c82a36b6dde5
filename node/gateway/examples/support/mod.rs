//! What the commands for developers have in common: calls, and etcd to compare with.

#![allow(dead_code, reason = "each command uses some of it")]

pub(crate) mod etcd;
#[path = "../../tests/suite/installed.rs"]
mod installed;

use prost::Message;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// A connection to a gateway or to an etcd.
pub(crate) async fn connect(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// One message, and its answer.
pub(crate) async fn call<M: Message + 'static, N: Message + Default + 'static>(
    channel: Channel,
    path: &'static str,
    message: M,
) -> Result<N, tonic::Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let path = http::uri::PathAndQuery::from_static(path);
    Ok(grpc.unary(tonic::Request::new(message), path, ProstCodec::default()).await?.into_inner())
}

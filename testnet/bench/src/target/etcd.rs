//! Whatever speaks etcd's API.

use http::uri::PathAndQuery;
use prost::Message;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::txn::{
    Compare, CompareResult, CompareTarget, Operation, RequestOp, TargetUnion, TxnRequest, TxnResponse,
};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::plan::Work;

/// A connection to a gateway or an etcd, without TLS.
#[derive(Clone, Debug)]
pub struct EtcdTarget {
    channel: Channel,
}

impl EtcdTarget {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// If nobody answers there.
    pub async fn connect(address: &str) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
        let channel = endpoint.tcp_nodelay(true).connect().await.map_err(|error| error.to_string())?;
        Ok(Self { channel })
    }

    pub(super) async fn carry_out(&self, work: &Work) -> Result<(), String> {
        match work {
            Work::Put(puts) => {
                for (key, value) in puts {
                    self.call::<_, PutResponse>("/etcdserverpb.KV/Put", put(key, value)).await?;
                }
                Ok(())
            }
            Work::Txn(key, value) => {
                let done: TxnResponse = self.call("/etcdserverpb.KV/Txn", txn(key, value)).await?;
                if done.succeeded { Ok(()) } else { Err("the compare did not hold".to_owned()) }
            }
            Work::Get(key) => {
                let read = RangeRequest { key: key.as_bytes().to_vec(), ..RangeRequest::default() };
                let found: RangeResponse = self.call("/etcdserverpb.KV/Range", read).await?;
                if found.kvs.is_empty() { Err(format!("{key} is not there")) } else { Ok(()) }
            }
        }
    }

    async fn call<M, N>(&self, path: &'static str, message: M) -> Result<N, String>
    where
        M: Message + 'static,
        N: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| error.to_string())?;
        let path = PathAndQuery::from_static(path);
        let answer = grpc.unary(tonic::Request::new(message), path, ProstCodec::default()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| status.message().to_owned())
    }
}

fn put(key: &str, value: &[u8]) -> PutRequest {
    PutRequest { key: key.as_bytes().to_vec(), value: value.to_vec(), ..PutRequest::default() }
}

fn txn(key: &str, value: &[u8]) -> TxnRequest {
    let holds = Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Lease.into(),
        key: key.as_bytes().to_vec(),
        target_union: Some(TargetUnion::Lease(0)),
        range_end: Vec::new(),
    };
    let success = vec![RequestOp { request: Some(Operation::Put(put(key, value))) }];
    TxnRequest { compare: vec![holds], success, failure: Vec::new() }
}

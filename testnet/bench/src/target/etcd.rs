//! Whatever speaks etcd's API.

use http::uri::PathAndQuery;
use prost::Message;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::messages::txn::{
    Compare, CompareResult, CompareTarget, Operation, RequestOp, TargetUnion, TxnRequest, TxnResponse,
};
use tetrarch_gateway::messages::watch::{WatchAction, WatchCreateRequest, WatchRequest, WatchResponse};
use tokio::sync::Mutex;
use tokio_stream::StreamExt;
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::own_key;
use crate::plan::Work;

/// A connection to a gateway or an etcd, without TLS.
#[derive(Debug)]
pub struct EtcdTarget {
    channel: Channel,
    /// Its own key.
    own: String,
    watch: Mutex<Option<Streaming<WatchResponse>>>,
}

impl EtcdTarget {
    /// The client of that number, connected to `HOST:PORT`.
    ///
    /// # Errors
    /// If nobody answers there.
    pub async fn connect(number: usize, address: &str) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
        let channel = endpoint.tcp_nodelay(true).connect().await.map_err(|error| error.to_string())?;
        Ok(Self { channel, own: own_key(number), watch: Mutex::default() })
    }

    pub(crate) async fn carry_out(&self, work: &Work) -> Result<(), String> {
        match work {
            Work::Watched(value) => self.watched(value).await,
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

    async fn watched(&self, value: &[u8]) -> Result<(), String> {
        let mut watch = self.watch.lock().await;
        let done: PutResponse = self.call("/etcdserverpb.KV/Put", put(&self.own, value)).await?;
        let revision = done.header.ok_or("an answer without a header")?.revision;
        let watch = match &mut *watch {
            Some(watch) => watch,
            none => none.insert(self.begin(revision).await?),
        };
        loop {
            let told = watch.message().await.map_err(|status| status.message().to_owned())?;
            let events = told.ok_or("the watch ended")?.events;
            if events.iter().filter_map(|event| event.kv.as_ref()).any(|kv| kv.mod_revision >= revision) {
                return Ok(());
            }
        }
    }

    async fn begin(&self, start_revision: i64) -> Result<Streaming<WatchResponse>, String> {
        let key = self.own.as_bytes().to_vec();
        let create = WatchCreateRequest { key, start_revision, ..WatchCreateRequest::default() };
        let asked = WatchRequest { request_union: Some(WatchAction::Create(create)) };
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| error.to_string())?;
        // The stream of requests stays open: its end is the end of the watch.
        let asks = tonic::Request::new(tokio_stream::once(asked).chain(tokio_stream::pending()));
        let path = PathAndQuery::from_static("/etcdserverpb.Watch/Watch");
        let stream = grpc.streaming(asks, path, ProstCodec::default()).await;
        stream.map(tonic::Response::into_inner).map_err(|status| status.message().to_owned())
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

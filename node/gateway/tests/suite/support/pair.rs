//! The same calls to a gateway and to a real etcd.

use tetrarch_gateway::messages::ResponseHeader;
use tetrarch_gateway::messages::kv::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse,
    RangeRequest, RangeResponse,
};
use tetrarch_gateway::messages::txn::{TxnRequest, TxnResponse};
use tonic::{Code, Status};

use super::Running;
use super::calls::Caller;
use super::programs::Etcd;
use super::watching::Watching;
use crate::installed::has_etcd;

/// A gateway over a local store and a real etcd, side by side.
pub(crate) struct Pair {
    gateway: Caller,
    etcd: Caller,
    running: (Running, Etcd),
}

/// A response as it is compared: without who gave it.
trait Anonymous: prost::Message + Default + PartialEq + std::fmt::Debug + 'static {
    fn header(&mut self) -> &mut Option<ResponseHeader>;
}

macro_rules! anonymous {
    ($($response:ty),+) => {
        $(impl Anonymous for $response {
            fn header(&mut self) -> &mut Option<ResponseHeader> {
                &mut self.header
            }
        })+
    };
}

anonymous!(RangeResponse, PutResponse, DeleteRangeResponse, TxnResponse, CompactionResponse);

impl Pair {
    /// None where a program is missing; it has said so then.
    pub(crate) async fn start() -> Option<Self> {
        if !has_etcd() {
            return None;
        }
        let (gateway, etcd) = (Running::local(), Etcd::start());
        let callers = (Caller::to(&gateway).await, Caller::at(&etcd.endpoint).await);
        Some(Self { gateway: callers.0, etcd: callers.1, running: (gateway, etcd) })
    }

    /// Addresses, the gateway's first.
    pub(crate) fn endpoints(&self) -> [String; 2] {
        let (gateway, etcd) = &self.running;
        [gateway.endpoint(), etcd.endpoint.clone()]
    }

    /// Connections, that to the gateway first.
    pub(crate) const fn callers(&self) -> [&Caller; 2] {
        [&self.gateway, &self.etcd]
    }

    /// A stream of watches to the gateway, and one to etcd.
    pub(crate) async fn watching(&self) -> (Watching, Watching) {
        (Watching::to(&self.gateway).await, Watching::to(&self.etcd).await)
    }

    /// Refuses any difference.
    async fn agree<M: prost::Message + Clone + std::fmt::Debug + 'static, N: Anonymous>(
        &self,
        path: &'static str,
        message: M,
    ) -> Result<N, (Code, String)> {
        let ours = told(self.gateway.call::<M, N>(path, message.clone()).await);
        let theirs = told(self.etcd.call::<M, N>(path, message.clone()).await);
        assert_eq!(ours, theirs, "{path} {:.5000}: the gateway's is on the left", format!("{message:?}"));
        ours
    }

    pub(crate) async fn range(&self, message: RangeRequest) {
        drop(self.agree::<_, RangeResponse>("/etcdserverpb.KV/Range", message).await);
    }

    pub(crate) async fn put(&self, message: PutRequest) {
        drop(self.agree::<_, PutResponse>("/etcdserverpb.KV/Put", message).await);
    }

    pub(crate) async fn delete(&self, message: DeleteRangeRequest) {
        drop(self.agree::<_, DeleteRangeResponse>("/etcdserverpb.KV/DeleteRange", message).await);
    }

    pub(crate) async fn compact(&self, message: CompactionRequest) {
        drop(self.agree::<_, CompactionResponse>("/etcdserverpb.KV/Compact", message).await);
    }

    pub(crate) async fn txn(&self, message: TxnRequest) -> Result<TxnResponse, (Code, String)> {
        self.agree("/etcdserverpb.KV/Txn", message).await
    }
}

fn told<N: Anonymous>(result: Result<N, Status>) -> Result<N, (Code, String)> {
    let mut response = result.map_err(|status| (status.code(), status.message().to_owned()))?;
    if let Some(header) = response.header() {
        *header = ResponseHeader { revision: header.revision, ..ResponseHeader::default() };
    }
    Ok(response)
}

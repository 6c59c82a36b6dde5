//! `etcdserverpb.KV`.

use std::sync::Arc;

use tetrarch_kv::{Answered, Request};
use tetrarch_kv_client::Backend;
use tonic::Status;

use super::reading;
use crate::gateway::{Gateway, check_size, of_another_request};
use crate::messages::kv::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse,
    RangeRequest, RangeResponse,
};
use crate::messages::txn::{TxnRequest, TxnResponse};
use crate::refusal::Refusal;
use crate::translate;

pub(super) async fn range<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: RangeRequest,
) -> Result<RangeResponse, Status> {
    let serializable = message.serializable;
    let request = translate::range(message)?;
    let read = reading::range(&gateway, request, serializable).await?;
    Ok(translate::selection(gateway.header(read.revision), read.selection))
}

pub(super) async fn put<B: Backend>(gateway: Arc<Gateway<B>>, message: PutRequest) -> Result<PutResponse, Status> {
    let size = check_size(&message);
    let answered = order(&gateway, size, Request::Put(translate::put(message))).await?;
    in_kind(translate::put_done(&|revision| gateway.header(revision), answered))
}

pub(super) async fn delete_range<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: DeleteRangeRequest,
) -> Result<DeleteRangeResponse, Status> {
    let answered = gateway.order(Request::DeleteRange(translate::delete_range(message))).await?;
    in_kind(translate::deleted(&|revision| gateway.header(revision), answered))
}

pub(super) async fn txn<B: Backend>(gateway: Arc<Gateway<B>>, message: TxnRequest) -> Result<TxnResponse, Status> {
    let size = check_size(&message);
    let answered = order(&gateway, size, Request::Txn(translate::txn(message)?)).await?;
    in_kind(translate::txn_done(&|revision| gateway.header(revision), answered))
}

/// `physical` asks to wait until what is compacted is gone from the disk. It goes with later batches, and nothing waits for that.
pub(super) async fn compact<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: CompactionRequest,
) -> Result<CompactionResponse, Status> {
    let now = gateway.compact(translate::unsigned(message.revision)).await?;
    Ok(CompactionResponse { header: Some(gateway.header(now)) })
}

/// As in etcd, what is wrong in a request is found before its size is.
async fn order<B: Backend>(
    gateway: &Gateway<B>,
    size: Result<(), Refusal>,
    request: Request,
) -> Result<Answered, Refusal> {
    request.check()?;
    size?;
    gateway.order(request).await
}

/// A response to what was asked; anything else the cluster cannot have vouched for.
pub(super) fn in_kind<T>(response: Option<T>) -> Result<T, Status> {
    response.ok_or_else(|| of_another_request().into())
}

//! etcd's calls as JSON over plain HTTP, for those who have no gRPC: `POST /v3/kv/put`, and so on.

use std::future::Future;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::routing::{MethodRouter, post};
use http::{Response, StatusCode, header};
use serde_json::{Value, json};
use tetrarch_kv::KvError;
use tetrarch_kv_client::Backend;
use tokio::time::timeout;
use tonic::{Code, Status};

use super::{keepalive, kv, lease};
use crate::gateway::Gateway;
use crate::json::{Readable, Writable};
use crate::limits::{MAX_DECODED_BYTES, MESSAGE_TIMEOUT};
use crate::messages::lease::{LeaseKeepAliveRequest, LeaseKeepAliveResponse};
use crate::refusal::Refusal;

/// Every call that is answered, where etcd answers it.
pub(super) fn routes<B: Backend>() -> axum::Router<Arc<Gateway<B>>> {
    axum::Router::new()
        .route("/v3/kv/range", method(kv::range))
        .route("/v3/kv/put", method(kv::put))
        .route("/v3/kv/deleterange", method(kv::delete_range))
        .route("/v3/kv/txn", method(kv::txn))
        .route("/v3/kv/compaction", method(kv::compact))
        .route("/v3/lease/grant", method(lease::grant))
        .route("/v3/lease/revoke", method(lease::revoke))
        .route("/v3/lease/keepalive", method(kept_alive))
        .route("/v3/lease/timetolive", method(lease::time_to_live))
        .route("/v3/lease/leases", method(lease::list))
        // Their first names, which etcd still answers to.
        .route("/v3/kv/lease/revoke", method(lease::revoke))
        .route("/v3/kv/lease/timetolive", method(lease::time_to_live))
        .route("/v3/kv/lease/leases", method(lease::list))
}

/// What of a stream is answered: one message, for the one that was sent.
struct Streamed<N>(N);

impl<N: Writable> Writable for Streamed<N> {
    fn to_json(&self) -> Value {
        json!({ "result": self.0.to_json() })
    }
}

async fn kept_alive<B: Backend>(
    gateway: Arc<Gateway<B>>,
    message: LeaseKeepAliveRequest,
) -> Result<Streamed<LeaseKeepAliveResponse>, Status> {
    keepalive::once(&gateway, message).await.map(Streamed)
}

/// A function that answers a message, made into what answers a call.
fn method<B, M, N, F, R>(answer: F) -> MethodRouter<Arc<Gateway<B>>>
where
    B: Backend,
    M: Readable + Send,
    N: Writable,
    F: Fn(Arc<Gateway<B>>, M) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<N, Status>> + Send,
{
    post(async move |State(gateway): State<Arc<Gateway<B>>>, request: Request| {
        let metrics = gateway.metrics.clone();
        let answered = async |request: Request| match read(request).await {
            Ok(message) => response(answer(gateway, message).await),
            Err(refused) => response::<N>(Err(refused)),
        };
        metrics.counted(request, answered).await
    })
}

/// The message of a call, which comes in time; none is one without fields. What a page in a browser sends is refused, unread: it would act with the gateway's key for
/// whoever made the page, and gRPC is out of its reach. Browsers always say so (`Origin`), other programs do not.
async fn read<M: Readable>(request: Request) -> Result<M, Status> {
    if request.headers().contains_key(header::ORIGIN) {
        return Err(Refusal::FromBrowser.into());
    }
    let body = timeout(MESSAGE_TIMEOUT, to_bytes(request.into_body(), MAX_DECODED_BYTES)).await;
    let body = body.map_err(|_| Refusal::MessageLate)?.map_err(|_| Refusal::from(KvError::RequestTooLarge))?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(M::default());
    }
    let value = serde_json::from_slice(&body).map_err(|error| Status::invalid_argument(error.to_string()))?;
    M::from_json(&value).map_err(Status::invalid_argument)
}

fn response<N: Writable>(answered: Result<N, Status>) -> Response<Body> {
    let (status, code, value) = match answered {
        Ok(message) => (StatusCode::OK, Code::Ok, message.to_json()),
        Err(refused) => {
            let (code, text) = (refused.code(), refused.message());
            (status(code), code, json!({ "error": text, "message": text, "code": code as i32 }))
        }
    };
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    // For those who count.
    response.extensions_mut().insert(code);
    response
}

/// The status by which etcd tells of a code.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::FailedPrecondition => StatusCode::PRECONDITION_FAILED,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

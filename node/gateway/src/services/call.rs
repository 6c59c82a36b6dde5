//! How a call becomes a function's argument, and its result a response.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use prost::Message;
use tetrarch_kv_client::Backend;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::server::{Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Code, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::leader::{self, Lost};
use super::prompt::prompt;
use crate::gateway::Gateway;
use crate::limits::MAX_DECODED_BYTES;
use crate::refusal::Refusal;

/// What tonic says of a message that is too large, up to how large it is.
const TOO_LARGE: &str = "Error, decoded message length too large: found ";

/// What goes back to the caller.
pub(super) type Reply = http::Response<tonic::body::Body>;

/// Messages that go back, as they come to be.
pub(super) type Replies<N> = mpsc::Receiver<Result<N, Status>>;

type Soon<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

/// A function that answers a call, made into what tonic calls; `M` is the message that it takes, `N` what it gives.
struct Method<B, F, M, N> {
    gateway: Arc<Gateway<B>>,
    answer: F,
    messages: PhantomData<fn(M) -> N>,
}

/// Answers a call of one message with one.
pub(super) async fn unary<B, F, M, N, R>(gateway: Arc<Gateway<B>>, request: Request, answer: F) -> Reply
where
    B: Backend,
    F: Fn(Arc<Gateway<B>>, M) -> R + Send + Sync,
    M: Message + Default + 'static,
    N: Message + 'static,
    R: Future<Output = Result<N, Status>> + Send + 'static,
{
    let method = Method { gateway, answer, messages: PhantomData };
    let reply = codec::<N, M>().unary(method, prompt(request)).await;
    let refused = Status::from_header_map(reply.headers());
    refused.and_then(|status| too_large(&status)).map_or(reply, |status| status.into_http())
}

/// Answers a call of one message with a stream.
pub(super) async fn answering<B, F, M, N, R>(gateway: Arc<Gateway<B>>, request: Request, answer: F) -> Reply
where
    B: Backend,
    F: Fn(Arc<Gateway<B>>, M) -> R + Send + Sync,
    M: Message + Default + 'static,
    N: Message + 'static,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    let method = Method { gateway, answer, messages: PhantomData };
    codec::<N, M>().server_streaming(method, prompt(request)).await
}

/// Answers a stream of messages with a stream.
pub(super) async fn streaming<B, F, M, N, R>(gateway: Arc<Gateway<B>>, request: Request, answer: F) -> Reply
where
    B: Backend,
    F: Fn(Arc<Gateway<B>>, Streaming<M>) -> R + Send + Sync,
    M: Message + Default + 'static,
    N: Message + 'static,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    codec::<N, M>().streaming(Method { gateway, answer, messages: PhantomData }, request).await
}

fn codec<N: Message + 'static, M: Message + Default + 'static>() -> Grpc<ProstCodec<N, M>> {
    Grpc::new(ProstCodec::default()).max_decoding_message_size(MAX_DECODED_BYTES)
}

/// What tonic says of a message larger than what is read, with Go's code and in its words: behind tonic's code, etcd's clients look for a revision.
fn too_large(status: &Status) -> Option<Status> {
    let found = status.message().strip_prefix(TOO_LARGE).filter(|_| status.code() == Code::OutOfRange)?;
    let bytes = found.split(' ').next().unwrap_or_default();
    Some(Status::resource_exhausted(format!(
        "grpc: received message larger than max ({bytes} vs. {MAX_DECODED_BYTES})"
    )))
}

/// Messages that go back, as long as there is a leader where one is required.
pub(super) struct Told<N> {
    replies: Replies<N>,
    lost: Option<Lost>,
}

impl<N> Stream for Told<N> {
    type Item = Result<N, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let told = self.replies.poll_recv(cx);
        let is_lost = told.is_pending() && self.lost.as_mut().is_some_and(|lost| lost.as_mut().poll(cx).is_ready());
        if is_lost {
            // What was to be told ends with the stream.
            self.lost = None;
            self.replies.close();
            return Poll::Ready(Some(Err(Refusal::NoLeader.into())));
        }
        told.map_err(|status| too_large(&status).unwrap_or(status))
    }
}

impl<B, F, M, N, R> UnaryService<M> for Method<B, F, M, N>
where
    B: Backend,
    F: Fn(Arc<Gateway<B>>, M) -> R,
    R: Future<Output = Result<N, Status>> + Send + 'static,
{
    type Response = N;
    type Future = Soon<N>;

    fn call(&mut self, request: tonic::Request<M>) -> Soon<N> {
        let answer = (self.answer)(self.gateway.clone(), request.into_inner());
        Box::pin(async { answer.await.map(Response::new) })
    }
}

impl<B, F, M, N, R> ServerStreamingService<M> for Method<B, F, M, N>
where
    B: Backend,
    N: Send + 'static,
    F: Fn(Arc<Gateway<B>>, M) -> R,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    type Response = N;
    type ResponseStream = Told<N>;
    type Future = Soon<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<M>) -> Soon<Self::ResponseStream> {
        let lost = leader::lost(&self.gateway, request.metadata().as_ref());
        let answer = (self.answer)(self.gateway.clone(), request.into_inner());
        Box::pin(async { answer.await.map(|replies| Response::new(Told { replies, lost })) })
    }
}

impl<B, F, M, N, R> StreamingService<M> for Method<B, F, M, N>
where
    B: Backend,
    N: Send + 'static,
    F: Fn(Arc<Gateway<B>>, Streaming<M>) -> R,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    type Response = N;
    type ResponseStream = Told<N>;
    type Future = Soon<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<Streaming<M>>) -> Soon<Self::ResponseStream> {
        let lost = leader::lost(&self.gateway, request.metadata().as_ref());
        let answer = (self.answer)(self.gateway.clone(), request.into_inner());
        Box::pin(async { answer.await.map(|replies| Response::new(Told { replies, lost })) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use tokio::time::timeout;

    use super::super::{kv, snapshot};
    use super::*;
    use crate::address::Address;
    use crate::watches::tests::Quiet;

    /// A call whose message never comes.
    fn request() -> Request {
        Request::new(Body::from_stream(tokio_stream::pending::<Result<Vec<u8>, Status>>()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_come_is_not_waited_for() {
        let address = Address { advertised: Vec::new(), listening: ([127, 0, 0, 1], 2_379).into(), scheme: "http" };
        let gateway = Arc::new(Gateway::new(Quiet::default(), address));
        let put = timeout(Duration::from_secs(3_600), unary(gateway.clone(), request(), kv::put)).await;
        let saved = timeout(Duration::from_secs(3_600), answering(gateway, request(), snapshot::snapshot)).await;
        for reply in [put, saved] {
            let status = Status::from_header_map(reply.unwrap().headers()).unwrap();
            assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
            assert!(status.message().starts_with("etcdserver: the request did not come"), "{status}");
        }
    }
}

//! How a call becomes a function's argument, and its result a response.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::server::{Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Code, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::limits::MAX_DECODED_BYTES;

/// What tonic says of a message that is too large, up to how large it is.
const TOO_LARGE: &str = "Error, decoded message length too large: found ";

/// What goes back to the caller.
pub(super) type Reply = http::Response<tonic::body::Body>;

/// Messages that go back, as they come to be.
pub(super) type Replies<N> = mpsc::Receiver<Result<N, Status>>;

type Soon<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

/// A function that answers a call, made into what tonic calls; `M` is the message that it takes, `N` what it gives.
struct Method<S, F, M, N> {
    state: Arc<S>,
    answer: F,
    messages: PhantomData<fn(M) -> N>,
}

/// Answers a call of one message with one.
pub(super) async fn unary<S, F, M, N, R>(state: Arc<S>, request: Request, answer: F) -> Reply
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, M) -> R + Send + Sync,
    M: Message + Default + 'static,
    N: Message + 'static,
    R: Future<Output = Result<N, Status>> + Send + 'static,
{
    let reply = codec::<N, M>().unary(Method { state, answer, messages: PhantomData }, request).await;
    let refused = Status::from_header_map(reply.headers());
    refused.and_then(|status| too_large(&status)).map_or(reply, |status| status.into_http())
}

/// Answers a call of one message with a stream.
pub(super) async fn answering<S, F, M, N, R>(state: Arc<S>, request: Request, answer: F) -> Reply
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, M) -> R + Send + Sync,
    M: Message + Default + 'static,
    N: Message + 'static,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    codec::<N, M>().server_streaming(Method { state, answer, messages: PhantomData }, request).await
}

/// Answers a stream of messages with a stream.
pub(super) async fn streaming<S, F, M, N, R>(state: Arc<S>, request: Request, answer: F) -> Reply
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, Streaming<M>) -> R + Send + Sync,
    M: Message + Default + 'static,
    N: Message + 'static,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    codec::<N, M>().streaming(Method { state, answer, messages: PhantomData }, request).await
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

/// Messages that go back.
pub(super) struct Told<N>(Replies<N>);

impl<N> Stream for Told<N> {
    type Item = Result<N, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map_err(|status| too_large(&status).unwrap_or(status))
    }
}

impl<S, F, M, N, R> UnaryService<M> for Method<S, F, M, N>
where
    F: Fn(Arc<S>, M) -> R,
    R: Future<Output = Result<N, Status>> + Send + 'static,
{
    type Response = N;
    type Future = Soon<N>;

    fn call(&mut self, request: tonic::Request<M>) -> Soon<N> {
        let answer = (self.answer)(self.state.clone(), request.into_inner());
        Box::pin(async { answer.await.map(Response::new) })
    }
}

impl<S, F, M, N, R> ServerStreamingService<M> for Method<S, F, M, N>
where
    N: Send + 'static,
    F: Fn(Arc<S>, M) -> R,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    type Response = N;
    type ResponseStream = Told<N>;
    type Future = Soon<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<M>) -> Soon<Self::ResponseStream> {
        let answer = (self.answer)(self.state.clone(), request.into_inner());
        Box::pin(async { answer.await.map(|replies| Response::new(Told(replies))) })
    }
}

impl<S, F, M, N, R> StreamingService<M> for Method<S, F, M, N>
where
    N: Send + 'static,
    F: Fn(Arc<S>, Streaming<M>) -> R,
    R: Future<Output = Result<Replies<N>, Status>> + Send + 'static,
{
    type Response = N;
    type ResponseStream = Told<N>;
    type Future = Soon<Self::ResponseStream>;

    fn call(&mut self, request: tonic::Request<Streaming<M>>) -> Soon<Self::ResponseStream> {
        let answer = (self.answer)(self.state.clone(), request.into_inner());
        Box::pin(async { answer.await.map(|replies| Response::new(Told(replies))) })
    }
}

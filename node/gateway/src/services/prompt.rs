//! Messages that come in time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;
use tonic::Status;

use crate::limits::MESSAGE_TIMEOUT;
use crate::refusal::Refusal;

/// A call of one message, which is refused if that does not come in time. Nothing waits for it any more then.
pub(super) fn prompt(request: Request) -> Request {
    request.map(|body| Body::from_stream(Prompt { body: body.into_data_stream(), late: None }))
}

struct Prompt {
    body: BodyDataStream,
    /// When it is too late; none before it was waited for, since most messages come together with their calls.
    late: Option<Pin<Box<Sleep>>>,
}

impl Stream for Prompt {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        if next.is_ready() {
            return next.map(|next| next.map(|read| read.map_err(Into::into)));
        }
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(MESSAGE_TIMEOUT)));
        late.as_mut().poll(cx).map(|()| Some(Err(Status::from(Refusal::MessageLate).into())))
    }
}

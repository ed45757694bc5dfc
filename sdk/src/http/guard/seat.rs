//! The place of a request, from its head to the end of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};

use crate::admission::{Place, Reference, Seat};

/// How a request was let in.
#[derive(Debug)]
pub(super) enum Admitted {
    /// As everyone who asks how the service is.
    Probe,
    /// As one of those at work.
    AtWork(Place),
    /// As one of those that wait.
    Waiting(#[expect(dead_code, reason = "it is held until the request ends")] Seat),
}

impl Admitted {
    pub(super) fn is_reserved(&self) -> bool {
        matches!(self, Admitted::AtWork(place) if place.is_reserved())
    }
}

/// On an answer, as an extension: what the call is measured by, where that is not its route.
#[derive(Clone, Debug)]
pub(in crate::http) struct Measured(pub(in crate::http) Arc<Reference>);

/// Whether an answer lasts for as long as its reader reads.
pub(super) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    response.status().is_success() && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The answer, holding the place of its reader until the last byte, or until the reader hangs up.
pub(super) fn seated(response: Response, seat: Seat) -> Response {
    response.map(|body| Body::new(Seated { body, _seat: seat }))
}

struct Seated {
    body: Body,
    _seat: Seat,
}

impl http_body::Body for Seated {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! An answer that something goes along with: from its head to its last byte, or until its reader hangs up.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// What goes along with a body.
pub(super) trait Companion: Send + Unpin + 'static {
    /// So many more bytes of it have gone.
    fn gone(&self, bytes: usize);

    /// Whether the body ends here, whatever more of it there is; not asked again once it is over.
    fn is_over(&mut self, _context: &mut Context<'_>) -> bool {
        false
    }
}

/// The answer with a companion, which is dropped with its body.
pub(super) fn accompanied(response: Response, companion: impl Companion) -> Response {
    response.map(|body| {
        Body::new(Accompanied {
            body,
            companion,
            over: false,
        })
    })
}

struct Accompanied<C> {
    body: Body,
    companion: C,
    over: bool,
}

impl<C: Companion> http_body::Body for Accompanied<C> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.over || self.companion.is_over(context) {
            self.over = true;
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.companion.gone(data.len());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

/// A body that says when it was read to its end; one that is dropped before says nothing, and its connection is not used again.
pub(super) struct ReadToEnd<F: FnOnce()> {
    body: Incoming,
    end: Option<F>,
}

impl<F: FnOnce()> ReadToEnd<F> {
    pub(super) fn new(body: Incoming, end: F) -> Self {
        let mut this = ReadToEnd { body, end: Some(end) };
        this.notice_end();
        this
    }

    fn notice_end(&mut self) {
        if self.body.is_end_stream()
            && let Some(end) = self.end.take()
        {
            end();
        }
    }
}

impl<F: FnOnce() + Unpin> Body for ReadToEnd<F> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(None) => {
                if let Some(end) = self.end.take() {
                    end();
                }
            }
            Poll::Ready(Some(Ok(_))) => self.notice_end(),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

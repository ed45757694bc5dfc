use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

/// A body of either way.
pub type Body = axum::body::Body;
/// A request on its way in.
pub type Request = http::Request<Body>;
/// A response on its way out.
pub type Response = http::Response<Body>;

/// Answers requests, whether they come by a socket or from the same process. Cheap to clone; a tower service as well.
#[derive(Clone)]
pub struct Handler(Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>);

impl Handler {
    /// A handler from a function.
    pub fn new(answer: impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static) -> Self {
        Handler(Arc::new(answer))
    }

    /// Answers one request. It never fails: what goes wrong is an answer too. Dropping the future cancels the work.
    pub fn answer(&self, request: Request) -> BoxFuture<'static, Response> {
        (self.0)(request)
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

impl tower::Service<Request> for Handler {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

//! What lasts: methods that give a stream of results, and pipes.

use std::future::Future;
use std::sync::Arc;

use futures_util::Stream;

use super::Service;
use crate::context::{Context, ServedStream};
use crate::contract::{Payload, StreamMethod};
use crate::error::Result;
use crate::pipe::{self, Pipe};

impl Service {
    /// Serves a method that gives a stream of results. The handler says at first whether it can, by giving the stream or an error; each
    /// item is then sent as it comes, at the pace of its reader. A caller that stops reading drops the stream where it stands.
    ///
    /// ```
    /// use futures_util::stream;
    /// use syscall_sdk::{context::Context, contract::StreamMethod, service::Service};
    ///
    /// const COUNT: StreamMethod<u32, u32> = StreamMethod::new("core", "count", "Counts to a number.");
    /// let service = Service::new("core", "1.0.0").stream_method(COUNT, |_: Context, to: u32| async move {
    ///     Ok(stream::iter((1..=to).map(Ok)))
    /// });
    /// ```
    ///
    /// # Panics
    /// Where the contract is another service's, or the name is served already: that is a mistake in the program.
    #[must_use]
    pub fn stream_method<P, R, F, Fut, S>(mut self, method: StreamMethod<P, R>, handler: F) -> Self
    where
        P: Payload,
        R: Payload,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S>> + Send + 'static,
        S: Stream<Item = Result<R>> + Send + 'static,
    {
        assert_eq!(
            method.service, self.key,
            "method {} belongs to another service",
            method.name
        );
        let served = ServedStream::new(method.name, method.description, handler);
        let twice = self.stream_methods.insert(method.name, Arc::new(served)).is_some();
        let twice = twice || self.methods.contains_key(method.name);
        assert!(!twice, "method {} is served twice", method.name);
        self
    }

    /// Serves a pipe: a two-way stream of bytes that a caller opens by name. The pipe ends when the handler returns: well, so that the
    /// caller reads to the end, or with the error's sentence. The handler is dropped where it stands when the caller breaks the pipe or
    /// the service shuts down.
    ///
    /// # Panics
    /// Where the name is served already or is no name of a pipe: 1 to 200 letters, digits, `.`, `_`, `-` or `:`.
    #[must_use]
    pub fn pipe<F, Fut>(mut self, name: &'static str, handler: F) -> Self
    where
        F: Fn(Context, Pipe) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        assert!(pipe::is_name(name), "{name:?} cannot name a pipe");
        let handler = Arc::new(
            move |context, pipe| -> futures_util::future::BoxFuture<'static, Result<()>> {
                Box::pin(handler(context, pipe))
            },
        );
        let twice = self.pipes.insert(name, handler).is_some();
        assert!(!twice, "pipe {name} is served twice");
        self
    }
}

//! Server-sent events: what every stream of the kernel has in common.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use crate::context::{Context, Kernel};
use crate::policy::{PERSON_STREAM_LIFE, jitter};

/// A comment at this interval keeps proxies from closing a silent stream; the edge's own patience is a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a reader is told to wait before it comes back after the stream was closed on purpose.
const RETRY: Duration = Duration::from_secs(1);

/// How long a stream lasts: the platform's edge cuts at 15 minutes, and who ends it says so before. Streams that began together end apart,
/// up to so much earlier.
const LIFE: Duration = Duration::from_secs(14 * 60);
const LIFE_SPREAD: Duration = Duration::from_secs(2 * 60);

/// One message.
#[derive(Debug)]
pub(super) struct Message {
    id: Option<String>,
    name: Option<String>,
    data: String,
}

impl Message {
    /// A message whose data is an object in JSON.
    pub(super) fn of<T: Serialize>(data: &T) -> Self {
        Message {
            id: None,
            name: None,
            data: serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned()),
        }
    }

    /// The new HTML of a part of a page.
    #[cfg(feature = "pages")]
    pub(super) fn html(element: &str, html: &str) -> Self {
        Message {
            id: None,
            name: Some(element.to_owned()),
            data: html.to_owned(),
        }
    }

    /// A message of another type than the usual.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The cursor at which a reader that got this goes on.
    pub(super) fn at(mut self, cursor: impl ToString) -> Self {
        self.id = Some(cursor.to_string());
        self
    }
}

/// A stream of messages, fed by a function that waits for the next ones and gives `None` at the end.
///
/// The source is pulled: a reader that does not read is waited for by nobody and costs one place in the log. The stream ends when the
/// service drains, and after some minutes, with a hint to come back.
pub(super) fn stream<S, F, Fut>(context: &Context, first: Vec<Message>, source: S, next: F) -> Response
where
    S: Send + 'static,
    F: FnMut(S) -> Fut + Send + 'static,
    Fut: Future<Output = Option<(Vec<Message>, S)>> + Send + 'static,
{
    let life = match context.person() {
        Some(_) => PERSON_STREAM_LIFE,
        None => LIFE - LIFE_SPREAD.mul_f64(jitter()),
    };
    until(context, first, source, next, tokio::time::sleep(life))
}

/// As [`stream`], for what cannot be gone on with elsewhere: it lasts as long as its source.
pub(super) fn whole<S, F, Fut>(context: &Context, source: S, next: F) -> Response
where
    S: Send + 'static,
    F: FnMut(S) -> Fut + Send + 'static,
    Fut: Future<Output = Option<(Vec<Message>, S)>> + Send + 'static,
{
    until(context, Vec::new(), source, next, std::future::pending())
}

fn until<S, F, Fut>(
    context: &Context,
    first: Vec<Message>,
    source: S,
    next: F,
    over: impl Future<Output = ()> + Send + 'static,
) -> Response
where
    S: Send + 'static,
    F: FnMut(S) -> Fut + Send + 'static,
    Fut: Future<Output = Option<(Vec<Message>, S)>> + Send + 'static,
{
    let kernel: Arc<Kernel> = Arc::clone(context.kernel());
    let ending = async move {
        tokio::select! {
            () = kernel.streams.cancelled() => {}
            () = over => {}
        }
    };
    let messages = stream::iter([first])
        .chain(stream::unfold(source, next))
        .flat_map(stream::iter)
        .map(render)
        .take_until(Box::pin(ending))
        .chain(stream::once(async {
            Event::default()
                .retry(RETRY)
                .comment("the service is closing this stream")
        }));
    respond(messages.map(Ok))
}

fn render(message: Message) -> Event {
    let mut event = Event::default();
    if let Some(name) = message.name {
        event = event.event(name);
    }
    if let Some(id) = message.id {
        event = event.id(id);
    }
    event.data(message.data)
}

fn respond(messages: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(messages)
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that buffer would hold messages back.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
